export { FallbackRateLimiter } from './limits/fallback-rate-limiter.js';
export type { FallbackRateLimiterOptions } from './limits/fallback-rate-limiter.js';
export { InProcessRateLimiter } from './limits/in-process-rate-limiter.js';
export type { InProcessRateLimiterOptions } from './limits/in-process-rate-limiter.js';
export { DEFAULT_LIMITS, limitsOf, scaleLimits } from './limits/limits-of.js';
export type { LimitSettings } from './limits/limits-of.js';
export { rateLimitHeaders } from './limits/rate-limit-headers.js';
export type { RateLimitHeaders } from './limits/rate-limit-headers.js';
export { MAX_BURST, MAX_PER_MINUTE } from './limits/rate-limiter.js';
export type { Limit, LimitName, LimitState, RateLimiter, Refusal, Verdict } from './limits/rate-limiter.js';
export { RedisRateLimiter } from './limits/redis-rate-limiter.js';
export type { RedisRateLimiterOptions } from './limits/redis-rate-limiter.js';
export { consequence, CONSEQUENCE, SUSPICION_POLICIES } from './patterns/consequence.js';
export type { Consequence, ConsequenceSettings, SuspicionPolicy } from './patterns/consequence.js';
export type {
  ClockEvidence,
  Finding,
  Pattern,
  ReplayStormFinding,
  SignatureFailureStormFinding,
  StormEvidence,
  Subject,
  WrongClockFinding,
} from './patterns/finding.js';
export { NONCE_REPLAY_STORM, ReplayStorm, TENANT_REPLAY_STORM } from './patterns/replay-storm.js';
export { SIGNATURE_FAILURE_STORM, SignatureFailureStorm } from './patterns/signature-failure-storm.js';
export type { StormSettings } from './patterns/storm-counter.js';
export { WRONG_CLOCK, WrongClock } from './patterns/wrong-clock.js';
export type { WrongClockSettings } from './patterns/wrong-clock.js';
