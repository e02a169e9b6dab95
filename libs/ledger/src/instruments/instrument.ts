import assert from 'node:assert/strict';
import { MAX_DECIMALS, parseDecimal } from '../amounts/decimal.js';
import { divideCeiling, divideHalfEven } from '../amounts/divide.js';

/** What an operator states about an instrument. */
export interface InstrumentSpec {
  symbol: string;
  /** A price step is 10^-priceDecimals of the currency. */
  priceDecimals: number;
  /** A lot is 10^-quantityDecimals units of the base asset. */
  quantityDecimals: number;
  /** Units of the base asset per unit of quantity, a positive decimal string: `1` for shares, `50` for many futures. */
  contractMultiplier?: string;
  /** ISO 4217 code of the currency that prices and profit are in. */
  currency: string;
  /** Digits behind the point of the currency's smallest coin: 2 for USD, 0 for JPY. */
  currencyMinorDigits: number;
}

/** An instrument with its scaling worked out; build it with {@link defineInstrument}. */
export interface Instrument extends Readonly<Required<InstrumentSpec>> {
  /** Minor units that one price step is worth on one lot: an exact, reduced fraction, both parts positive. */
  readonly minorPerStepLot: { readonly numerator: bigint; readonly denominator: bigint };
}

/**
 * Works out the exact scaling of an instrument.
 *
 * @throws AssertionError if a number of decimals is outside 0 to 18, a name is empty or the multiplier is not a
 *   positive decimal: a wrong configuration, never a sender's fault
 */
export function defineInstrument(spec: InstrumentSpec): Instrument {
  const { contractMultiplier = '1' } = spec;
  assert(spec.symbol !== '' && spec.currency !== '', 'symbol and currency must not be empty');
  for (const decimals of [spec.priceDecimals, spec.quantityDecimals, spec.currencyMinorDigits]) {
    assert(
      Number.isInteger(decimals) && decimals >= 0 && decimals <= MAX_DECIMALS,
      `decimals of ${spec.symbol} must be integers from 0 to ${MAX_DECIMALS}`,
    );
  }
  const multiplier = parseDecimal(contractMultiplier, MAX_DECIMALS);
  assert(typeof multiplier === 'bigint' && multiplier > 0n, `contractMultiplier of ${spec.symbol} must be positive`);

  // step x lot x multiplier, in minor units: 10^-price x 10^-quantity x multiplier x 10^minor
  const numerator = multiplier * 10n ** BigInt(spec.currencyMinorDigits);
  const denominator = 10n ** BigInt(MAX_DECIMALS + spec.priceDecimals + spec.quantityDecimals);
  const divisor = greatestCommonDivisor(numerator, denominator);
  return {
    symbol: spec.symbol,
    priceDecimals: spec.priceDecimals,
    quantityDecimals: spec.quantityDecimals,
    contractMultiplier,
    currency: spec.currency,
    currencyMinorDigits: spec.currencyMinorDigits,
    minorPerStepLot: { numerator: numerator / divisor, denominator: denominator / divisor },
  };
}

/** Money for a count of step-lots (price steps x lots), in minor units, rounded half-even. */
export function toMinor(stepLots: bigint, instrument: Instrument): bigint {
  const { numerator, denominator } = instrument.minorPerStepLot;
  return divideHalfEven(stepLots * numerator, denominator);
}

/** What `lots` (signed or not) are worth at a price: minor units, rounded half-even, never negative. */
export function notionalMinor(lots: number, priceSteps: number, instrument: Instrument): bigint {
  return toMinor(BigInt(Math.abs(lots)) * BigInt(priceSteps), instrument);
}

/**
 * Initial margin of `lots` at a price: notional / leverage in minor units, rounded up so that it never falls short.
 *
 * @param leverage at least 1 in practice, any positive decimal of up to four places here (`30`, `'2.5'`)
 * @throws AssertionError if `leverage` is not such a decimal
 */
export function initialMarginMinor(
  lots: number,
  priceSteps: number,
  instrument: Instrument,
  leverage: number | string,
): bigint {
  const tenThousandths = parseDecimal(leverage, 4);
  assert(typeof tenThousandths === 'bigint' && tenThousandths > 0n, 'leverage must be positive, with up to 4 decimals');
  const { numerator, denominator } = instrument.minorPerStepLot;
  const stepLots = BigInt(Math.abs(lots)) * BigInt(priceSteps);
  return divideCeiling(stepLots * numerator * 10_000n, denominator * tenThousandths);
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  while (b !== 0n) [a, b] = [b, a % b];
  return a;
}
