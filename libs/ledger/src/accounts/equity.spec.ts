import { defineInstrument } from '../instruments/instrument.js';
import { applyDelta, bookDeposit, openBook } from './account-book.js';
import type { AccountBook } from './account-book.js';
import { bookFill } from './book-fill.js';
import { equity, freeMargin, unrealisedProfit, usedMargin } from './equity.js';
import type { Mark } from './equity.js';

const dollars = { currency: 'USD', currencyMinorDigits: 2 };
const share = defineInstrument({ symbol: 'ACME', priceDecimals: 2, quantityDecimals: 0, ...dollars });
const pair = defineInstrument({ symbol: 'EURUSD', priceDecimals: 5, quantityDecimals: 2, ...dollars });
const marks = new Map<string, Mark>([
  ['ACME', { instrument: share, bidSteps: 5_090, askSteps: 5_110 }],
  ['EURUSD', { instrument: pair, bidSteps: 109_990, askSteps: 110_010 }],
]);

/** 1,000.00 paid in, long 10 ACME at 50.00, short 1,000.00 EURUSD at 1.10000. */
function tradingBook(): AccountBook {
  let book = applyDelta(openBook('USD'), bookDeposit(1_000_00n).delta);
  book = applyDelta(book, bookFill(book, { side: 'buy', lots: 10, priceSteps: 5_000 }, share, 0n).delta);
  return applyDelta(book, bookFill(book, { side: 'sell', lots: 100_000, priceSteps: 110_000 }, pair, 0n).delta);
}

describe('equity', () => {
  it('is the balance plus longs at the bid and shorts at the ask', () => {
    const book = tradingBook();
    expect(unrealisedProfit(book, marks)).toBe(900n - 10n);
    expect(equity(book, marks)).toBe(1_008_90n);
  });

  it('is the balance when nothing is open', () => {
    expect(equity(applyDelta(openBook('USD'), bookDeposit(5n).delta), new Map())).toBe(5n);
  });

  it('throws rather than guess when an open position has no mark, or one in another currency', () => {
    expect(() => equity(tradingBook(), new Map())).toThrow('no mark');
    const foreign = new Map(marks).set('ACME', { ...marks.get('ACME')!, instrument: { ...share, currency: 'EUR' } });
    expect(() => equity(tradingBook(), foreign)).toThrow('another currency');
  });
});

describe('usedMargin', () => {
  it('is the sum of notional over leverage at the closing price, each rounded up', () => {
    // 10 x 50.90 = 509.00 and 1,000 x 1.10010 = 1,100.10
    expect(usedMargin(tradingBook(), marks, 1)).toBe(1_609_10n);
    expect(usedMargin(tradingBook(), marks, 30)).toBe(16_97n + 36_67n);
  });

  it('takes a leverage for each symbol', () => {
    expect(usedMargin(tradingBook(), marks, (symbol) => (symbol === 'ACME' ? '2' : 100))).toBe(254_50n + 11_01n);
  });

  it('leaves the rest of the equity free, less than nothing when over-extended', () => {
    expect(freeMargin(tradingBook(), marks, 30)).toBe(1_008_90n - 53_64n);
    expect(freeMargin(tradingBook(), marks, 1)).toBe(1_008_90n - 1_609_10n);
  });
});
