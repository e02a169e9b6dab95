import { proRata, type Account, type Position } from './account.js';

/** What a company's shares are valued at, in cents, by the company's index. */
export type Marks = readonly number[];

/** An account's money at a glance, in cents. */
export interface Standing {
  /** Cash and shares at their marks, less what is owed. */
  equityCents: number;
  /** Initial margin of the positions alone. */
  positionMarginCents: number;
  /** Initial margin of positions and open orders: see `exposureCents`. */
  marginUsedCents: number;
}

/** Values an account: one pass over its positions, because it is asked for every agent in every tick. */
export function assess(account: Account, leverage: number, marks: Marks): Standing {
  const { equityCents, heldCents, exposedCents } = sumUp(account, marks);
  return {
    equityCents,
    positionMarginCents: Math.ceil(heldCents / leverage),
    marginUsedCents: Math.ceil(exposedCents / leverage),
  };
}

/**
 * Whether the account can carry `lots` more on one side, for `cents` in total. Whatever does not raise the margin is
 * allowed, so that risk can always be reduced.
 *
 * @param position the account's own, or an empty one that it does not hold yet
 */
export function canCarry(
  account: Account,
  position: Readonly<Position>,
  order: { side: 'BUY' | 'SELL'; lots: number; cents: number },
  leverage: number,
  marks: Marks,
): boolean {
  const markCents = marks[position.company] ?? 0;
  const after: Position = { ...position };
  after[order.side === 'BUY' ? 'buyLots' : 'sellLots'] += order.lots;
  after[order.side === 'BUY' ? 'buyCents' : 'sellCents'] += order.cents;
  const raisedCents = exposureCents(after, markCents) - exposureCents(position, markCents);
  if (raisedCents <= 0) return true;
  const { equityCents, exposedCents } = sumUp(account, marks);
  return Math.ceil((exposedCents + raisedCents) / leverage) <= equityCents;
}

function sumUp(account: Account, marks: Marks): { equityCents: number; heldCents: number; exposedCents: number } {
  let equityCents = account.cashCents - account.loanCents;
  let heldCents = 0;
  let exposedCents = 0;
  for (const position of account.positions.values()) {
    const markCents = marks[position.company] ?? 0;
    const valueCents = position.shares * markCents;
    equityCents += valueCents;
    heldCents += Math.abs(valueCents);
    exposedCents += exposureCents(position, markCents);
  }
  return { equityCents, heldCents, exposedCents };
}

/**
 * The largest exposure that a position and its open orders could lead to, all buys or all sells filled. An account of
 * leverage 1, whose exposure may not pass its equity, therefore pays for everything with its own money.
 */
function exposureCents(position: Readonly<Position>, markCents: number): number {
  const { shares, buyLots, buyCents, sellLots, sellCents } = position;
  const now = Math.abs(shares) * markCents;
  if (buyLots === 0 && sellLots === 0) return now;
  return Math.max(now, exposureAfter(shares, buyLots, buyCents, now), exposureAfter(-shares, sellLots, sellCents, now));
}

/** @param shares held in the direction of the orders: negative where the orders first close what is there */
function exposureAfter(shares: number, orderLots: number, orderCents: number, nowCents: number): number {
  if (shares >= 0) return nowCents + orderCents;
  const opening = shares + orderLots;
  return opening > 0 ? proRata(orderCents, opening, orderLots) : 0;
}
