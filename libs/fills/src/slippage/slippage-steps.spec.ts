import fc from 'fast-check';
import type { Quote } from '../venue/quote.js';
import { DEFAULT_SLIPPAGE, NO_SLIPPAGE } from './slippage-model.js';
import type { ImpactModel, SlippageModel } from './slippage-model.js';
import { protectionBandSteps, slippageSteps } from './slippage-steps.js';

const order = (lots = 1, runSeed?: string) => ({ orderId: 'order-1', lots, runSeed });
const quote = (changes: Partial<Quote> = {}): Quote => ({ bidSteps: 9_990, askSteps: 10_000, ...changes });
const model = (changes: Partial<SlippageModel>): SlippageModel => ({ ...NO_SLIPPAGE, ...changes });
const impact = (changes: Partial<ImpactModel>): ImpactModel => ({
  law: 'square',
  coefficientPpm: 100_000,
  participationCapBps: 250,
  ...changes,
});

/** Slippage of an order on the ask of `on`. */
const slip = (changes: Partial<SlippageModel>, on = quote(), by = order()) =>
  slippageSteps(by, on.askSteps, on, model(changes));

describe('slippageSteps', () => {
  it('rounds the sum of its parts up, once', () => {
    expect(slip({})).toBe(0n);
    expect(slip({ baseMilliSteps: 1 })).toBe(1n);
    expect(slip({ baseMilliSteps: 500, spreadShareBps: 1_000 })).toBe(1n); // 0.5 + 0.5
    expect(slip({ baseMilliSteps: 501, spreadShareBps: 1_000 })).toBe(2n);
  });

  it('does not turn a sum of exactly two steps into three, as floats would', () => {
    // 1.1 + 0.9, from 6,000 bps of half of 3 steps
    expect(slip({ baseMilliSteps: 1_100, spreadShareBps: 6_000 }, quote({ bidSteps: 9_997 }))).toBe(2n);
  });

  it('charges a share of half the spread', () => {
    expect(slip({ spreadShareBps: 10_000 }, quote({ bidSteps: 9_980 }))).toBe(10n);
    expect(slip({ spreadShareBps: 10_000 }, quote({ bidSteps: 10_000 }))).toBe(0n);
  });

  it.each([
    ['square', 1_000_000, 1n], // 10^6 x 0.1 x 0.001^2 = 0.1
    ['square', 100_000_000, 10n],
    ['linear', 1_000_000, 100n],
    ['square_root', 1_000_000, 3_163n], // 10^5 x 0.0316228
  ] as const)('computes a %s impact at a thousandth of the volume for a price of %i', (law, askSteps, expected) => {
    const on = quote({ bidSteps: askSteps, askSteps, volumeLots: 1_000 });
    expect(slip({ impact: impact({ law }) }, on)).toBe(expected);
  });

  it('takes the square root of a whole square exactly', () => {
    const on = quote({ bidSteps: 1_000, askSteps: 1_000, volumeLots: 10_000 });
    expect(slip({ impact: impact({ law: 'square_root', coefficientPpm: 1_000_000 }) }, on)).toBe(10n);
    expect(slip({ impact: impact({ law: 'square_root', coefficientPpm: 1_000_001 }) }, on)).toBe(11n);
  });

  it('rounds a square root that is barely more than a whole step up to the next', () => {
    const on = quote({ bidSteps: 1, askSteps: 1, volumeLots: 1_000_000 });
    const root = impact({ law: 'square_root', coefficientPpm: 1_000_001, participationCapBps: 10_000 });
    expect(slip({ impact: root }, on, order(999_999))).toBe(2n); // 1.0000005 steps
  });

  it('lets the impact grow no further above the participation cap', () => {
    const on = quote({ bidSteps: 1_000_000, askSteps: 1_000_000, volumeLots: 1_000 });
    const at = (lots: number) => slip({ impact: impact({}) }, on, order(lots));
    expect([at(1), at(24), at(25), at(26), at(1_000_000)]).toEqual([1n, 58n, 63n, 63n, 63n]);
  });

  it('has no impact where the volume is unknown, and that of the cap where nothing traded', () => {
    const on = quote({ bidSteps: 1_000_000, askSteps: 1_000_000 });
    expect(slip({ impact: impact({}) }, on)).toBe(0n);
    expect(slip({ impact: impact({}) }, { ...on, volumeLots: 0 })).toBe(63n);
  });

  it('draws its random part from the run seed and the order id, between nothing and its upper end', () => {
    const drawn = new Set<bigint>();
    for (let run = 0; run < 200; run += 1) {
      const steps = slip({ randomMilliSteps: 3_000 }, quote(), order(1, `run-${run}`));
      expect(steps).toBe(slip({ randomMilliSteps: 3_000 }, quote(), order(1, `run-${run}`)));
      drawn.add(steps);
    }
    // 0 needs a draw of exactly nothing in 3,001.
    drawn.delete(0n);
    expect([...drawn].sort()).toEqual([1n, 2n, 3n]);
  });

  it('has no random part without a run seed', () => {
    expect(slip({ randomMilliSteps: 1_000_000 })).toBe(0n);
  });

  it('never falls as the order grows, whatever the law', () => {
    const laws = fc.constantFrom<ImpactModel['law']>('square_root', 'linear', 'square');
    const lots = fc.integer({ min: 1, max: 1_000_000 });
    fc.assert(
      fc.property(laws, lots, lots, fc.integer({ min: 0, max: 10_000_000 }), (law, one, other, volumeLots) => {
        const changes = { impact: impact({ law, participationCapBps: 10_000 }) };
        const at = (size: number) => slip(changes, quote({ volumeLots }), order(size));
        expect(at(Math.min(one, other)) <= at(Math.max(one, other))).toBe(true);
      }),
    );
  });

  it('is the exact ceiling of the formula', () => {
    const laws = fc.constantFrom<ImpactModel['law']>('linear', 'square', 'square_root');
    const int = (max: number, min = 0) => fc.integer({ min, max });
    fc.assert(
      fc.property(
        laws,
        fc.record({ base: int(5_000), share: int(20_000), ppm: int(500_000), cap: int(10_000) }),
        fc.record({ ask: int(1_000_000, 101), spread: int(100), lots: int(10_000, 1), volume: int(100_000, 1) }),
        (law, { base, share, ppm, cap }, { ask, spread, lots, volume }) => {
          const on = quote({ bidSteps: ask - spread, askSteps: ask, volumeLots: volume });
          const changes = {
            baseMilliSteps: base,
            spreadShareBps: share,
            impact: impact({ law, coefficientPpm: ppm, participationCapBps: cap }),
          };
          const ratio = Math.min(lots / volume, cap / 10_000);
          const effect = law === 'linear' ? ratio : law === 'square' ? ratio ** 2 : Math.sqrt(ratio);
          const floats = base / 1_000 + ((share / 10_000) * spread) / 2 + ask * (ppm / 1_000_000) * effect;
          const steps = Number(slip(changes, on, order(lots)));
          // The floats are the oracle, off by far less than this.
          expect(steps).toBeGreaterThan(floats - 1e-6);
          expect(steps).toBeLessThan(floats + 1 + 1e-6);
        },
      ),
    );
  });

  it('costs at most a tenth of half the spread and 0.625 basis points by default', () => {
    const on = quote({ bidSteps: 1_000_000 - 100, askSteps: 1_000_000, volumeLots: 10 });
    expect(slippageSteps(order(1_000_000), on.askSteps, on, DEFAULT_SLIPPAGE)).toBe(68n); // 5 + 62.5, rounded up
  });
});

describe('protectionBandSteps', () => {
  it('is a number of steps, or a share of the price rounded up', () => {
    expect(protectionBandSteps(10_000, model({ protection: { steps: 7 } }))).toBe(7n);
    expect(protectionBandSteps(10_000, model({ protection: { bps: 500 } }))).toBe(500n);
    expect(protectionBandSteps(10_001, model({ protection: { bps: 500 } }))).toBe(501n);
  });
});
