import fc from 'fast-check';
import { Ledger, openAccount, proRata } from './account.js';

function ledger(): Ledger {
  return new Ledger({
    maker: openAccount('@m', 1_000_000),
    crowd: openAccount('@c'),
    treasury: openAccount('@t', 1_000_000),
    fees: openAccount('@f'),
  });
}

describe('proRata', () => {
  it('rounds to the nearest integer, exactly, far beyond 2^53', () => {
    const cents = fc.integer({ min: -1e14, max: 1e14 });
    fc.assert(
      fc.property(cents, fc.integer({ min: 0, max: 1e9 }), fc.integer({ min: 1, max: 1e9 }), (total, part, whole) => {
        fc.pre(part <= whole);
        const doubledError = 2n * (BigInt(proRata(total, part, whole)) * BigInt(whole) - BigInt(total) * BigInt(part));
        expect((doubledError < 0n ? -doubledError : doubledError) <= BigInt(whole)).toBe(true);
      }),
    );
    expect(proRata(-1, 0, 3)).toBe(0);
  });
});

describe('Ledger', () => {
  it('lends what the payer lacks, and takes it back from whatever comes in', () => {
    const books = ledger();
    const { maker, treasury } = books;
    const ann = openAccount('ann', 100);
    books.pay(ann, maker, 250);
    expect([ann.cashCents, ann.loanCents, treasury.cashCents]).toEqual([0, 150, 999_850]);
    books.pay(maker, ann, 180);
    expect([ann.cashCents, ann.loanCents, treasury.cashCents]).toEqual([30, 0, 1_000_000]);
  });

  it('keeps the cost of what is left when part of a position is closed', () => {
    const books = ledger();
    const ann = openAccount('ann', 100_000);
    books.exchange(ann, books.maker, 0, 30, 3_000);
    books.exchange(ann, books.maker, 0, 10, 2_000);
    books.exchange(books.maker, ann, 0, 10, 5_000);
    expect(ann.positions.get(0)).toMatchObject({ shares: 30, costCents: 3_750 });
  });

  it('closes first and then opens at the new price when a trade passes through zero', () => {
    const books = ledger();
    const ann = openAccount('ann', 100_000);
    books.exchange(ann, books.maker, 0, 10, 1_000);
    books.exchange(books.maker, ann, 0, 25, 5_000);
    expect(ann.positions.get(0)).toMatchObject({ shares: -15, costCents: -3_000 });
    books.exchange(ann, books.maker, 0, 15, 1_500);
    expect(ann.positions.has(0)).toBe(false);
  });

  it('conserves cash and shares whatever is traded', () => {
    const trade = fc.record({
      buy: fc.boolean(),
      lots: fc.integer({ min: 1, max: 99 }),
      cents: fc.integer({ min: 1, max: 1e6 }),
    });
    fc.assert(
      fc.property(fc.array(trade), fc.boolean(), (trades, seize) => {
        const books = ledger();
        const ann = openAccount('ann', 5_000);
        for (const { buy, lots, cents } of trades) {
          if (buy) books.exchange(ann, books.maker, 0, lots, cents);
          else books.exchange(books.maker, ann, 0, lots, cents);
        }
        if (seize) books.seize(ann);
        const accounts = [ann, books.maker, books.treasury];
        expect(accounts.reduce((sum, account) => sum + account.cashCents, 0)).toBe(2_005_000);
        expect(accounts.reduce((sum, account) => sum + (account.positions.get(0)?.shares ?? 0), 0)).toBe(0);
        expect(Math.min(ann.cashCents, ann.loanCents)).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});
