import type { Side } from '@tickwire/matching';
import { dropIfEmpty, positionIn, type Account } from './account.js';
import type { Digest } from '../world/state-hash.js';
import type { OrderView } from '../world/tick-result.js';

export type OrderType = 'MARKET' | 'LIMIT' | 'STOP';
/** `pending` waits for the market to open; `open` and `partial` work; the other three are ends. */
export type OrderStatus = 'pending' | 'open' | 'partial' | 'filled' | 'cancelled' | 'rejected';

/** An agent's order while the world remembers it. */
export interface Order {
  /** `ord_<tick>_<sequence>`, unique in the world. */
  readonly id: string;
  /** Order of arrival over all orders and quotes of the world; decides priority within a price. */
  readonly sequence: number;
  readonly company: number;
  readonly side: Side;
  readonly type: OrderType;
  /** SELL and COVER may close a position, never open one. */
  readonly reduceOnly: boolean;
  readonly quantity: number;
  /** Limit of a LIMIT order. */
  readonly priceCents: number | undefined;
  /** Trigger of a STOP order. */
  readonly stopCents: number | undefined;
  /** Cents held for each unfilled share. */
  readonly holdCents: number;
  status: OrderStatus;
  filledQuantity: number;
  /** Sum of price x shares over the fills. */
  filledCents: number;
  readonly tickSubmitted: number;
  tickFilled: number | undefined;
  readonly createdAtMs: number;
  /** Caches of the hash and of the published form; dropped by every change. */
  digest: Digest | undefined;
  view: OrderView | undefined;
}

export function leavesQuantity(order: Order): number {
  return order.quantity - order.filledQuantity;
}

/** Holds money and shares for an order's unfilled lots; a negative number of lots releases them. */
export function hold(account: Account, order: Order, lots: number): void {
  const position = positionIn(account, order.company);
  if (order.side === 'BUY') {
    position.buyLots += lots;
    position.buyCents += lots * order.holdCents;
  } else {
    position.sellLots += lots;
    position.sellCents += lots * order.holdCents;
  }
  if (order.reduceOnly) position.reduceLots += lots;
  dropIfEmpty(account, order.company);
}

/** Drops what is cached about an order and its owner, because the order has changed. */
export function touch(account: Account, order: Order): void {
  order.digest = undefined;
  order.view = undefined;
  account.digest = undefined;
}
