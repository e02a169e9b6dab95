import assert from 'node:assert/strict';
import { retryAfterMs } from './retry-after.js';

/** Attempts of one tick callback: the first and three retries. */
export const TICK_ATTEMPTS = 4;
/** A receiver may ask a tick's retry to wait this long, no longer: the tick goes stale. */
export const TICK_RETRY_AFTER_CAP_MS = 5_000;

const TICK_BACKOFF_MS = [100, 200, 400] as const;
const JITTER = 0.1;

/**
 * The pause before a tick callback's next attempt: 100, 200, 400 ms, each ±10 %, so that retries after an outage do
 * not come back in step.
 *
 * @param failedAttempts 1 after the first attempt, at most 3
 * @param random from 0 (inclusive) to 1 (exclusive), as `Math.random`
 * @throws AssertionError for a fourth retry: a caller's bug
 */
export function tickRetryDelayMs(failedAttempts: number, random: () => number): number {
  const base = TICK_BACKOFF_MS[failedAttempts - 1];
  assert(base !== undefined, `a tick callback has no retry after attempt ${failedAttempts}`);
  return base * (1 - JITTER + 2 * JITTER * random());
}

/**
 * The same, but a receiver's `Retry-After` is honoured up to five seconds. It can only lengthen the pause: `0` from
 * an overloaded receiver is no reason to press it harder than the schedule does.
 */
export function tickRetryPauseMs(
  failedAttempts: number,
  retryAfter: string | undefined,
  nowMs: number,
  random: () => number,
): number {
  const asked = retryAfterMs(retryAfter, nowMs, TICK_RETRY_AFTER_CAP_MS) ?? 0;
  return Math.max(asked, tickRetryDelayMs(failedAttempts, random));
}
