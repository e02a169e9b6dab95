import fc from 'fast-check';
import { defineInstrument, toMinor } from '../instruments/instrument.js';
import { FLAT } from '../positions/position.js';
import type { PositionFill } from '../positions/position.js';
import { applyDelta, bookDeposit, isConserved, openBook, positionIn, totalsOf } from './account-book.js';
import type { AccountBook, LedgerEntry } from './account-book.js';
import { bookFill } from './book-fill.js';

const dollars = { currency: 'USD', currencyMinorDigits: 2 };
const share = defineInstrument({ symbol: 'ACME', priceDecimals: 2, quantityDecimals: 0, ...dollars });
const pair = defineInstrument({ symbol: 'EURUSD', priceDecimals: 5, quantityDecimals: 2, ...dollars });
const future = defineInstrument({
  symbol: 'ESZ',
  priceDecimals: 2,
  quantityDecimals: 0,
  contractMultiplier: '2.5',
  ...dollars,
});
const buy = (lots: number, priceSteps: number): PositionFill => ({ side: 'buy', lots, priceSteps });
const sell = (lots: number, priceSteps: number): PositionFill => ({ side: 'sell', lots, priceSteps });
const funded = (amountMinor: bigint): AccountBook => applyDelta(openBook('USD'), bookDeposit(amountMinor).delta);

describe('bookFill', () => {
  it('moves no money but the commission when a position opens', () => {
    const { delta, entries, netRealisedMinor } = bookFill(funded(1_000_00n), buy(10, 5_000), share, 35n);
    expect(entries).toEqual([{ kind: 'commission', from: 'balance', to: 'fees', amountMinor: 35n, symbol: 'ACME' }]);
    expect(netRealisedMinor).toBe(-35n);
    expect(delta.totals).toEqual({ balanceMinor: -35n, feesMinor: 35n, pnlPoolMinor: 0n, depositsMinor: 0n });
  });

  it('pays a profit out of the P&L pool, then the commission', () => {
    const opened = applyDelta(funded(1_000_00n), bookFill(funded(0n), buy(10, 5_000), share, 0n).delta);
    const booking = bookFill(opened, sell(10, 5_100), share, 35n);
    expect(booking.entries.map(({ kind, from, to, amountMinor }) => [kind, from, to, amountMinor])).toEqual([
      ['realised_profit', 'pnl_pool', 'balance', 1_000n],
      ['commission', 'balance', 'fees', 35n],
    ]);
    const after = applyDelta(opened, booking.delta);
    expect(after).toMatchObject({ balanceMinor: 1_009_65n, feesMinor: 35n, pnlPoolMinor: -1_000n });
    expect(after.positions.has('ACME')).toBe(false);
  });

  it('pays a loss into the P&L pool and credits a rebate', () => {
    const opened = applyDelta(funded(1_000_00n), bookFill(funded(0n), sell(10, 5_000), share, 0n).delta);
    const { entries } = bookFill(opened, buy(10, 5_100), share, -5n);
    expect(entries.map(({ kind, from, to, amountMinor }) => [kind, from, to, amountMinor])).toEqual([
      ['realised_loss', 'balance', 'pnl_pool', 1_000n],
      ['rebate', 'fees', 'balance', 5n],
    ]);
  });

  it('leaves the book it is given as it was', () => {
    const book = applyDelta(funded(100n), bookFill(funded(0n), buy(3, 100), share, 0n).delta);
    const before = structuredClone(book);
    applyDelta(book, bookFill(book, sell(3, 120), share, 1n).delta);
    expect(book).toEqual(before);
  });

  it('refuses an instrument in another currency', () => {
    const yen = defineInstrument({ ...share, currency: 'JPY', currencyMinorDigits: 0 });
    expect(() => bookFill(funded(100n), buy(1, 100), yen, 0n)).toThrow('currency');
  });

  it('says in its delta that a closed position is flat', () => {
    const opened = applyDelta(funded(0n), bookFill(funded(0n), buy(3, 100), share, 0n).delta);
    expect(bookFill(opened, sell(3, 100), share, 0n).delta.positions.get('ACME')).toEqual(FLAT);
    expect(positionIn(opened, 'OTHER')).toBe(FLAT);
  });
});

