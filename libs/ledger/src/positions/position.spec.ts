import fc from 'fast-check';
import { defineInstrument } from '../instruments/instrument.js';
import type { Instrument } from '../instruments/instrument.js';
import {
  applyFill,
  averageOf,
  averagePrice,
  closingPriceSteps,
  FLAT,
  unrealised,
  unrealisedStepLots,
} from './position.js';
import type { Position, PositionFill } from './position.js';

const share = defineInstrument({
  symbol: 'ACME',
  priceDecimals: 2,
  quantityDecimals: 0,
  currency: 'USD',
  currencyMinorDigits: 2,
});
const buy = (lots: number, priceSteps: number): PositionFill => ({ side: 'buy', lots, priceSteps });
const sell = (lots: number, priceSteps: number): PositionFill => ({ side: 'sell', lots, priceSteps });

/** Applies fills in order to a flat position. */
function trade(fills: PositionFill[], instrument: Instrument = share) {
  let position: Position = FLAT;
  let realisedStepLots = 0n;
  for (const fill of fills) {
    const change = applyFill(position, fill, instrument);
    position = change.position;
    realisedStepLots += change.realisedStepLots;
  }
  return { position, realisedStepLots };
}

const anyFill: fc.Arbitrary<PositionFill> = fc.record({
  side: fc.constantFrom('buy', 'sell'),
  lots: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 1_000_000_000 })),
  priceSteps: fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 1_000_000_000 })),
});
const fills = fc.array(anyFill, { maxLength: 40 });

describe('applyFill', () => {
  it('opens at the fill price and averages what is added', () => {
    const { position } = trade([buy(1, 10_000), buy(2, 10_001)]);
    expect(position).toEqual({ lots: 3, costStepLots: 30_002n });
  });

  it('closes part of a long at the average and leaves the average as it was', () => {
    const change = applyFill(trade([buy(2, 10_000), buy(2, 10_010)]).position, sell(1, 10_105), share);
    expect(change).toEqual({
      position: { lots: 3, costStepLots: 30_015n },
      closedLots: 1,
      openedLots: 0,
      realisedStepLots: 100n,
      realisedMinor: 100n,
    });
  });

  it('books the profit of a short when it is bought back lower', () => {
    const change = applyFill(trade([sell(5, 20_000)]).position, buy(5, 19_900), share);
    expect(change).toMatchObject({ position: FLAT, closedLots: 5, openedLots: 0, realisedMinor: 500n });
  });

  it('closes first and then opens the rest at the fill price when it flips through zero', () => {
    const change = applyFill(trade([buy(3, 10_000)]).position, sell(5, 9_900), share);
    expect(change).toEqual({
      position: { lots: -2, costStepLots: -19_800n },
      closedLots: 3,
      openedLots: 2,
      realisedStepLots: -300n,
      realisedMinor: -300n,
    });
  });

  it('rounds the cost a partial close takes half-even and leaves the rest of it to the last close', () => {
    const opened = trade([buy(1, 10_000), buy(1, 10_001)]).position;
    const first = applyFill(opened, sell(1, 10_100), share);
    expect(first.realisedStepLots).toBe(100n); // of a cost of 10,000.5
    expect(first.position).toEqual({ lots: 1, costStepLots: 10_001n });
    expect(applyFill(first.position, sell(1, 10_100), share).realisedStepLots).toBe(99n);
  });

  it('rounds realised profit to minor units half-even, and only there', () => {
    const half = defineInstrument({ ...share, quantityDecimals: 1, contractMultiplier: '5' }); // a step-lot is half a cent
    const opened = trade([buy(9, 100)], half).position;
    expect(applyFill(opened, sell(1, 101), half)).toMatchObject({ realisedStepLots: 1n, realisedMinor: 0n });
    expect(applyFill(opened, sell(1, 103), half)).toMatchObject({ realisedStepLots: 3n, realisedMinor: 2n });
    expect(applyFill(opened, sell(1, 97), half)).toMatchObject({ realisedStepLots: -3n, realisedMinor: -2n });
  });

  it('stays exact where the product of steps and lots passes 2^53', () => {
    const { position, realisedStepLots } = trade([buy(9e15, 9e15), sell(9e15, 9e15 + 1)]);
    expect(position).toBe(FLAT);
    expect(realisedStepLots).toBe(9_000_000_000_000_000n);
  });

  it('does not mutate the position it is given', () => {
    const position = Object.freeze({ lots: 2, costStepLots: 200n });
    applyFill(position, sell(1, 90), share);
    expect(position).toEqual({ lots: 2, costStepLots: 200n });
  });

  it.each([buy(0, 1), buy(-1, 1), buy(1.5, 1), buy(1, 0), buy(1, NaN), buy(2 ** 53, 1)])('throws on %j', (fill) => {
    expect(() => applyFill(FLAT, fill, share)).toThrow('positive integer');
  });

  it('throws before a position grows beyond the safe integers', () => {
    const full = trade([buy(Number.MAX_SAFE_INTEGER, 1)]).position;
    expect(() => applyFill(full, buy(1, 1), share)).toThrow('safe integer');
  });
});

