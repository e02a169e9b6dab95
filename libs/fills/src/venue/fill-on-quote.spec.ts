import fc from 'fast-check';
import { DEFAULT_SLIPPAGE, NO_SLIPPAGE } from '../slippage/slippage-model.js';
import type { ImpactModel, SlippageModel } from '../slippage/slippage-model.js';
import { fillMarketableLimit, fillMarketOrder } from './fill-on-quote.js';
import type { MarketOrder, Side } from './fill-on-quote.js';
import type { Quote } from './quote.js';

const market = (side: Side, lots: number): MarketOrder => ({ orderId: 'order-1', side, lots });
const quote = (changes: Partial<Quote> = {}): Quote => ({ bidSteps: 9_900, askSteps: 10_000, ...changes });
const oneStep: SlippageModel = { ...NO_SLIPPAGE, baseMilliSteps: 1_000, protection: { steps: 3 } };

describe('fillMarketOrder', () => {
  it('buys at the ask and sells at the bid, moved against the order', () => {
    expect(fillMarketOrder(market('buy', 7), quote(), oneStep)).toEqual({
      fills: [{ priceSteps: 10_001, lots: 7, referencePriceSteps: 10_000, slippageSteps: 1 }],
      unfilledLots: 0,
    });
    expect(fillMarketOrder(market('sell', 7), quote(), oneStep)).toEqual({
      fills: [{ priceSteps: 9_899, lots: 7, referencePriceSteps: 9_900, slippageSteps: 1 }],
      unfilledLots: 0,
    });
  });

  it('fills the whole quantity at one price where the quote does not tell its depth', () => {
    const { fills } = fillMarketOrder(market('buy', 9e15), quote(), { ...oneStep, levels: 3 });
    expect(fills.map(({ priceSteps, lots }) => [priceSteps, lots])).toEqual([[10_001, 9e15]]);
  });

  it('fills only what the opposite side displays', () => {
    const on = quote({ bidLots: 2, askLots: 5 });
    expect(fillMarketOrder(market('buy', 8), on, oneStep)).toMatchObject({ fills: [{ lots: 5 }], unfilledLots: 3 });
    expect(fillMarketOrder(market('sell', 8), on, oneStep)).toMatchObject({ fills: [{ lots: 2 }], unfilledLots: 6 });
    expect(fillMarketOrder(market('sell', 8), quote({ bidLots: 0 }), oneStep)).toEqual({ fills: [], unfilledLots: 8 });
  });

  it('takes further levels, each one step worse, when the model has them', () => {
    const { fills, unfilledLots } = fillMarketOrder(market('sell', 8), quote({ bidLots: 3 }), {
      ...oneStep,
      levels: 9,
    });
    expect(fills.map((fill) => [fill.priceSteps, fill.lots, fill.slippageSteps])).toEqual([
      [9_899, 3, 1],
      [9_898, 3, 2],
      [9_897, 2, 3],
    ]);
    expect(unfilledLots).toBe(0);
  });

  it('stops at the protection band, which itself may still fill', () => {
    const walked = fillMarketOrder(market('buy', 20), quote({ askLots: 3 }), { ...oneStep, levels: 9 });
    expect(walked.fills.map((fill) => fill.slippageSteps)).toEqual([1, 2, 3]);
    expect(walked.unfilledLots).toBe(11);
  });

  it('leaves the order unfilled, rather than better priced, when slippage exceeds the band', () => {
    const tight: SlippageModel = { ...oneStep, baseMilliSteps: 3_001 };
    expect(fillMarketOrder(market('buy', 2), quote(), tight)).toEqual({ fills: [], unfilledLots: 2 });
  });

  it('never sells for less than one step', () => {
    const penny = quote({ bidSteps: 2, askSteps: 3, bidLots: 1 });
    const { fills } = fillMarketOrder(market('sell', 5), penny, {
      ...NO_SLIPPAGE,
      protection: { steps: 9 },
      levels: 9,
    });
    expect(fills.map((fill) => fill.priceSteps)).toEqual([2, 1]);
  });

  it('ignores the random part unless the order carries the seed of the run', () => {
    const noisy: SlippageModel = { ...NO_SLIPPAGE, randomMilliSteps: 50_000, protection: { steps: 50 } };
    const priced = (runSeed?: string) =>
      fillMarketOrder({ ...market('buy', 1), runSeed }, quote(), noisy).fills[0]?.priceSteps;
    expect(priced()).toBe(10_000);
    expect(priced('run-1')).toBeGreaterThan(10_000);
    expect(priced('run-1')).toBe(priced('run-1'));
  });

  it('throws on a broken order or quote', () => {
    for (const lots of [0, -1, 0.5, NaN]) {
      expect(() => fillMarketOrder(market('buy', lots), quote(), oneStep)).toThrow('order.lots');
    }
    expect(() => fillMarketOrder(market('buy', 1), quote({ askSteps: 9_000 }), oneStep)).toThrow('quote');
  });

  it('never improves a price, leaves the band, oversteps the depth or loses a lot, and is repeatable', () => {
    const int = (min: number, max: number) => fc.integer({ min, max });
    const impact: fc.Arbitrary<ImpactModel> = fc.record({
      law: fc.constantFrom('square_root', 'linear', 'square'),
      coefficientPpm: int(0, 1_000_000),
      participationCapBps: int(0, 10_000),
    });
    const model: fc.Arbitrary<SlippageModel> = fc.record({
      baseMilliSteps: int(0, 20_000),
      spreadShareBps: int(0, 20_000),
      impact: fc.option(impact, { nil: undefined }),
      randomMilliSteps: int(0, 20_000),
      protection: fc.oneof(fc.record({ steps: int(0, 500) }), fc.record({ bps: int(0, 2_000) })),
      levels: int(1, 20),
    });
    const depth = fc.option(int(0, 1_000), { nil: undefined });
    const anyQuote: fc.Arbitrary<Quote> = fc
      .record({ bid: int(1, 100_000), spread: int(0, 200), bidLots: depth, askLots: depth, volumeLots: depth })
      .map(({ bid, spread, ...lots }) => ({ bidSteps: bid, askSteps: bid + spread, ...lots }));
    const order = fc.record({
      orderId: fc.uuid(),
      side: fc.constantFrom<Side>('buy', 'sell'),
      lots: int(1, 5_000),
      runSeed: fc.option(fc.string(), { nil: undefined }),
    });

    fc.assert(
      fc.property(order, anyQuote, model, (taker, on, using) => {
        const result = fillMarketOrder(taker, on, using);
        expect(fillMarketOrder(taker, on, using)).toEqual(result);

        const reference = taker.side === 'buy' ? on.askSteps : on.bidSteps;
        const displayed = (taker.side === 'buy' ? on.askLots : on.bidLots) ?? Infinity;
        const band =
          'steps' in using.protection ? using.protection.steps : Math.ceil((reference * using.protection.bps) / 10_000);
        let worst = -1;
        for (const fill of result.fills) {
          const worse = taker.side === 'buy' ? fill.priceSteps - reference : reference - fill.priceSteps;
          expect(fill).toMatchObject({ referencePriceSteps: reference, slippageSteps: worse });
          expect(worse).toBeGreaterThan(worst); // best first, and not below 0
          expect(worse).toBeLessThanOrEqual(band);
          expect(fill.priceSteps).toBeGreaterThan(0);
          expect(fill.lots).toBeGreaterThan(0);
          expect(fill.lots).toBeLessThanOrEqual(displayed);
          worst = worse;
        }
        expect(result.fills.length).toBeLessThanOrEqual(using.levels);
        expect(result.fills.reduce((sum, { lots }) => sum + lots, result.unfilledLots)).toBe(taker.lots);
      }),
      { numRuns: 500 },
    );
  });

  it('fills an ordinary order on an ordinary quote by default', () => {
    const on = quote({ bidSteps: 15_048, askSteps: 15_052, volumeLots: 10_000 });
    expect(fillMarketOrder(market('buy', 100), on, DEFAULT_SLIPPAGE)).toEqual({
      // 0.2 of the spread and 0.15 of impact
      fills: [{ priceSteps: 15_053, lots: 100, referencePriceSteps: 15_052, slippageSteps: 1 }],
      unfilledLots: 0,
    });
  });
});

