/**
 * An answer, not a fault: the request or signal was understood and refused. The edge turns it into
 * problem+json or `webhook.failed`; the record that caused it is committed, never retried.
 */
export abstract class DomainError extends Error {
  /** Stable, upper snake case; callers match on it. The message may change. */
  abstract readonly code: string;
  /** Facts for the caller, safe to show. */
  readonly details?: Readonly<Record<string, unknown>>;
}
