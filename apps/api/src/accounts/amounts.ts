/** Digits of the numbers that accounts are kept in: cents, whole shares, prices in cents. */
export const MINOR_DIGITS = 2;
export const PRICE_DECIMALS = 2;
export const QUANTITY_DECIMALS = 0;
/** An average price need not lie on the price grid: shown with this many digits more. */
const AVERAGE_EXTRA_DIGITS = 4;
const AMOUNT = /^(0|[1-9]\d{0,15})(?:\.(\d{1,2}))?$/;

/** @returns minor units, or undefined for text with more digits than cents have, or beyond what is counted exactly */
export function parseMinor(text: string): number | undefined {
  const [, whole, cents = ''] = AMOUNT.exec(text) ?? [];
  if (whole === undefined) return undefined;
  const minor = Number(whole + cents.padEnd(MINOR_DIGITS, '0'));
  return Number.isSafeInteger(minor) ? minor : undefined;
}

/** An integer count of 10^-decimals as the canonical decimal string of the events: `1234.5`, never `1234.50` or `-0`. */
export function formatDecimal(value: bigint | number, decimals: number): string {
  const integer = BigInt(value);
  const digits = (integer < 0n ? -integer : integer).toString().padStart(decimals + 1, '0');
  const point = digits.length - decimals;
  const fraction = digits.slice(point).replace(/0+$/, '');
  return (integer < 0n ? '-' : '') + digits.slice(0, point) + (fraction === '' ? '' : `.${fraction}`);
}

/**
 * The average entry price of a position, rounded half-even.
 * @param costStepLots sum of price steps x signed lots
 * @param lots signed, not 0
 */
export function averagePrice(costStepLots: bigint, lots: bigint): string {
  const scaled = costStepLots * 10n ** BigInt(AVERAGE_EXTRA_DIGITS);
  const [dividend, divisor] = lots < 0n ? [-scaled, -lots] : [scaled, lots];
  const quotient = dividend / divisor;
  const twice = (dividend % divisor) * 2n;
  const up = twice > divisor || (twice === divisor && quotient % 2n === 1n);
  return formatDecimal(up ? quotient + 1n : quotient, PRICE_DECIMALS + AVERAGE_EXTRA_DIGITS);
}
