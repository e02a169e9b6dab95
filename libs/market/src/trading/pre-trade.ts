import type { Side } from '@tickwire/matching';
import type { OrderAction } from '../agents/parse-action.js';
import { feeOn, type Position } from './account.js';
import type { Listing } from './listing.js';
import type { OrderType } from './order.js';

/** Why a request was turned down: a stable code, and a sentence for its author. */
export interface Refusal {
  refusal: string;
  detail: string;
}

/** A market order goes at most this far beyond the best quote; what is left is cancelled. */
const PROTECTION = 0.1;
/** Money held for a stop buy, above its trigger, by price band: the fill comes at the first price behind it. */
const STOP_RESERVE = { fromCents: 5_000, high: 1.025, low: 1.04 };

/** Sentences for what is found out while an order is executed. */
export const EXPLANATIONS = {
  INSUFFICIENT_FUNDS: 'the order needs more margin than is available',
  NO_LIQUIDITY: 'nobody trades within reach of the best price',
  SELF_TRADE: 'the order would trade with an own order first',
} as const;

export function refuse(refusal: string, detail: string): Refusal {
  return { refusal, detail };
}

/**
 * Whether a position, with what its open orders have promised already, has room for an action. SELL and COVER only ever
 * close, so an order that could turn the position round under an open one of them is refused.
 * @param position undefined where there is none
 */
export function checkPosition(
  position: Readonly<Position> | undefined,
  action: OrderAction,
  quantity: number,
): Refusal | undefined {
  const { shares = 0, buyLots = 0, sellLots = 0, reduceLots = 0 } = position ?? {};
  switch (action) {
    case 'SELL':
      if (shares - sellLots >= quantity) return undefined;
      return refuse('INSUFFICIENT_SHARES', 'more than the shares held that no open order sells already');
    case 'COVER':
      if (-shares - buyLots >= quantity) return undefined;
      return refuse('NO_SHORT_POSITION', 'more than the shares short that no open order buys already');
    case 'BUY':
      if (shares >= 0 || reduceLots === 0) return undefined;
      return refuse('CONFLICTING_ORDERS', 'an open COVER would find its position closed; cancel it first');
    case 'SHORT':
      if (shares <= 0 || reduceLots === 0) return undefined;
      return refuse('CONFLICTING_ORDERS', 'an open SELL would find its shares gone; cancel it first');
  }
}

/**
 * Cents to hold for each share of an order: the most one may cost, fee included; for sales what one counts in the margin.
 * @param order.priceCents its limit or its trigger; undefined for a market order, which waits under its protection
 */
export function holdCents(
  listing: Listing,
  order: { side: Side; type: OrderType; priceCents: number | undefined },
  feeBps: number,
): number {
  const { side, type, priceCents } = order;
  if (side === 'SELL') return Math.max(listing.quoted.priceCents, type === 'LIMIT' ? (priceCents ?? 0) : 0);
  let cents = priceCents ?? protectionPrice(side, listing);
  if (type === 'STOP') {
    cents = Math.ceil(cents * (cents >= STOP_RESERVE.fromCents ? STOP_RESERVE.high : STOP_RESERVE.low));
  }
  return cents + feeOn(cents, feeBps);
}

/** The worst price a market order accepts. */
export function protectionPrice(side: Side, { quoted }: Listing): number {
  if (side === 'BUY') return Math.ceil(quoted.askCents * (1 + PROTECTION));
  return Math.max(1, Math.floor(quoted.bidCents * (1 - PROTECTION)));
}

/** Whether the published quotes touch a stop. */
export function isTriggered(side: Side, stopCents: number, { quoted }: Listing): boolean {
  return side === 'BUY' ? quoted.askCents >= stopCents : quoted.bidCents <= stopCents;
}
