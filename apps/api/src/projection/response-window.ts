import assert from 'node:assert/strict';

/** Deliveries that percentiles are taken over, per agent: at one tick a second the last three minutes and more. */
export const WINDOW_SIZE = 200;

/** A factor of two has so many buckets: each is 4.4 % wide. */
const BUCKETS_PER_OCTAVE = 16;
/** Bounds lie at 1000 ms x 2^(n/16), so 1, 2 and 4 seconds are bounds: whether a percentile reaches them is exact. */
const ANCHOR_MS = 1_000;
/** The bucket that begins at the anchor. Bucket 0 is all below 0.98 ms, bucket 255 all from 58.7 s. */
const ANCHOR_BUCKET = 161;
const LAST_BUCKET = 255;

/**
 * An agent's latest response times as `agent_delivery_stats.response_window` keeps them: newest first, a byte each.
 *
 * A window rather than a decayed histogram: a byte string is appended to and cut by the database itself, in the
 * statement that counts, takes 200 bytes where 256 counters would take a kilobyte, and forgets a bad minute completely.
 */
export type ResponseWindow = Uint8Array;

/** @returns 0-255, the byte that stands for a response time in a window */
export function bucketOf(responseTimeMs: number): number {
  assert(responseTimeMs >= 0, 'a response time is at least 0');
  const bucket = ANCHOR_BUCKET + Math.floor(BUCKETS_PER_OCTAVE * Math.log2(responseTimeMs / ANCHOR_MS));
  return Math.min(Math.max(bucket, 0), LAST_BUCKET);
}

/**
 * The percentile by nearest rank: the smallest of the window's response times that `percent` % of them do not exceed.
 *
 * @param percent integer, 1-100
 * @returns ms, the middle of the time's bucket to three digits, so at most 3 % off between 1 ms and 58 s; null for an
 *   empty window
 */
export function percentileMs(window: ResponseWindow, percent: number): number | null {
  const bucket = percentileBucket(window, percent);
  if (bucket === undefined) return null;
  // The outermost buckets have one bound only, which stands for them.
  if (bucket === 0) return toThreeDigits(lowerBoundMs(1));
  if (bucket === LAST_BUCKET) return toThreeDigits(lowerBoundMs(LAST_BUCKET));
  return toThreeDigits(lowerBoundMs(bucket + 0.5));
}

/** Whether the percentile is `bound` or more: exact where the bound is one of the buckets', as 1, 2 and 4 s are. */
export function percentileReaches(window: ResponseWindow, percent: number, boundMs: number): boolean {
  const bucket = percentileBucket(window, percent);
  return bucket !== undefined && bucket >= bucketOf(boundMs);
}

function percentileBucket(window: ResponseWindow, percent: number): number | undefined {
  assert(Number.isInteger(percent) && percent >= 1 && percent <= 100, 'percent is an integer from 1 to 100');
  // Integers only until the one division: 0.99 has no exact binary form.
  const rank = Math.ceil((percent * window.length) / 100);
  return Uint8Array.from(window).sort()[rank - 1];
}

function lowerBoundMs(bucket: number): number {
  return ANCHOR_MS * 2 ** ((bucket - ANCHOR_BUCKET) / BUCKETS_PER_OCTAVE);
}

function toThreeDigits(ms: number): number {
  return Number(ms.toPrecision(3));
}
