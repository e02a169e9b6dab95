import { retryAfterMs, type AttemptOutcome } from '@tickwire/delivery';
import { RETRY_AFTER_CAP_MS } from './retry-schedule.js';

/**
 * What an attempt means for its delivery.
 * - `delivered`: 2xx, the only success. One whose body is too long is one too: nobody reads the body.
 * - `refused`: 410, the receiver wants no more of this delivery
 * - `failed`: anything else; another attempt may succeed, even after a 4xx, since receivers get mended
 * - `unsent`: we gave up ourselves; no attempt of the receiver's
 */
export type Judgement =
  | { kind: 'delivered' }
  | { kind: 'refused'; error: string }
  | { kind: 'failed'; error: string; retryAfterMs?: number }
  | { kind: 'unsent' };

const GONE = 410;
const EXCERPT_BYTES = 512;

/** @param nowMs unix ms, for a `Retry-After` that names a date */
export function judgeOutcome(outcome: AttemptOutcome, nowMs: number): Judgement {
  if (outcome.kind === 'failed') {
    if (outcome.reason === 'aborted') return { kind: 'unsent' };
    if (outcome.reason === 'too_large' && isSuccess(outcome.status)) return { kind: 'delivered' };
    return { kind: 'failed', error: `${outcome.reason}: ${outcome.detail}` };
  }
  const { status, headers } = outcome;
  if (isSuccess(status)) return { kind: 'delivered' };
  if (status === GONE) return { kind: 'refused', error: 'HTTP 410: the receiver wants no more of it' };
  return {
    kind: 'failed',
    error: `HTTP ${status}`,
    retryAfterMs: retryAfterMs(headers['retry-after'], nowMs, RETRY_AFTER_CAP_MS),
  };
}

/** The beginning of an answer for people to read: printable ASCII, at most 512 characters; everything else is a space. */
export function excerptOf(body: Buffer): string | undefined {
  const text = body
    .subarray(0, EXCERPT_BYTES)
    .toString('latin1')
    .replace(/[^\x20-\x7e]+/g, ' ')
    .trim();
  return text === '' ? undefined : text;
}

function isSuccess(status: number | undefined): boolean {
  return status !== undefined && status >= 200 && status < 300;
}
