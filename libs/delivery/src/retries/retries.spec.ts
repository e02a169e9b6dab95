import type { AttemptOutcome, FailureReason } from '../callbacks/attempt-outcome.js';
import { tickRetryDelayMs, tickRetryPauseMs } from './backoff.js';
import { classifyAttempt } from './classify-attempt.js';
import { retryAfterMs } from './retry-after.js';

const NOW_MS = Date.UTC(2026, 10, 22, 8, 0, 0);

const answered = (status: number, headers: Record<string, string> = {}): AttemptOutcome => ({
  kind: 'response',
  status,
  headers,
  body: Buffer.from('not json'),
  durationMs: 1,
});
const failed = (reason: FailureReason, status?: number): AttemptOutcome => ({
  kind: 'failed',
  reason,
  detail: 'why',
  durationMs: 1,
  status,
});

describe('tickRetryDelayMs', () => {
  it('doubles from 100 ms, each ±10 %', () => {
    const lowest = [1, 2, 3].map((n) => tickRetryDelayMs(n, () => 0));
    const middle = [1, 2, 3].map((n) => tickRetryDelayMs(n, () => 0.5));
    const highest = [1, 2, 3].map((n) => tickRetryDelayMs(n, () => 1 - Number.EPSILON));
    [90, 180, 360].forEach((ms, i) => expect(lowest[i]).toBeCloseTo(ms, 6));
    [100, 200, 400].forEach((ms, i) => expect(middle[i]).toBeCloseTo(ms, 6));
    [110, 220, 440].forEach((ms, i) => expect(highest[i]).toBeCloseTo(ms, 6));
  });

  it('knows three retries and takes a fourth for a bug', () => {
    expect(() => tickRetryDelayMs(4, () => 0)).toThrow(/no retry after attempt 4/);
    expect(() => tickRetryDelayMs(0, () => 0)).toThrow();
  });

  it('waits as long as the receiver asks, at most five seconds, never less than the schedule', () => {
    const pause = (retryAfter?: string): number => tickRetryPauseMs(2, retryAfter, NOW_MS, () => 0.5);
    expect([pause(), pause('0'), pause('3'), pause('60'), pause('soon')].map(Math.round)).toEqual([
      200, 200, 3_000, 5_000, 200,
    ]);
  });
});

describe('retryAfterMs', () => {
  it.each([
    ['0', 0],
    ['2', 2_000],
    [' 2 ', 2_000],
    ['3600', 60_000],
    ['99999999999999999999999', 60_000],
    ['Sun, 22 Nov 2026 08:00:30 GMT', 30_000],
    ['Sunday, 22-Nov-26 08:00:30 GMT', 30_000],
    ['Sun Nov 22 08:00:30 2026', 30_000],
    ['Sun Nov  1 08:00:30 2026', 0],
    ['Sun, 22 Nov 2026 07:00:00 GMT', 0],
    ['Sun, 06 Nov 1994 08:49:37 GMT', 0],
    ['Sunday, 06-Nov-94 08:49:37 GMT', 0],
    ['Wed, 01 Jan 2031 00:00:00 GMT', 60_000],
  ])('reads %p as %d ms', (header, ms) => {
    expect(retryAfterMs(header, NOW_MS, 60_000)).toBe(ms);
  });

  it.each([
    undefined,
    '',
    '-1',
    '1.5',
    '1e3',
    '0x10',
    'tomorrow',
    '2026-11-22T08:00:30Z',
    'Sun, 22 Nov 2026 08:00:30',
    'Sun, 22 Nov 2026 08:00:30 +0100',
    'Sun, 22 Foo 2026 08:00:30 GMT',
    'Sun, 22 Nov 2026 25:00:30 GMT',
    'Sun, 32 Nov 2026 08:00:30 GMT',
  ])('does not guess at %p', (header) => {
    expect(retryAfterMs(header, NOW_MS, 60_000)).toBeUndefined();
  });
});

describe('classifyAttempt', () => {
  it.each([200, 201, 202, 204, 299])('takes %d for a success, whatever its body', (status) => {
    expect(classifyAttempt(answered(status))).toEqual({ retry: false, delivery: 'success', error: '' });
  });

  it.each([429, 500, 502, 503, 504, 599])('retries %d', (status) => {
    expect(classifyAttempt(answered(status))).toEqual({ retry: true, delivery: 'failure', error: `HTTP ${status}` });
  });

  it.each([300, 301, 302, 304, 307, 308, 400, 401, 403, 404, 408, 410, 413, 428, 430, 499, 600, 999])(
    'does not retry %d',
    (status) => {
      expect(classifyAttempt(answered(status))).toMatchObject({ retry: false, delivery: 'failure' });
    },
  );

  it.each<FailureReason>(['timeout', 'connection_refused', 'reset', 'dns', 'tls', 'network', 'invalid_response'])(
    'retries %s, a failure of the network',
    (reason) => {
      expect(classifyAttempt(failed(reason))).toEqual({ retry: true, delivery: 'failure', error: `${reason}: why` });
    },
  );

  it.each<FailureReason>(['too_large', 'blocked_address', 'invalid_request'])('does not retry %s', (reason) => {
    expect(classifyAttempt(failed(reason))).toMatchObject({ retry: false, delivery: 'failure' });
  });

  it('goes by the status of an answer that was too long, where it has one', () => {
    expect(classifyAttempt(failed('too_large', 200)).retry).toBe(false);
    expect(classifyAttempt(failed('too_large', 404)).retry).toBe(false);
    expect(classifyAttempt(failed('too_large', 500)).retry).toBe(true);
  });

  it('holds nothing against a receiver when we gave up ourselves', () => {
    expect(classifyAttempt(failed('aborted'))).toMatchObject({ retry: false, delivery: 'unknown' });
  });

  it('passes Retry-After on where there is a retry', () => {
    expect(classifyAttempt(answered(429, { 'retry-after': '2' })).retryAfter).toBe('2');
    expect(classifyAttempt(answered(404, { 'retry-after': '2' }))).not.toHaveProperty('retryAfter');
  });
});
