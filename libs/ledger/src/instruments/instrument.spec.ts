import { defineInstrument, initialMarginMinor, notionalMinor, toMinor } from './instrument.js';
import type { InstrumentSpec } from './instrument.js';

const share: InstrumentSpec = {
  symbol: 'ACME',
  priceDecimals: 2,
  quantityDecimals: 0,
  currency: 'USD',
  currencyMinorDigits: 2,
};

describe('defineInstrument', () => {
  it.each([
    ['a share in cents: a step on a lot is a cent', {}, [1n, 1n]],
    ['currency pairs: 0.00001 on 0.01 units', { priceDecimals: 5, quantityDecimals: 2 }, [1n, 100000n]],
    ['a future of 50 units a contract', { contractMultiplier: '50' }, [50n, 1n]],
    ['a fractional contract', { contractMultiplier: '0.1', quantityDecimals: 1 }, [1n, 100n]],
    ['a currency without minor units', { currencyMinorDigits: 0, priceDecimals: 0 }, [1n, 1n]],
    ['a multiplier that does not reduce to a power of ten', { contractMultiplier: '2.5' }, [5n, 2n]],
  ])('knows the exact money of %s', (_name, change, [numerator, denominator]) => {
    expect(defineInstrument({ ...share, ...change }).minorPerStepLot).toEqual({ numerator, denominator });
  });

  it.each([
    ['a negative number of decimals', { priceDecimals: -1 }],
    ['half a decimal', { quantityDecimals: 0.5 }],
    ['a zero multiplier', { contractMultiplier: '0' }],
    ['a multiplier that is no number', { contractMultiplier: 'ten' }],
    ['no symbol', { symbol: '' }],
  ])('throws on %s', (_name, change) => {
    expect(() => defineInstrument({ ...share, ...change })).toThrow();
  });
});

describe('money of an instrument', () => {
  const pair = defineInstrument({ ...share, priceDecimals: 5, quantityDecimals: 2 });

  it('rounds half-even to minor units', () => {
    expect(toMinor(150_000n, pair)).toBe(2n);
    expect(toMinor(250_000n, pair)).toBe(2n);
    expect(toMinor(250_001n, pair)).toBe(3n);
    expect(toMinor(-250_001n, pair)).toBe(-3n);
  });

  it('gives longs and shorts the same notional, exact where 2^53 is not enough', () => {
    const acme = defineInstrument(share);
    expect(notionalMinor(-3, 15_050, acme)).toBe(45_150n);
    expect(notionalMinor(9_007_199_254_740_991, 10_001, acme)).toBe(90_080_999_746_664_650_991n);
  });

  it('rounds margin up and takes leverage as an exact decimal', () => {
    const acme = defineInstrument(share);
    expect(initialMarginMinor(10, 10_000, acme, 30)).toBe(3_334n);
    expect(initialMarginMinor(-10, 10_000, acme, '2.5')).toBe(40_000n);
    expect(initialMarginMinor(10, 10_000, acme, 1)).toBe(100_000n);
    for (const leverage of [0, -1, NaN, '1.00001']) {
      expect(() => initialMarginMinor(10, 10_000, acme, leverage)).toThrow('leverage');
    }
  });
});
