export { applyDelta, bookDeposit, isConserved, openBook, positionIn, totalsOf } from './accounts/account-book.js';
export type { AccountBook, BookDelta, LedgerAccount, LedgerEntry, LedgerTotals } from './accounts/account-book.js';
export { bookFill } from './accounts/book-fill.js';
export type { FillBooking } from './accounts/book-fill.js';
export { equity, freeMargin, unrealisedProfit, usedMargin } from './accounts/equity.js';
export type { Mark, Marks } from './accounts/equity.js';
export { formatDecimal, MAX_DECIMALS, parseDecimal } from './amounts/decimal.js';
export type { DecimalRefusal } from './amounts/decimal.js';
export { divideCeiling, divideHalfEven } from './amounts/divide.js';
export { defineInstrument, initialMarginMinor, notionalMinor, toMinor } from './instruments/instrument.js';
export type { Instrument, InstrumentSpec } from './instruments/instrument.js';
export { formatMoney, formatPrice, formatQuantity, parsePrice, parseQuantity } from './instruments/wire-amounts.js';
export type { AmountRefusal } from './instruments/wire-amounts.js';
export {
  applyFill,
  averageOf,
  averagePrice,
  closingPriceSteps,
  FLAT,
  unrealised,
  unrealisedStepLots,
} from './positions/position.js';
export type { Position, PositionChange, PositionFill, QuotePrices } from './positions/position.js';
export { dollarShare } from './instruments/dollar-share.js';
