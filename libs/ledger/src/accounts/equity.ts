import assert from 'node:assert/strict';
import { initialMarginMinor } from '../instruments/instrument.js';
import type { Instrument } from '../instruments/instrument.js';
import { closingPriceSteps, unrealised } from '../positions/position.js';
import type { Position, QuotePrices } from '../positions/position.js';
import type { AccountBook } from './account-book.js';

/** The latest quote of an instrument, with the scaling that turns it into money. */
export interface Mark extends QuotePrices {
  readonly instrument: Instrument;
}

/** Marks by symbol; must hold every symbol the account has a position in. */
export type Marks = ReadonlyMap<string, Mark>;

/**
 * Balance plus unrealised profit, longs at the bid and shorts at the ask: minor units.
 *
 * @throws AssertionError if an open position has no mark, or one in another currency: equity would be a guess
 */
export function equity(book: AccountBook, marks: Marks): bigint {
  return book.balanceMinor + unrealisedProfit(book, marks);
}

/** Unrealised profit over all positions, each rounded half-even to minor units. Throws like {@link equity}. */
export function unrealisedProfit(book: AccountBook, marks: Marks): bigint {
  let sum = 0n;
  for (const { position, mark } of marked(book, marks)) sum += unrealised(position, mark, mark.instrument);
  return sum;
}

/**
 * Initial margin held by the open positions at the price they could be closed at: sum of notional / leverage, each
 * rounded up to a minor unit.
 *
 * @param leverage one for all, or by symbol; see `initialMarginMinor`
 * @throws AssertionError like {@link equity}, or if a leverage is not a positive decimal
 */
export function usedMargin(
  book: AccountBook,
  marks: Marks,
  leverage: number | string | ((symbol: string) => number | string),
): bigint {
  let sum = 0n;
  for (const { symbol, position, mark } of marked(book, marks)) {
    const factor = typeof leverage === 'function' ? leverage(symbol) : leverage;
    const closingSteps = closingPriceSteps(position, mark);
    if (closingSteps !== undefined) sum += initialMarginMinor(position.lots, closingSteps, mark.instrument, factor);
  }
  return sum;
}

/** Equity less used margin: what new risk may be taken with. Negative when the account is over-extended. */
export function freeMargin(book: AccountBook, marks: Marks, leverage: Parameters<typeof usedMargin>[2]): bigint {
  return equity(book, marks) - usedMargin(book, marks, leverage);
}

function* marked(book: AccountBook, marks: Marks): Generator<{ symbol: string; position: Position; mark: Mark }> {
  for (const [symbol, position] of book.positions) {
    const mark = marks.get(symbol);
    assert(mark !== undefined, `no mark for the open position in ${symbol}`);
    assert(mark.instrument.currency === book.currency, `the mark of ${symbol} is in another currency`);
    yield { symbol, position, mark };
  }
}
