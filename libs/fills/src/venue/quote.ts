import assert from 'node:assert/strict';

/** The latest two-sided price of an instrument. Prices are price steps, quantities lots. */
export interface Quote {
  /** A positive safe integer. */
  bidSteps: number;
  /** A positive safe integer, at least the bid. */
  askSteps: number;
  /** Lots displayed at the bid; absent: depth is not told and any quantity fills there. */
  bidLots?: number;
  /** Lots displayed at the ask; absent: depth is not told and any quantity fills there. */
  askLots?: number;
  /** Lots traded in the step the quote belongs to; absent: orders have no impact. */
  volumeLots?: number;
}

/** @throws AssertionError if the quote is crossed or one of its numbers is not an integer in range: a broken feed */
export function assertQuote(quote: Quote): void {
  assert(Number.isSafeInteger(quote.bidSteps) && quote.bidSteps > 0, 'quote.bidSteps must be a positive integer');
  assert(
    Number.isSafeInteger(quote.askSteps) && quote.askSteps >= quote.bidSteps,
    'quote.askSteps must be an integer not below the bid',
  );
  for (const lots of [quote.bidLots, quote.askLots, quote.volumeLots]) {
    assert(lots === undefined || (Number.isSafeInteger(lots) && lots >= 0), 'lots of a quote must be integers >= 0');
  }
}

export interface QuoteAge {
  /** When the quote was made, and the present, both ms since the epoch by the same clock. */
  quotedAtMs: number;
  nowMs: number;
  /** Length of the source's step, ms. */
  stepMs: number;
  /** `held`: the world is paused or stepped by hand, so nothing newer can exist. */
  clock: 'running' | 'held';
}

/** True while an order may fill on the quote: at most three steps or three seconds old, whichever is longer. */
export function isFreshQuote({ quotedAtMs, nowMs, stepMs, clock }: QuoteAge): boolean {
  return clock === 'held' || nowMs - quotedAtMs <= Math.max(3 * stepMs, 3_000);
}
