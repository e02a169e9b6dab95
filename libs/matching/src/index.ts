export { OrderBook } from './order-book.js';
export type { BestPrices, BookSnapshot, DepthLevel, Sweep } from './order-book.js';
export type { CancelReason, Fill, IncomingOrder, RestingOrder, Side, SubmitResult } from './order.js';
export { StopBook } from './stop-book.js';
export type { StopOrder } from './stop-book.js';