describe('bookDeposit', () => {
  it('books what is paid in and what is paid out', () => {
    const paidOut = bookDeposit(-40n);
    expect(paidOut.entries).toEqual([{ kind: 'withdrawal', from: 'balance', to: 'deposits', amountMinor: 40n }]);
    expect(applyDelta(funded(100n), paidOut.delta)).toMatchObject({ balanceMinor: 60n, depositsMinor: 60n });
    expect(bookDeposit(0n).entries).toEqual([]);
  });
});

type Step =
  | { type: 'fill'; symbol: number; fill: PositionFill; commissionMinor: bigint }
  | { type: 'deposit'; amountMinor: bigint };

const INSTRUMENTS = [share, pair, future];
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record({
      type: fc.constant('fill' as const),
      symbol: fc.nat(INSTRUMENTS.length - 1),
      fill: fc.record({
        side: fc.constantFrom('buy' as const, 'sell' as const),
        lots: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 10_000_000 })),
        priceSteps: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 10_000_000 })),
      }),
      commissionMinor: fc.bigInt({ min: -500n, max: 5_000n }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('deposit' as const),
      amountMinor: fc.bigInt({ min: -(10n ** 9n), max: 10n ** 9n }),
    }),
  },
);

function run(steps: Step[]) {
  let book = openBook('USD');
  const entries: LedgerEntry[] = [];
  const closings = INSTRUMENTS.map(() => 0);
  for (const each of steps) {
    if (each.type === 'deposit') {
      const paid = bookDeposit(each.amountMinor);
      book = applyDelta(book, paid.delta);
      entries.push(...paid.entries);
      continue;
    }
    const instrument = INSTRUMENTS[each.symbol] ?? share;
    const booking = bookFill(book, each.fill, instrument, each.commissionMinor);
    book = applyDelta(book, booking.delta);
    entries.push(...booking.entries);
    if (booking.closedLots > 0) closings[each.symbol] = (closings[each.symbol] ?? 0) + 1;
    expect(isConserved(book)).toBe(true);
  }
  return { book, entries, closings };
}

describe('conservation', () => {
  it('holds after every event: balance + fees + P&L pool = deposits', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { book } = run(steps);
        const paidIn = steps.reduce((sum, each) => (each.type === 'deposit' ? sum + each.amountMinor : sum), 0n);
        const fees = steps.reduce((sum, each) => (each.type === 'fill' ? sum + each.commissionMinor : sum), 0n);
        expect(book.depositsMinor).toBe(paidIn);
        expect(book.feesMinor).toBe(fees);
        expect(book.balanceMinor + book.feesMinor + book.pnlPoolMinor).toBe(paidIn);
      }),
    );
  });

  it('makes the entries alone enough to rebuild the money of the book', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { book, entries } = run(steps);
        expect(totalsOf(entries)).toEqual({
          balanceMinor: book.balanceMinor,
          feesMinor: book.feesMinor,
          pnlPoolMinor: book.pnlPoolMinor,
          depositsMinor: book.depositsMinor,
        });
      }),
    );
  });

  it('agrees with the cash that changed hands, to half a minor unit for each closing fill', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { book, closings } = run(steps);
        // Independent of netting: money received for sales, less money paid, plus the cost of what is still open.
        let expected = 0n;
        for (const [index, instrument] of INSTRUMENTS.entries()) {
          const cash = steps.reduce((sum, each) => {
            if (each.type !== 'fill' || each.symbol !== index) return sum;
            const value = BigInt(each.fill.lots) * BigInt(each.fill.priceSteps);
            return each.fill.side === 'buy' ? sum - value : sum + value;
          }, positionIn(book, instrument.symbol).costStepLots);
          expected += toMinor(cash, instrument);
        }
        const off = -book.pnlPoolMinor - expected;
        // One more half for each of the three sums rounded here.
        const allowed = BigInt(Math.ceil((closings.reduce((sum, count) => sum + count, 0) + INSTRUMENTS.length) / 2));
        expect(off <= allowed && off >= -allowed).toBe(true);
      }),
    );
  });

  it('sees money that appeared from nowhere, in one account or among many', () => {
    const book = funded(100n);
    expect(isConserved(book, funded(7n))).toBe(true);
    expect(isConserved({ ...book, balanceMinor: 101n })).toBe(false);
    expect(isConserved(funded(7n), { ...book, feesMinor: 1n })).toBe(false);
  });
});
