import type { LimitState, Verdict } from './rate-limiter.js';

/** Fields of the answer, by name. */
export interface RateLimitHeaders {
  'RateLimit-Policy': string;
  RateLimit: string;
  /** Seconds; only where the same request can succeed later. */
  'Retry-After'?: string;
}

/**
 * The fields of draft-ietf-httpapi-ratelimit-headers-11, for allowed and refused requests alike:
 * `RateLimit-Policy: "tenant";q=200;w=12` for each limit, and `RateLimit: "tenant";r=50;t=3` for the tightest.
 *
 * GCRA has no window that begins and ends. What a sender can plan with is: `q` units (the burst) may go at once, and
 * `w` seconds after they have all gone they are all back; q per w is the steady rate. `r` units may go now, and
 * without further requests all `q` are back in `t` seconds. All seconds are rounded up.
 *
 * The tightest is the limit that refused; then `t` is the `Retry-After`, as the draft wants both to name one moment.
 * Otherwise it is the one with the least remaining, and among equals the one that takes longest to be whole.
 */
export function rateLimitHeaders(verdict: Verdict): RateLimitHeaders {
  const policies = verdict.limits.map(({ name, limit, windowMs }) => `"${name}";q=${limit};w=${seconds(windowMs)}`);
  const headers = { 'RateLimit-Policy': policies.join(', ') };
  if (verdict.allowed) return { ...headers, RateLimit: current(tightest(verdict.limits)) };
  const { refusal } = verdict;
  const refusing = verdict.limits.find(({ name }) => name === refusal.name)!;
  if (refusal.neverFits) return { ...headers, RateLimit: current(refusing) };
  return {
    ...headers,
    RateLimit: current(refusing, refusal.retryAfterMs),
    'Retry-After': String(seconds(refusal.retryAfterMs)),
  };
}

function current({ name, remaining, resetMs }: LimitState, inMs = resetMs): string {
  return `"${name}";r=${remaining};t=${seconds(inMs)}`;
}

function tightest(limits: readonly LimitState[]): LimitState {
  return limits.reduce((tighter, limit) => {
    const byRemaining = limit.remaining - tighter.remaining;
    return byRemaining < 0 || (byRemaining === 0 && limit.resetMs > tighter.resetMs) ? limit : tighter;
  });
}

function seconds(ms: number): number {
  return Math.ceil(ms / 1_000);
}
