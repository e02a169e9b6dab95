import assert from 'node:assert/strict';

/** Why an amount was refused: it has digits the instrument cannot hold, or it is not a number we read at all. */
export type DecimalRefusal = 'TOO_PRECISE' | 'INVALID';

/** Decimal places any price, quantity or currency of ours may have. */
export const MAX_DECIMALS = 18;

/** JSON's own number grammar: no sign but a minus, no leading zeros, no bare point, no blanks, no hex. */
const JSON_NUMBER = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/** Longer texts are refused before any work is done on them; a 38-digit amount with an exponent is far shorter. */
const MAX_TEXT_LENGTH = 128;

/** Digits of the resulting integer. Bounds the work: `1e999999999` must not allocate a number of that size. */
const MAX_RESULT_DIGITS = 38;

/** A double keeps every decimal of up to this many significant digits; with more, the sender's digits may be lost. */
const EXACT_DOUBLE_DIGITS = 15;

/**
 * Reads an amount into an integer count of 10^-decimals. Nothing is ever rounded: an amount with more digits than
 * `decimals` is refused, while zeros behind the last digit are harmless (`1.500` has one decimal).
 *
 * A JSON number has already been through a double. One with more than 15 significant digits may differ from
 * what the sender wrote, so it is refused as too precise, unless it is a safe integer; the same amount as a string is read exactly.
 *
 * @param value    a JSON number, or a string in JSON's number grammar (exponent forms included)
 * @param decimals 0 to 18
 * @returns the integer, or `INVALID` (also for results of more than 38 digits and texts of more than 128 characters)
 * @throws AssertionError if `decimals` is out of range
 */
export function parseDecimal(value: string | number, decimals: number): bigint | DecimalRefusal {
  assertDecimals(decimals);
  const text = typeof value === 'number' ? String(value) : value;
  if (text.length > MAX_TEXT_LENGTH) return 'INVALID';
  const match = JSON_NUMBER.exec(text);
  if (match === null) return 'INVALID';

  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  const written = (whole + fraction).replace(/^0+/, '');
  const digits = written.replace(/0+$/, '');
  if (digits === '') return 0n;
  if (typeof value === 'number' && digits.length > EXACT_DOUBLE_DIGITS && !Number.isSafeInteger(value)) {
    return 'TOO_PRECISE';
  }

  // An absurd exponent becomes +-Infinity here, which the two comparisons below refuse like any other.
  const shift = Number(exponent) - fraction.length + (written.length - digits.length) + decimals;
  if (shift < 0) return 'TOO_PRECISE';
  if (digits.length + shift > MAX_RESULT_DIGITS) return 'INVALID';
  const magnitude = BigInt(digits) * 10n ** BigInt(shift);
  return sign === '-' ? -magnitude : magnitude;
}

/**
 * Writes an integer count of 10^-decimals as the canonical decimal string: no exponent, no zeros behind the last
 * digit, no point without a fraction, never `-0`. Two equal amounts have equal texts.
 *
 * @throws AssertionError if `decimals` is out of range, or `value` is a number and not a safe integer
 */
export function formatDecimal(value: bigint | number, decimals: number): string {
  assertDecimals(decimals);
  assert(typeof value === 'bigint' || Number.isSafeInteger(value), 'value must be an integer');
  const integer = BigInt(value);
  const digits = (integer < 0n ? -integer : integer).toString().padStart(decimals + 1, '0');
  const point = digits.length - decimals;
  const fraction = digits.slice(point).replace(/0+$/, '');
  return (integer < 0n ? '-' : '') + digits.slice(0, point) + (fraction === '' ? '' : `.${fraction}`);
}

function assertDecimals(decimals: number): void {
  assert(
    Number.isInteger(decimals) && decimals >= 0 && decimals <= MAX_DECIMALS,
    `decimals must be an integer from 0 to ${MAX_DECIMALS}`,
  );
}
