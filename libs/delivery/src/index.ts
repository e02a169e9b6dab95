export { AddressBlocked, AddressGuard } from './addresses/address-guard.js';
export type { AddressGuardSettings, UrlRefusal, UrlVerdict } from './addresses/address-guard.js';
export { judgeAddress, parseAllowCidrs } from './addresses/address-ranges.js';
export type { AddressVerdict, AllowedCidr } from './addresses/address-ranges.js';
export { NameNotResolved, networkResolver, systemResolver } from './addresses/name-resolver.js';
export type { NameResolver, NetworkResolverSettings, ResolvedAddress } from './addresses/name-resolver.js';
export { parsePorts } from './addresses/port-ranges.js';
export type { PortRange } from './addresses/port-ranges.js';
export { BREAKER_SETTINGS, CLOSED_BREAKER, breakerStep, canSend, parseBreaker } from './breaker/breaker.js';
export type { BreakerEvent, BreakerSettings, BreakerState } from './breaker/breaker.js';
export { KEPT_HEADERS } from './callbacks/attempt-outcome.js';
export type { AttemptFailure, AttemptOutcome, AttemptResponse, FailureReason } from './callbacks/attempt-outcome.js';
export { CallbackClient } from './callbacks/callback-client.js';
export { Cancellation } from './callbacks/cancellation.js';
export type {
  CallbackBody,
  CallbackClientSettings,
  CallbackRequest,
  OutboundRequest,
} from './callbacks/callback-client.js';
export { Cancelled, LimiterFull, OriginLimiter } from './fairness/origin-limiter.js';
export type { OriginLimiterSettings, RunOptions } from './fairness/origin-limiter.js';
export { TICK_ATTEMPTS, TICK_RETRY_AFTER_CAP_MS, tickRetryDelayMs, tickRetryPauseMs } from './retries/backoff.js';
export { classifyAttempt } from './retries/classify-attempt.js';
export type { AttemptVerdict } from './retries/classify-attempt.js';
export { retryAfterMs } from './retries/retry-after.js';
