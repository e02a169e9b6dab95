import { ProblemError } from '@tickwire/problem-details';
import type { SchemeName } from './scheme.js';

/** The narrowest window that a tenant may ask for: below it, clocks kept by NTP would refuse each other. */
export const MIN_TOLERANCE_MS = 5_000;
/** The widest. Claims have to outlive it on both sides, or a replay would find its nonce free. */
export const MAX_TOLERANCE_MS = 300_000;

/** What a tenant's settings say of the ways in which its senders may prove themselves. */
export interface SchemePolicy {
  /** Absent: all. */
  schemes?: readonly SchemeName[];
  /** How far a signed time may lie in the past or in the future, ms; absent: what the door accepts by default. */
  toleranceMs?: Partial<Record<SchemeName, number>>;
}

/** @throws TransientError while the settings cannot be read */
export type PolicyOf = (tenantId: string) => Promise<SchemePolicy>;

/** The policy of a tenant that has set nothing. */
export const allowAll: PolicyOf = () => Promise.resolve({});

/** @throws ProblemError FORBIDDEN, which names the scheme: the sender has proven to be the tenant's */
export function requireAllowed({ schemes }: SchemePolicy, scheme: SchemeName): void {
  if (schemes === undefined || schemes.includes(scheme)) return;
  throw new ProblemError('FORBIDDEN', `The tenant does not accept the scheme ${scheme}.`, { details: { scheme } });
}

/**
 * @param defaultMs the operator's own choice, taken as it is
 * @returns the tenant's window within the allowed bounds, or the default
 */
export function windowOf({ toleranceMs }: SchemePolicy, scheme: SchemeName, defaultMs: number): number {
  const set = toleranceMs?.[scheme];
  // NaN would pass through every comparison, and stop the check of the window with an assertion.
  if (set === undefined || Number.isNaN(set)) return defaultMs;
  return Math.min(Math.max(set, MIN_TOLERANCE_MS), MAX_TOLERANCE_MS);
}
