import assert from 'node:assert/strict';

/**
 * The quotient rounded to the nearest integer, a tie to the even one. Symmetric: dividing the negated numerator
 * gives the negated result, so longs and shorts round alike.
 *
 * @throws AssertionError if `denominator` is not positive
 */
export function divideHalfEven(numerator: bigint, denominator: bigint): bigint {
  assert(denominator > 0n, 'denominator must be positive');
  const quotient = numerator / denominator; // truncated towards zero
  const remainder = numerator % denominator; // carries the numerator's sign
  const twice = 2n * (remainder < 0n ? -remainder : remainder);
  if (twice < denominator || (twice === denominator && quotient % 2n === 0n)) return quotient;
  return numerator < 0n ? quotient - 1n : quotient + 1n;
}

/**
 * The quotient rounded up, for amounts that must not be understated, such as margin.
 *
 * @throws AssertionError if `denominator` is not positive
 */
export function divideCeiling(numerator: bigint, denominator: bigint): bigint {
  assert(denominator > 0n, 'denominator must be positive');
  const quotient = numerator / denominator;
  return numerator % denominator > 0n ? quotient + 1n : quotient;
}
