import fc from 'fast-check';
import { divideCeiling, divideHalfEven } from './divide.js';

const numerator = fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n });
const denominator = fc.bigInt({ min: 1n, max: 10n ** 12n });

describe('divideHalfEven', () => {
  it.each([
    [5n, 2n, 2n],
    [7n, 2n, 4n],
    [-5n, 2n, -2n],
    [-7n, 2n, -4n],
    [1n, 2n, 0n],
    [-1n, 2n, 0n],
    [3n, 2n, 2n],
    [-3n, 2n, -2n],
    [8n, 3n, 3n],
    [7n, 3n, 2n],
    [6n, 3n, 2n],
  ])('rounds %s / %s to %s', (n, d, expected) => {
    expect(divideHalfEven(n, d)).toBe(expected);
  });

  it('is within half a unit, takes the even one of a tie, and is symmetric', () => {
    fc.assert(
      fc.property(numerator, denominator, (n, d) => {
        const quotient = divideHalfEven(n, d);
        const off = 2n * (n - quotient * d);
        expect(off <= d && off >= -d).toBe(true);
        if (off === d || off === -d) expect(quotient % 2n).toBe(0n);
        expect(divideHalfEven(-n, d)).toBe(-quotient);
      }),
    );
  });
});

describe('divideCeiling', () => {
  it('is the smallest integer that is not below the quotient', () => {
    fc.assert(
      fc.property(numerator, denominator, (n, d) => {
        const quotient = divideCeiling(n, d);
        expect(quotient * d >= n && (quotient - 1n) * d < n).toBe(true);
      }),
    );
  });
});

it('refuses to divide by zero or less', () => {
  for (const d of [0n, -1n]) {
    expect(() => divideHalfEven(1n, d)).toThrow('denominator');
    expect(() => divideCeiling(1n, d)).toThrow('denominator');
  }
});
