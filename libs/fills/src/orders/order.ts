import assert from 'node:assert/strict';
import type { Side } from '../venue/fill-on-quote.js';

/** OrdStatus (FIX 39) and its character on the wire. */
export const ORD_STATUS = {
  new: '0',
  partially_filled: '1',
  filled: '2',
  cancelled: '4',
  replaced: '5',
  pending_cancel: '6',
  rejected: '8',
  pending_new: 'A',
  expired: 'C',
} as const;
export type OrdStatus = keyof typeof ORD_STATUS;

export type OrdType = 'market' | 'limit' | 'stop' | 'stop_limit' | 'trailing_stop';
export type TimeInForce = 'day' | 'gtc' | 'ioc' | 'fok' | 'gtd';
/** How an order may end without trading all its lots. */
export type UnfilledEnd = 'cancelled' | 'expired' | 'rejected';

/** What an order asks for; it never changes. FIX names, with prices in price steps and quantities in lots. */
export interface OrderTerms {
  orderId: string;
  /** The sender's id: the signal's. */
  clOrdId: string;
  account: string;
  symbol: string;
  side: Side;
  ordType: OrdType;
  tif: TimeInForce;
  /** Lots, a positive safe integer. */
  orderQty: number;
  /** Limit, price steps; for limit and stop-limit orders. */
  price?: number;
  /** Trigger, price steps; for stop orders. */
  stopPx?: number;
}

/**
 * An order and how far it has got. Holds at every moment:
 * - cumQty + leavesQty = orderQty while open; leavesQty = 0 in a final status
 * - filledStepLots = sum of lastPx x lastQty, so the average price is exact: filledStepLots / cumQty
 */
export interface Order extends Readonly<OrderTerms> {
  readonly ordStatus: OrdStatus;
  /** Lots traded so far. */
  readonly cumQty: number;
  /** Lots still working. */
  readonly leavesQty: number;
  readonly filledStepLots: bigint;
}

/** A trade as an order sees it. */
export interface OrderFill {
  lots: number;
  priceSteps: number;
}

/**
 * An accepted order with nothing traded.
 *
 * @throws AssertionError if `orderQty` is not a positive safe integer, or a price the type needs is missing or one it
 *   cannot have is present: the validator has refused such signals before
 */
export function openOrder(terms: OrderTerms): Order {
  assertLots(terms.orderQty, 'orderQty');
  const needsLimit = terms.ordType === 'limit' || terms.ordType === 'stop_limit';
  const needsStop = terms.ordType !== 'market' && terms.ordType !== 'limit';
  assertPrice(terms.price, needsLimit, 'price', terms.ordType);
  assertPrice(terms.stopPx, needsStop, 'stopPx', terms.ordType);
  return { ...terms, ordStatus: 'new', cumQty: 0, leavesQty: terms.orderQty, filledStepLots: 0n };
}

/**
 * The order after a trade: partially filled, or filled when nothing is left. While a cancel is pending it stays so
 * until filled.
 *
 * @throws AssertionError if the order is final, or the fill is not positive integers or larger than `leavesQty`
 */
export function advanceOrder(order: Order, fill: OrderFill): Order {
  assertLots(fill.lots, 'fill.lots');
  assertLots(fill.priceSteps, 'fill.priceSteps');
  assert(!isFinal(order), `a ${order.ordStatus} order cannot trade`);
  assert(fill.lots <= order.leavesQty, 'a fill cannot exceed the lots that are left');
  const leavesQty = order.leavesQty - fill.lots;
  return {
    ...order,
    ordStatus: statusAfterTrade(order.ordStatus, leavesQty),
    cumQty: order.cumQty + fill.lots,
    leavesQty,
    filledStepLots: order.filledStepLots + BigInt(fill.lots) * BigInt(fill.priceSteps),
  };
}

/**
 * The order after it ended with lots untraded; what it has traded stays traded.
 *
 * @throws AssertionError if the order is final already, or has traded and would be rejected
 */
export function endOrder(order: Order, end: UnfilledEnd): Order {
  assert(!isFinal(order), `a ${order.ordStatus} order cannot end again`);
  assert(end !== 'rejected' || order.cumQty === 0, 'an order that has traded cannot be rejected');
  return { ...order, ordStatus: end, leavesQty: 0 };
}

/** True when nothing can happen to the order any more. */
export function isFinal(order: Pick<Order, 'ordStatus'>): boolean {
  switch (order.ordStatus) {
    case 'filled':
    case 'cancelled':
    case 'rejected':
    case 'expired':
    case 'replaced':
      return true;
    case 'new':
    case 'partially_filled':
    case 'pending_cancel':
    case 'pending_new':
      return false;
  }
}

/** Of the statuses that hold together, FIX reports the first of: pending cancel, filled, partially filled, new. */
function statusAfterTrade(before: OrdStatus, leavesQty: number): OrdStatus {
  if (leavesQty === 0) return 'filled';
  return before === 'pending_cancel' ? 'pending_cancel' : 'partially_filled';
}

function assertLots(value: number, name: string): void {
  assert(Number.isSafeInteger(value) && value > 0, `${name} must be a positive integer`);
}

function assertPrice(value: number | undefined, needed: boolean, name: string, ordType: OrdType): void {
  assert((value !== undefined) === needed, `a ${ordType} order ${needed ? 'needs' : 'has no'} ${name}`);
  if (value !== undefined) assertLots(value, name);
}
