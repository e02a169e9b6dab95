import type { Finding } from './finding.js';

/** What a tenant wants done about a pattern: only told, slowed down, or refused for a while. */
export const SUSPICION_POLICIES = ['flag', 'throttle', 'quarantine'] as const;
export type SuspicionPolicy = (typeof SUSPICION_POLICIES)[number];

export interface ConsequenceSettings {
  /** What is left of the limits of a throttled subject, above 0, below 1: see `scaleLimits`. */
  throttleFactor: number;
  throttleMs: number;
  quarantineMs: number;
}

export const CONSEQUENCE: Readonly<ConsequenceSettings> = {
  throttleFactor: 0.1,
  throttleMs: 900_000,
  quarantineMs: 3_600_000,
};

/** What to do about the subject of a finding besides telling of it. Empty: nothing. Times are unix ms. */
export interface Consequence {
  throttleFactor?: number;
  throttledUntilMs?: number;
  quarantinedUntilMs?: number;
}

/**
 * What follows from a finding under a tenant's policy, for the finding's subject alone.
 *
 * A storm of bad signatures has none for the tenant or bot that they name: anybody can send those, and could otherwise
 * have somebody else slowed down or shut out. It has for the source address, as far as that tenant is concerned.
 */
export function consequence(
  policy: SuspicionPolicy,
  finding: Pick<Finding, 'pattern' | 'subject'>,
  nowMs: number,
  settings: ConsequenceSettings = CONSEQUENCE,
): Consequence {
  const namedByAnybody = finding.pattern === 'signature_failure_storm' && finding.subject.kind !== 'source';
  if (policy === 'flag' || namedByAnybody) return {};
  return policy === 'throttle'
    ? { throttleFactor: settings.throttleFactor, throttledUntilMs: nowMs + settings.throttleMs }
    : { quarantinedUntilMs: nowMs + settings.quarantineMs };
}
