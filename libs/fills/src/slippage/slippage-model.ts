import assert from 'node:assert/strict';

/**
 * How the quote venue moves a market order's price against it. Plain data, all integers, so that it can be stored
 * with an account and a replay computes the same price.
 *
 * slippage = ceil(base + spread share x spread / 2 + impact + random), in whole price steps
 */
export interface SlippageModel {
  /** Charged on every market order, thousandths of a price step; 0 or more. */
  baseMilliSteps: number;
  /** Share of half the spread that is added, basis points: 10,000 adds all of it; 0 or more. */
  spreadShareBps: number;
  /** Price moved by the order's own size; absent: the order is taken as small. Needs the quote's `volumeLots`. */
  impact?: ImpactModel;
  /** Upper end of a uniform random part, thousandths of a price step; 0 turns it off. Needs the run's seed. */
  randomMilliSteps: number;
  /** How far from the reference price a market order may fill; whatever would fill beyond stays unfilled. */
  protection: { steps: number } | { bps: number };
  /**
   * Price levels an order may take where the quote tells its depth. Each shows the same lots, one step worse than the one
   * before; 1: only the displayed lots fill. From 1 to 1,000, which bounds the fills of one order.
   */
  levels: number;
}

/** impact = price x coefficient x law(min(lots / volume, participation cap)) */
export interface ImpactModel {
  law: 'square_root' | 'linear' | 'square';
  /** Millionths of the price; 0 or more. */
  coefficientPpm: number;
  /** Above this share of the volume, basis points, an order's impact grows no further; 0 or more. */
  participationCapBps: number;
}

/** Takes the quote as it is: no slippage, and no fill away from it. For sandboxes and for tests of other things. */
export const NO_SLIPPAGE: SlippageModel = Object.freeze({
  baseMilliSteps: 0,
  spreadShareBps: 0,
  randomMilliSteps: 0,
  protection: Object.freeze({ steps: 0 }),
  levels: 1,
});

/**
 * A tenth of half the spread, and LEAN's volume-share impact (a tenth of the price x the square of the share of volume,
 * up to 2.5 %), so at most 0.63 basis points of the price; nothing random; 5 % protection; displayed lots only.
 */
export const DEFAULT_SLIPPAGE: SlippageModel = Object.freeze({
  baseMilliSteps: 0,
  spreadShareBps: 1_000,
  impact: Object.freeze({ law: 'square', coefficientPpm: 100_000, participationCapBps: 250 }),
  randomMilliSteps: 0,
  protection: Object.freeze({ bps: 500 }),
  levels: 1,
});

/** Levels a model may ask for. */
export const MAX_LEVELS = 1_000;

/**
 * Checks a model when it is configured, so that filling need not.
 *
 * @throws AssertionError naming the field that is out of range
 */
export function assertSlippageModel(model: SlippageModel): void {
  const amounts: Record<string, number> = {
    baseMilliSteps: model.baseMilliSteps,
    spreadShareBps: model.spreadShareBps,
    randomMilliSteps: model.randomMilliSteps,
    ...('steps' in model.protection
      ? { 'protection.steps': model.protection.steps }
      : { 'protection.bps': model.protection.bps }),
    ...(model.impact && {
      'impact.coefficientPpm': model.impact.coefficientPpm,
      'impact.participationCapBps': model.impact.participationCapBps,
    }),
  };
  for (const [field, amount] of Object.entries(amounts)) {
    // A thousand million leaves every sum of parts far inside the safe integers.
    assert(Number.isInteger(amount) && amount >= 0 && amount <= 1e9, `${field} must be an integer from 0 to 10^9`);
  }
  assert(
    Number.isInteger(model.levels) && model.levels >= 1 && model.levels <= MAX_LEVELS,
    `levels must be an integer from 1 to ${MAX_LEVELS}`,
  );
}
