import assert from 'node:assert/strict';
import { protectionBandSteps, slippageSteps } from '../slippage/slippage-steps.js';
import type { SlippageModel } from '../slippage/slippage-model.js';
import { assertQuote } from './quote.js';
import type { Quote } from './quote.js';

export type Side = 'buy' | 'sell';

/** An order that wants to trade at once. */
export interface MarketOrder {
  /** Part of the seed of the random part of slippage. */
  orderId: string;
  side: Side;
  /** A positive safe integer. */
  lots: number;
  /** The run's seed; without it slippage has no random part. */
  runSeed?: string;
}

/** A limit order that is matched against the quote as it arrives. */
export interface LimitOrder {
  side: Side;
  lots: number;
  /** Worst price accepted, price steps; a positive safe integer. */
  limitSteps: number;
}

/** One execution at one price. */
export interface QuoteFill {
  /** What the order traded at, price steps. */
  priceSteps: number;
  lots: number;
  /** The quoted price of the side the order took: ask for a buy, bid for a sell. */
  referencePriceSteps: number;
  /** How much worse than the reference the price is: 0 or more. */
  slippageSteps: number;
}

export interface QuoteFillResult {
  /** Best price first; empty when nothing traded. */
  fills: QuoteFill[];
  /** Lots that found no price within depth and protection; the caller cancels or rests them. */
  unfilledLots: number;
}

/**
 * Fills a market order on a quote: at the opposite side, moved against the order by the model's slippage. Where the
 * quote tells its depth, the displayed lots fill first and each further level, if the model allows any, one step worse.
 *
 * A fill never improves on the quote and never lies beyond the protection band or below one price step: lots that only
 * such a price could fill stay unfilled rather than get a price the model did not give.
 *
 * @param model checked with `assertSlippageModel` where it was configured
 * @throws AssertionError if the order or quote is not integers in range: a caller's bug, not a rejection
 */
export function fillMarketOrder(order: MarketOrder, quote: Quote, model: SlippageModel): QuoteFillResult {
  const { reference, depthLots } = opposite(order, quote);
  const slippage = slippageSteps(order, reference, quote, model);
  const band = protectionBandSteps(reference, model);

  const fills: QuoteFill[] = [];
  let unfilledLots = order.lots;
  for (let level = 0n; unfilledLots > 0 && level < BigInt(model.levels) && depthLots !== 0; level += 1n) {
    const distance = slippage + level;
    const price = order.side === 'buy' ? BigInt(reference) + distance : BigInt(reference) - distance;
    if (distance > band || price < 1n || price > BigInt(Number.MAX_SAFE_INTEGER)) break;
    const lots = Math.min(unfilledLots, depthLots ?? unfilledLots);
    fills.push({
      priceSteps: Number(price),
      lots,
      referencePriceSteps: reference,
      slippageSteps: Number(distance),
    });
    unfilledLots -= lots;
  }
  return { fills, unfilledLots };
}

/**
 * Fills a limit order as far as it is marketable now: at the quoted price when that is the limit or better, up to
 * the displayed lots. The limit bounds the price, so slippage has no part in it.
 *
 * @throws AssertionError like {@link fillMarketOrder}
 */
export function fillMarketableLimit(order: LimitOrder, quote: Quote): QuoteFillResult {
  const { reference, depthLots } = opposite(order, quote);
  assert(Number.isSafeInteger(order.limitSteps) && order.limitSteps > 0, 'order.limitSteps must be a positive integer');
  const marketable = order.side === 'buy' ? reference <= order.limitSteps : reference >= order.limitSteps;
  const lots = marketable ? Math.min(order.lots, depthLots ?? order.lots) : 0;
  if (lots === 0) return { fills: [], unfilledLots: order.lots };
  const fill = { priceSteps: reference, lots, referencePriceSteps: reference, slippageSteps: 0 };
  return { fills: [fill], unfilledLots: order.lots - lots };
}

function opposite(order: { side: Side; lots: number }, quote: Quote): { reference: number; depthLots?: number } {
  assert(Number.isSafeInteger(order.lots) && order.lots > 0, 'order.lots must be a positive integer');
  assertQuote(quote);
  return order.side === 'buy'
    ? { reference: quote.askSteps, depthLots: quote.askLots }
    : { reference: quote.bidSteps, depthLots: quote.bidLots };
}
