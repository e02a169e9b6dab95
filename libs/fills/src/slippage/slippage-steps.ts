import type { Quote } from '../venue/quote.js';
import { seededDraw } from './seeded-draw.js';
import type { ImpactModel, SlippageModel } from './slippage-model.js';

/** The parts are summed in millionths of a price step; the one rounding, up to whole steps, comes last. */
const MICRO = 1_000_000n;

/** What slippage depends on, beside the quote and the model. */
export interface SlippedOrder {
  lots: number;
  orderId: string;
  /** Seed of the random part; without it there is none, whatever the model says. */
  runSeed?: string;
}

/**
 * Price steps that a market order loses against the quote: a whole number, 0 or more.
 *
 * Exact: with integers throughout, a sum of exactly two steps is 2 and never, by a rounding error, 3. Rounding the
 * impact up to a millionth first does not change the result, because all other parts are whole millionths.
 *
 * @param referencePriceSteps the side of the quote the order takes, in price steps
 */
export function slippageSteps(
  order: SlippedOrder,
  referencePriceSteps: number,
  quote: Quote,
  model: SlippageModel,
): bigint {
  const base = BigInt(model.baseMilliSteps) * 1_000n;
  // Half a spread times basis points, in millionths: 10^6 / (2 x 10^4) = 50.
  const spread = BigInt(quote.askSteps - quote.bidSteps) * BigInt(model.spreadShareBps) * 50n;
  const impact = model.impact ? impactMicroSteps(order.lots, referencePriceSteps, quote.volumeLots, model.impact) : 0n;
  const random = randomMicroSteps(order, model.randomMilliSteps);
  return divideUp(base + spread + impact + random, MICRO);
}

/** The farthest from the reference price, in steps, that the model lets a market order fill. */
export function protectionBandSteps(referencePriceSteps: number, model: SlippageModel): bigint {
  if ('steps' in model.protection) return BigInt(model.protection.steps);
  return divideUp(BigInt(referencePriceSteps) * BigInt(model.protection.bps), 10_000n);
}

/** Millionths of a step, rounded up. No known volume: no impact. A known volume of zero: the impact of the cap. */
function impactMicroSteps(
  lots: number,
  priceSteps: number,
  volumeLots: number | undefined,
  { law, coefficientPpm, participationCapBps }: ImpactModel,
): bigint {
  if (volumeLots === undefined) return 0n;
  const cap = { numerator: BigInt(participationCapBps), denominator: 10_000n };
  const share = { numerator: BigInt(lots), denominator: BigInt(volumeLots) };
  const capped = share.numerator * cap.denominator >= cap.numerator * share.denominator;
  const { numerator: n, denominator: d } = capped ? cap : share;

  const scale = BigInt(priceSteps) * BigInt(coefficientPpm); // millionths of a step at a share of 1
  switch (law) {
    case 'linear':
      return divideUp(scale * n, d);
    case 'square':
      return divideUp(scale * n * n, d * d);
    case 'square_root':
      return squareRootUp(divideUp(scale * scale * n, d));
  }
}

function randomMicroSteps({ runSeed, orderId }: SlippedOrder, randomMilliSteps: number): bigint {
  if (runSeed === undefined || randomMilliSteps === 0) return 0n;
  return BigInt(seededDraw({ runSeed, orderId }, 0, randomMilliSteps + 1)) * 1_000n;
}

/** The quotient of two non-negative integers, rounded up. */
function divideUp(numerator: bigint, denominator: bigint): bigint {
  return (numerator + denominator - 1n) / denominator;
}

/** The smallest integer whose square is at least `n`, which is not negative. */
function squareRootUp(n: bigint): bigint {
  if (n < 2n) return n;
  // Newton's iteration for the root rounded down falls monotonically from any start above it.
  let root = 1n << BigInt((n.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (root + n / root) >> 1n;
    if (next >= root) break;
    root = next;
  }
  return root * root === n ? root : root + 1n;
}
