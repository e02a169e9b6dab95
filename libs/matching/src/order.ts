/** Which side of the book an order stands on. */
export type Side = 'BUY' | 'SELL';

/** An order as it arrives (the taker, until it rests). */
export interface IncomingOrder {
  /** Unique among the orders resting on this book. */
  id: string;
  /** Who trades: an owner never trades with himself. */
  ownerId: string;
  side: Side;
  type: 'MARKET' | 'LIMIT';
  /** A positive safe integer. */
  lots: number;
  /**
   * The worst acceptable price in price steps, a positive safe integer. Required for LIMIT; on a MARKET order it is
   * its protection: the sweep stops there and the remainder is cancelled.
   */
  priceSteps?: number;
}

/** An order waiting on the book (a maker). */
export interface RestingOrder {
  id: string;
  ownerId: string;
  side: Side;
  priceSteps: number;
  /** What is still unfilled, > 0. */
  lots: number;
}

/** One trade between the incoming order and one resting order, at the resting order's price. */
export interface Fill {
  makerId: string;
  makerOwnerId: string;
  takerId: string;
  takerOwnerId: string;
  priceSteps: number;
  lots: number;
  /** What the maker still has on the book after this fill; 0 when it is done. */
  makerLeavesLots: number;
}

/** Why lots of an incoming order ended without a trade. */
export type CancelReason = 'NO_LIQUIDITY' | 'SELF_TRADE';

/** `lots = sum of fills + restingLots + cancelledLots`; of the last two at most one is above 0. */
export interface SubmitResult {
  /** In the order they happened: best price first, oldest first within a price. */
  fills: Fill[];
  restingLots: number;
  cancelledLots: number;
  /** Present when `cancelledLots` > 0. */
  cancelReason?: CancelReason;
}
