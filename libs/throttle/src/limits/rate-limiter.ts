export type LimitName = 'tenant' | 'bot' | 'account' | 'agent';

/** One limit that a request has to pass. */
export interface Limit {
  /** Whose allowance it is, unique among all names: see `limitsOf`. */
  key: string;
  name: LimitName;
  /** Units given back a minute, steadily: 1 to `MAX_PER_MINUTE`. */
  perMinute: number;
  /** Units that may be taken at once after a rest: 1 to `MAX_BURST`. */
  burst: number;
}

/** Where one limit stands after the request. */
export interface LimitState {
  name: LimitName;
  /** Its burst: the most that `remaining` can be. */
  limit: number;
  /** How long it takes from nothing to `limit`, ms. */
  windowMs: number;
  /** Whole units that could be taken now. */
  remaining: number;
  /** How long until `remaining` is `limit` again if nothing is taken, ms; 0 when it is. */
  resetMs: number;
}

/** Why a request was refused: the limit for which it would have to wait longest. */
export type Refusal =
  | {
      name: LimitName;
      neverFits: false;
      /** After so many ms, at least 1, the same request passes every limit, if nothing else is taken meanwhile. */
      retryAfterMs: number;
    }
  /** The cost is above the burst of this limit: waiting does not help, a smaller batch does. */
  | { name: LimitName; neverFits: true };

/** `limits` in the order asked. */
export type Verdict =
  { allowed: true; limits: LimitState[] } | { allowed: false; limits: LimitState[]; refusal: Refusal };

/**
 * Hands out what senders may send, by the generic cell rate algorithm (GCRA): in any span of t minutes a key gets at
 * most `burst + perMinute * t` units.
 */
export interface RateLimiter {
  /**
   * Takes `cost` units from every limit, or from none: a request refused by one limit costs nothing at the others.
   *
   * @param limits at least one, their keys all different
   * @param cost   units, an integer of at least 1; a batch costs its length
   * @param nowMs  unix ms, fractions allowed; adapters whose state has a clock of its own do without it
   * @throws RangeError for anything else: a caller's bug
   * @throws TransientError where the state cannot be reached; the units may have been taken
   */
  take(limits: readonly Limit[], cost: number, nowMs: number): Promise<Verdict>;
}

/** One a microsecond, the resolution of the clock. */
export const MAX_PER_MINUTE = 60_000_000;
/** Keeps every number of the arithmetic an integer below 2^53; see `drained`. */
export const MAX_BURST = 100_000_000;

/** @throws RangeError unless `take` may be called so */
export function assertTake(limits: readonly Limit[], cost: number, nowMs: number): void {
  if (limits.length === 0) throw new RangeError('a request has at least one limit');
  if (!Number.isSafeInteger(cost) || cost < 1) throw new RangeError('cost must be a positive integer');
  if (!Number.isFinite(nowMs) || nowMs < 0) throw new RangeError('nowMs must be a time');
  limits.forEach(({ key, name, perMinute, burst }, index) => {
    if (!isWithin(perMinute, MAX_PER_MINUTE)) throw new RangeError(`perMinute of ${name} is out of range`);
    if (!isWithin(burst, MAX_BURST)) throw new RangeError(`burst of ${name} is out of range`);
    for (let earlier = 0; earlier < index; earlier++) {
      if (limits[earlier]!.key === key) throw new RangeError(`two limits have the key of ${name}`);
    }
  });
}

function isWithin(value: number, max: number): boolean {
  return Number.isSafeInteger(value) && value >= 1 && value <= max;
}
