/**
 * The circuit breaker of one receiver, as data: plain JSON, to be kept wherever the receiver's other state is kept.
 * Times are unix milliseconds.
 */
export type BreakerState =
  | { phase: 'closed'; consecutiveFailures: number }
  | { phase: 'open'; openedAtMs: number }
  /** `probeSentAtMs` is null while no probe is out. */
  | { phase: 'half_open'; successes: number; probeSentAtMs: number | null };

/**
 * What a delivery (with all its attempts) does to the breaker.
 * - `sent`: it begins; only after `canSend` said yes
 * - `succeeded`, `failed`: how it ended
 * - `abandoned`: it ended without saying anything about the receiver (shutdown)
 * - `reset`: the owner asks for a fresh start
 */
export type BreakerEvent = 'sent' | 'succeeded' | 'failed' | 'abandoned' | 'reset';

export interface BreakerSettings {
  /** Consecutive failed deliveries that open it. */
  failureThreshold: number;
  /** How long it stays open; also how long a lost probe blocks the next, so longer than any delivery takes. */
  openMs: number;
  /** Consecutive successful probes that close it. */
  successThreshold: number;
}

export const BREAKER_SETTINGS: Readonly<BreakerSettings> = { failureThreshold: 5, openMs: 60_000, successThreshold: 2 };

/** Where every receiver starts. */
export const CLOSED_BREAKER: BreakerState = Object.freeze({ phase: 'closed', consecutiveFailures: 0 });

/** Whether a delivery may begin at `nowMs`. If it does, step with `sent` before anything else is asked. */
export function canSend(state: BreakerState, nowMs: number, settings: BreakerSettings = BREAKER_SETTINGS): boolean {
  switch (state.phase) {
    case 'closed':
      return true;
    case 'open':
      return hasPassed(state.openedAtMs, nowMs, settings);
    case 'half_open':
      // A probe whose process died never reports: after the open time another may go.
      return state.probeSentAtMs === null || hasPassed(state.probeSentAtMs, nowMs, settings);
  }
}

/**
 * The state after an event.
 *
 * @returns the same object where nothing changes, so that a caller can tell what to persist. `sent` that `canSend`
 *   would have refused changes nothing; nor do results of deliveries that were on their way when the breaker opened.
 */
export function breakerStep(
  state: BreakerState,
  event: BreakerEvent,
  nowMs: number,
  settings: BreakerSettings = BREAKER_SETTINGS,
): BreakerState {
  if (event === 'reset') return isFresh(state) ? state : CLOSED_BREAKER;
  switch (state.phase) {
    case 'closed':
      if (event === 'succeeded') return isFresh(state) ? state : CLOSED_BREAKER;
      if (event === 'failed') return countFailure(state.consecutiveFailures + 1, nowMs, settings);
      return state;
    case 'open':
      if (event !== 'sent' || !canSend(state, nowMs, settings)) return state;
      return { phase: 'half_open', successes: 0, probeSentAtMs: nowMs };
    case 'half_open':
      if (event === 'sent') return canSend(state, nowMs, settings) ? { ...state, probeSentAtMs: nowMs } : state;
      return endProbe(state, event, nowMs, settings);
  }
}

/**
 * Reads a state back from storage.
 *
 * @throws TypeError for anything that `breakerStep` did not produce
 */
export function parseBreaker(stored: unknown): BreakerState {
  if (typeof stored === 'object' && stored !== null && 'phase' in stored) {
    const { phase, consecutiveFailures, openedAtMs, successes, probeSentAtMs } = stored as Record<string, unknown>;
    if (phase === 'closed' && isCount(consecutiveFailures)) return { phase, consecutiveFailures };
    if (phase === 'open' && isTime(openedAtMs)) return { phase, openedAtMs };
    if (phase === 'half_open' && isCount(successes) && (probeSentAtMs === null || isTime(probeSentAtMs))) {
      return { phase, successes, probeSentAtMs };
    }
  }
  throw new TypeError('not a breaker state');
}

function countFailure(consecutiveFailures: number, nowMs: number, settings: BreakerSettings): BreakerState {
  return consecutiveFailures >= settings.failureThreshold
    ? { phase: 'open', openedAtMs: nowMs }
    : { phase: 'closed', consecutiveFailures };
}

function endProbe(
  state: Extract<BreakerState, { phase: 'half_open' }>,
  event: 'succeeded' | 'failed' | 'abandoned',
  nowMs: number,
  settings: BreakerSettings,
): BreakerState {
  if (state.probeSentAtMs === null) return state; // no probe is out: a late result of an older delivery
  if (event === 'failed') return { phase: 'open', openedAtMs: nowMs };
  if (event === 'abandoned') return { ...state, probeSentAtMs: null };
  const successes = state.successes + 1;
  return successes >= settings.successThreshold
    ? CLOSED_BREAKER
    : { phase: 'half_open', successes, probeSentAtMs: null };
}

function hasPassed(sinceMs: number, nowMs: number, settings: BreakerSettings): boolean {
  return nowMs - sinceMs >= settings.openMs;
}

function isFresh(state: BreakerState): boolean {
  return state.phase === 'closed' && state.consecutiveFailures === 0;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
