/** A JSON number, or a numeric string of a signal; both allow an exponent. */
const NUMERIC = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;
/** Longer texts are refused before any work is done on them. */
const MAX_TEXT_LENGTH = 256;
/** What an event's decimal string can hold. */
const MAX_WHOLE_DIGITS = 24;
const MAX_FRACTION_DIGITS = 12;
/** A double keeps every decimal of up to this many significant digits; with more, digits may be lost on the way. */
const EXACT_DOUBLE_DIGITS = 15;

export type AmountRefusal = 'NOT_A_NUMBER' | 'OUT_OF_RANGE' | 'INEXACT_NUMBER';

/**
 * Writes an amount in the one decimal form that events carry: no exponent, no leading zeros, no zeros behind the last
 * digit of the fraction. The value is exactly the one that was written; nothing is ever rounded.
 *
 * @param text  of a JSON number, or the content of a numeric string
 * @param written `number`: the text stood bare in JSON. With more than 15 significant digits it is refused as
 *   `INEXACT_NUMBER`: JSON libraries read numbers into doubles, so the sender's own may have changed it already.
 * @returns `OUT_OF_RANGE` above 24 digits before or 12 behind the point
 */
export function canonicalAmount(
  text: string,
  written: 'number' | 'string',
): { amount: string } | { refusal: AmountRefusal } {
  if (text.length > MAX_TEXT_LENGTH) return { refusal: 'OUT_OF_RANGE' };
  const match = NUMERIC.exec(text);
  if (match === null) return { refusal: 'NOT_A_NUMBER' };
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;

  const all = (whole + fraction).replace(/^0+/, '');
  const digits = all.replace(/0+$/, '');
  if (digits === '') return { amount: '0' };
  if (written === 'number' && digits.length > EXACT_DOUBLE_DIGITS) return { refusal: 'INEXACT_NUMBER' };

  // The value is digits * 10^shift. An absurd exponent becomes infinite here and is refused like any other.
  const shift = Number(exponent) - fraction.length + (all.length - digits.length);
  if (digits.length + shift > MAX_WHOLE_DIGITS || -shift > MAX_FRACTION_DIGITS) return { refusal: 'OUT_OF_RANGE' };
  return { amount: sign + withPoint(digits, shift) };
}

/** @returns digits * 10^shift without an exponent */
function withPoint(digits: string, shift: number): string {
  if (shift >= 0) return digits + '0'.repeat(shift);
  const padded = digits.padStart(1 - shift, '0');
  return `${padded.slice(0, shift)}.${padded.slice(shift)}`;
}
