import { rateLimitHeaders } from './rate-limit-headers.js';
import { InProcessRateLimiter } from './in-process-rate-limiter.js';
import { limitsOf } from './limits-of.js';
import type { LimitState } from './rate-limiter.js';

const POLICY = '"tenant";q=200;w=12, "bot";q=40;w=20, "account";q=20;w=20';
const state = (change: Partial<LimitState> = {}): LimitState => ({
  name: 'tenant',
  limit: 200,
  windowMs: 12_000,
  remaining: 50,
  resetMs: 9_000,
  ...change,
});

describe('rateLimitHeaders', () => {
  it('tells the policies of the default limits, and the one with the least remaining', async () => {
    const limits = limitsOf({ tenantId: 't', botId: 'b', accountId: 'a' });
    expect(rateLimitHeaders(await new InProcessRateLimiter().take(limits, 1, 0))).toEqual({
      'RateLimit-Policy': POLICY,
      RateLimit: '"account";r=19;t=1',
    });
  });

  it('tells a refused sender when to come again, in both fields alike', async () => {
    const limiter = new InProcessRateLimiter();
    const limits = limitsOf({ tenantId: 't', botId: 'b', accountId: 'a' });
    await limiter.take(limits, 18, 0);
    expect(rateLimitHeaders(await limiter.take(limits, 5, 0))).toEqual({
      'RateLimit-Policy': POLICY,
      RateLimit: '"account";r=2;t=3',
      'Retry-After': '3',
    });
  });

  it('names no time where waiting does not help', async () => {
    const limits = limitsOf({ tenantId: 't', accountId: 'a' });
    expect(rateLimitHeaders(await new InProcessRateLimiter().take(limits, 21, 0))).toEqual({
      'RateLimit-Policy': '"tenant";q=200;w=12, "account";q=20;w=20',
      RateLimit: '"account";r=20;t=0',
    });
  });

  it('rounds seconds up, so that nobody comes too early', () => {
    const limits = [state({ windowMs: 12_001, remaining: 0, resetMs: 12_001 })];
    const refusal = { name: 'tenant', neverFits: false, retryAfterMs: 1 } as const;
    expect(rateLimitHeaders({ allowed: false, limits, refusal })).toEqual({
      'RateLimit-Policy': '"tenant";q=200;w=13',
      RateLimit: '"tenant";r=0;t=1',
      'Retry-After': '1',
    });
  });

  it('takes the one that needs longest among equals', () => {
    const limits = [state(), state({ name: 'bot', resetMs: 9_001 }), state({ name: 'account', resetMs: 100 })];
    expect(rateLimitHeaders({ allowed: true, limits }).RateLimit).toBe('"bot";r=50;t=10');
  });
});
