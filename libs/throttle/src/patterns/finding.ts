/**
 * Whom a finding is about. A `source` is a network address as one tenant sees it, a `nonce` is one tenant's: what one
 * tenant does about it touches no other tenant that hears from the same address.
 */
export interface Subject {
  kind: 'tenant' | 'bot' | 'source' | 'nonce';
  /** The candidate tenant where nothing is authenticated yet. */
  tenantId: string;
  /** Of the bot, source or nonce; the tenant's own id for `tenant`. */
  id: string;
}

/** What was counted. Times are unix ms. */
export interface StormEvidence {
  /** Occurrences since the storm began, those of a cool-down included. */
  count: number;
  /** So many within `windowMs` make a storm. */
  threshold: number;
  windowMs: number;
  firstAtMs: number;
  lastAtMs: number;
}

/** How far the clock is off. Positive: the sender's clock is ahead of ours. */
export interface ClockEvidence {
  /** The median, whole ms: what the sender is told. */
  skewMs: number;
  minSkewMs: number;
  maxSkewMs: number;
  /** What was accepted of the last of these requests, either way, ms. */
  toleranceMs: number;
  /** Requests in a row that agree on it. */
  count: number;
  /** They all came within so many ms. */
  windowMs: number;
  firstAtMs: number;
  lastAtMs: number;
}

interface FindingOf<P extends string, E> {
  pattern: P;
  subject: Subject;
  evidence: E;
  /** When what is found began, unix ms: the evidence's first time. */
  startedAtMs: number;
}

export type SignatureFailureStormFinding = FindingOf<'signature_failure_storm', StormEvidence>;
export type ReplayStormFinding = FindingOf<'replay_storm', StormEvidence>;
export type WrongClockFinding = FindingOf<'wrong_clock', ClockEvidence>;
/** What `webhook.suspicious` tells. */
export type Finding = SignatureFailureStormFinding | ReplayStormFinding | WrongClockFinding;

export type Pattern = Finding['pattern'];
