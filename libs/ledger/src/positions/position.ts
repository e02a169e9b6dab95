import assert from 'node:assert/strict';
import { formatDecimal } from '../amounts/decimal.js';
import { divideHalfEven } from '../amounts/divide.js';
import { toMinor } from '../instruments/instrument.js';
import type { Instrument } from '../instruments/instrument.js';

/**
 * A netted position in one instrument. The average price is the pair (cost, lots) and is never stored as a
 * quotient, so no rounding builds up however many fills it sees.
 */
export interface Position {
  /** Positive for a long, negative for a short, 0 when flat. */
  readonly lots: number;
  /** Sum of entry price steps x signed lots of what is open; has the sign of `lots`, and is 0n when flat. */
  readonly costStepLots: bigint;
}

/** A fill as positions see it. */
export interface PositionFill {
  side: 'buy' | 'sell';
  /** A positive safe integer. */
  lots: number;
  /** A positive safe integer. */
  priceSteps: number;
}

/** What one fill did to a position. `closedLots + openedLots` is the fill's lots. */
export interface PositionChange {
  position: Position;
  closedLots: number;
  openedLots: number;
  /** Exact profit of the closed lots in price steps x lots, before commission. */
  realisedStepLots: bigint;
  /** The same in minor units, rounded half-even: the one place where realised profit is rounded. */
  realisedMinor: bigint;
}

export interface QuotePrices {
  bidSteps: number;
  askSteps: number;
}

export const FLAT: Position = Object.freeze({ lots: 0, costStepLots: 0n });

/**
 * Nets a fill into a position: the same side adds at its price; the opposite side first closes at most what is open,
 * then opens the rest on its own side at the fill price.
 *
 * A partial close takes its share of the cost, cost x closed / open, rounded half-even to a whole step-lot; the rest
 * of the cost stays with the lots that stay. What one close is given too much (at most half a step on one lot) the
 * next has too little, and the last close takes exactly what is left: over a position's life the realised
 * step-lots are exactly proceeds minus cost.
 *
 * @throws AssertionError if lots or price are not positive safe integers, or the position would leave that range
 */
export function applyFill(position: Position, fill: PositionFill, instrument: Instrument): PositionChange {
  assert(Number.isSafeInteger(fill.lots) && fill.lots > 0, 'fill.lots must be a positive integer');
  assert(Number.isSafeInteger(fill.priceSteps) && fill.priceSteps > 0, 'fill.priceSteps must be a positive integer');

  const direction = fill.side === 'buy' ? 1 : -1;
  const openLots = Math.abs(position.lots);
  const reduces = position.lots !== 0 && Math.sign(position.lots) !== direction;
  const closedLots = reduces ? Math.min(openLots, fill.lots) : 0;
  const openedLots = fill.lots - closedLots;
  const price = BigInt(fill.priceSteps);

  const closedCost = reduces ? divideHalfEven(position.costStepLots * BigInt(closedLots), BigInt(openLots)) : 0n;
  // Closed lots have the position's sign, which is the opposite of the fill's direction.
  const realisedStepLots = BigInt(-direction * closedLots) * price - closedCost;

  const lots = position.lots + direction * fill.lots;
  assert(Number.isSafeInteger(lots), 'the position must stay a safe integer of lots');
  const costStepLots = position.costStepLots - closedCost + BigInt(direction * openedLots) * price;
  return {
    position: lots === 0 ? FLAT : { lots, costStepLots },
    closedLots,
    openedLots,
    realisedStepLots,
    realisedMinor: toMinor(realisedStepLots, instrument),
  };
}

/**
 * The average entry price for people to read; nothing is computed from it.
 *
 * @param extraDigits digits shown beyond the instrument's own, since an average need not lie on the price grid
 * @returns a canonical decimal string rounded half-even, or undefined when flat
 */
export function averagePrice(position: Position, priceDecimals: number, extraDigits = 4): string | undefined {
  return averageOf(position.costStepLots, position.lots, priceDecimals, extraDigits);
}

/**
 * The same for any (sum of price steps x lots, lots), such as an order's filled value.
 *
 * @returns a canonical decimal string rounded half-even, or undefined when `lots` is 0
 */
export function averageOf(stepLots: bigint, lots: number, priceDecimals: number, extraDigits = 4): string | undefined {
  if (lots === 0) return undefined;
  const scaled = (lots < 0 ? -stepLots : stepLots) * 10n ** BigInt(extraDigits);
  return formatDecimal(divideHalfEven(scaled, BigInt(Math.abs(lots))), priceDecimals + extraDigits);
}

/** The price a position could be closed at: the bid for a long, the ask for a short. Undefined when flat. */
export function closingPriceSteps(position: Position, quote: QuotePrices): number | undefined {
  if (position.lots === 0) return undefined;
  return position.lots > 0 ? quote.bidSteps : quote.askSteps;
}

/** Profit if the position were closed at the quote, before commission: minor units, rounded half-even; 0n when flat. */
export function unrealised(position: Position, quote: QuotePrices, instrument: Instrument): bigint {
  return toMinor(unrealisedStepLots(position, quote), instrument);
}

/** {@link unrealised} in price steps x lots, exact. */
export function unrealisedStepLots(position: Position, quote: QuotePrices): bigint {
  const closingSteps = closingPriceSteps(position, quote);
  return closingSteps === undefined ? 0n : BigInt(position.lots) * BigInt(closingSteps) - position.costStepLots;
}
