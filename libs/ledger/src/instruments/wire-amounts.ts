import { formatDecimal, parseDecimal } from '../amounts/decimal.js';
import type { DecimalRefusal } from '../amounts/decimal.js';
import type { Instrument } from './instrument.js';

/** A refusal of a price or quantity; `OUT_OF_RANGE`: not positive, or more than 2^53 - 1 steps or lots. */
export type AmountRefusal = DecimalRefusal | 'OUT_OF_RANGE';

/** Reads a sender's price into price steps, a positive safe integer. `TOO_PRECISE` means off the price grid. */
export function parsePrice(value: string | number, instrument: Instrument): number | AmountRefusal {
  return toPositiveInteger(parseDecimal(value, instrument.priceDecimals));
}

/** Reads a sender's quantity into lots, a positive safe integer. `TOO_PRECISE` means a fraction of a lot. */
export function parseQuantity(value: string | number, instrument: Instrument): number | AmountRefusal {
  return toPositiveInteger(parseDecimal(value, instrument.quantityDecimals));
}

/** Price steps as the decimal string that events carry. */
export function formatPrice(priceSteps: number, instrument: Instrument): string {
  return formatDecimal(priceSteps, instrument.priceDecimals);
}

/** Lots (signed for a position) as the decimal string that events carry. */
export function formatQuantity(lots: number, instrument: Instrument): string {
  return formatDecimal(lots, instrument.quantityDecimals);
}

/** Minor units as the decimal string that events carry. */
export function formatMoney(minor: bigint, currency: { currencyMinorDigits: number }): string {
  return formatDecimal(minor, currency.currencyMinorDigits);
}

function toPositiveInteger(parsed: bigint | DecimalRefusal): number | AmountRefusal {
  if (typeof parsed !== 'bigint') return parsed;
  return parsed > 0n && parsed <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(parsed) : 'OUT_OF_RANGE';
}