describe('positions over any sequence of fills', () => {
  it('hold as many lots as were bought less sold, with a cost of the same sign, and none when flat', () => {
    fc.assert(
      fc.property(fills, (sequence) => {
        const { position } = trade(sequence);
        expect(position.lots).toBe(sequence.reduce((sum, { side, lots }) => sum + (side === 'buy' ? lots : -lots), 0));
        expect(Math.sign(position.lots)).toBe(Number(position.costStepLots > 0n) - Number(position.costStepLots < 0n));
      }),
    );
  });

  it('lose nothing: realised profit is cash received less cash paid plus the cost of what is open', () => {
    fc.assert(
      fc.property(fills, (sequence) => {
        const { position, realisedStepLots } = trade(sequence);
        const cash = sequence.reduce((sum, { side, lots, priceSteps }) => {
          const value = BigInt(lots) * BigInt(priceSteps);
          return side === 'buy' ? sum - value : sum + value;
        }, 0n);
        expect(realisedStepLots).toBe(cash + position.costStepLots);
      }),
    );
  });

  it('end with a cost of exactly zero and no drift when closed in any number of pieces', () => {
    fc.assert(
      fc.property(fills, fc.array(fc.integer({ min: 1, max: 1_000 }), { maxLength: 20 }), (sequence, pieces) => {
        let { position } = trade(sequence);
        for (const piece of [...pieces, Number.MAX_SAFE_INTEGER]) {
          if (position.lots === 0) break;
          const side = position.lots > 0 ? 'sell' : 'buy';
          const lots = Math.min(piece, Math.abs(position.lots));
          position = applyFill(position, { side, lots, priceSteps: 7 }, share).position;
        }
        expect(position).toEqual({ lots: 0, costStepLots: 0n });
      }),
    );
  });

  it('keep the average within half a step-lot through a partial close', () => {
    fc.assert(
      fc.property(fills, fc.integer({ min: 1, max: 1_000_000 }), (sequence, piece) => {
        const { position } = trade(sequence);
        fc.pre(position.lots !== 0);
        const lots = Math.min(piece, Math.abs(position.lots));
        const side = position.lots > 0 ? 'sell' : 'buy';
        const after = applyFill(position, { side, lots, priceSteps: 7 }, share).position;
        // |after.cost - before.cost x after.lots / before.lots| <= 1/2, without a division
        const off = 2n * (after.costStepLots * BigInt(position.lots) - position.costStepLots * BigInt(after.lots));
        const open = BigInt(Math.abs(position.lots));
        expect(off <= open && off >= -open).toBe(true);
      }),
    );
  });

  it('treat a short as the mirror of a long', () => {
    fc.assert(
      fc.property(fills, (sequence) => {
        const mirrored = sequence.map((fill) => ({ ...fill, side: fill.side === 'buy' ? 'sell' : 'buy' }) as const);
        const [one, other] = [trade(sequence), trade(mirrored)];
        expect(other.position.lots + one.position.lots).toBe(0);
        expect(other.position.costStepLots).toBe(-one.position.costStepLots);
        expect(other.realisedStepLots).toBe(-one.realisedStepLots);
      }),
    );
  });

  it('are worth the same just before and just after a fill at the marked price', () => {
    fc.assert(
      fc.property(fills, anyFill, (sequence, fill) => {
        const { position } = trade(sequence);
        const quote = { bidSteps: fill.priceSteps, askSteps: fill.priceSteps };
        const change = applyFill(position, fill, share);
        const after = unrealisedStepLots(change.position, quote) + change.realisedStepLots;
        expect(after).toBe(unrealisedStepLots(position, quote));
      }),
    );
  });
});

describe('averagePrice', () => {
  it('is shown with four digits more than the price grid, rounded half-even, and no zeros to pad it', () => {
    expect(averagePrice({ lots: 3, costStepLots: 30_002n }, 2)).toBe('100.006667');
    expect(averagePrice({ lots: -3, costStepLots: -30_002n }, 2)).toBe('100.006667');
    expect(averagePrice({ lots: 2, costStepLots: 20_000n }, 2)).toBe('100');
    expect(averagePrice({ lots: 2, costStepLots: 20_001n }, 2, 0)).toBe('100');
    expect(averagePrice(FLAT, 2)).toBeUndefined();
    expect(averageOf(20_001n, 2, 2)).toBe('100.005');
  });
});

describe('unrealised', () => {
  const quote = { bidSteps: 9_990, askSteps: 10_010 };

  it('marks a long at the bid and a short at the ask', () => {
    expect(unrealised({ lots: 2, costStepLots: 20_000n }, quote, share)).toBe(-20n);
    expect(unrealised({ lots: -2, costStepLots: -20_000n }, quote, share)).toBe(-20n);
    expect(unrealised(FLAT, quote, share)).toBe(0n);
    expect(closingPriceSteps(FLAT, quote)).toBeUndefined();
  });
});
