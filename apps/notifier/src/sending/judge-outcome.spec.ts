import type { AttemptOutcome, FailureReason } from '@tickwire/delivery';
import { excerptOf, judgeOutcome } from './judge-outcome.js';

const answered = (status: number, headers: Record<string, string> = {}): AttemptOutcome => ({
  kind: 'response',
  status,
  headers,
  body: Buffer.alloc(0),
  durationMs: 1,
});
const failed = (reason: FailureReason, status?: number): AttemptOutcome => ({
  kind: 'failed',
  reason,
  detail: 'why',
  durationMs: 1,
  status,
});

describe('judgeOutcome', () => {
  it.each([200, 201, 204, 299])('takes %d for delivered', (status) => {
    expect(judgeOutcome(answered(status), 0)).toEqual({ kind: 'delivered' });
  });

  it.each([199, 301, 302, 400, 401, 404, 429, 500, 503])('has %d sent again', (status) => {
    expect(judgeOutcome(answered(status), 0)).toMatchObject({ kind: 'failed', error: `HTTP ${status}` });
  });

  it.each<FailureReason>([
    'timeout',
    'connection_refused',
    'reset',
    'dns',
    'tls',
    'network',
    'invalid_response',
    'blocked_address',
    'invalid_request',
  ])('has an attempt that failed with %s made again', (reason) => {
    expect(judgeOutcome(failed(reason), 0)).toEqual({ kind: 'failed', error: `${reason}: why` });
  });

  it('ends a delivery at 410, counts nothing that we ended ourselves', () => {
    expect(judgeOutcome(answered(410), 0).kind).toBe('refused');
    expect(judgeOutcome(failed('aborted'), 0)).toEqual({ kind: 'unsent' });
  });

  it('goes by the status of an answer that is too long', () => {
    expect(judgeOutcome(failed('too_large', 200), 0).kind).toBe('delivered');
    expect(judgeOutcome(failed('too_large', 500), 0).kind).toBe('failed');
  });

  it('reads Retry-After in both forms, up to a day', () => {
    const wait = (text: string): unknown =>
      judgeOutcome(answered(503, { 'retry-after': text }), Date.UTC(2026, 10, 22, 8));
    expect(wait('30')).toMatchObject({ retryAfterMs: 30_000 });
    expect(wait('Sun, 22 Nov 2026 08:01:00 GMT')).toMatchObject({ retryAfterMs: 60_000 });
    expect(wait('1000000')).toMatchObject({ retryAfterMs: 86_400_000 });
  });
});

describe('excerptOf', () => {
  it('keeps at most 512 printable characters', () => {
    expect(excerptOf(Buffer.from(' a\u0000\n\u00e9b\u001b[31m '))).toBe('a b [31m');
    expect(excerptOf(Buffer.alloc(5_000, 'x'))).toHaveLength(512);
    expect(excerptOf(Buffer.from('\n'))).toBeUndefined();
  });
});