describe('fillMarketableLimit', () => {
  it('fills at the quote when that is the limit or better', () => {
    const at = (side: Side, limitSteps: number) =>
      fillMarketableLimit({ side, lots: 3, limitSteps }, quote()).fills.map((fill) => fill.priceSteps);
    expect([at('buy', 10_050), at('buy', 10_000), at('buy', 9_999)]).toEqual([[10_000], [10_000], []]);
    expect([at('sell', 9_000), at('sell', 9_900), at('sell', 9_901)]).toEqual([[9_900], [9_900], []]);
  });

  it('leaves what is not displayed for the caller to rest', () => {
    const result = fillMarketableLimit({ side: 'buy', lots: 8, limitSteps: 10_000 }, quote({ askLots: 5 }));
    expect(result).toEqual({
      fills: [{ priceSteps: 10_000, lots: 5, referencePriceSteps: 10_000, slippageSteps: 0 }],
      unfilledLots: 3,
    });
    const nothing = fillMarketableLimit({ side: 'buy', lots: 8, limitSteps: 10_000 }, quote({ askLots: 0 }));
    expect(nothing).toEqual({ fills: [], unfilledLots: 8 });
  });

  it('throws on a limit that is not a positive integer', () => {
    expect(() => fillMarketableLimit({ side: 'buy', lots: 1, limitSteps: 0.5 }, quote())).toThrow('limitSteps');
  });
});
