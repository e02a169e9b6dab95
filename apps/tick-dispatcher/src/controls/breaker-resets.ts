/** Within any hour, of one agent. A receiver that keeps failing must not buy itself requests by asking again and again. */
export const MOST_RESETS_AN_HOUR = 6;
const HOUR_MS = 3_600_000;

/** A reset that was granted. */
export interface BreakerReset {
  controlId: string;
  /** When it was asked for, ms since the epoch. */
  atMs: number;
}

/**
 * What becomes of a wish to reset a breaker. It is judged by the time of asking, so that a record that comes again is
 * judged alike.
 * @param granted of before, as `remember` left them
 */
export function judgeReset(granted: readonly BreakerReset[], wish: BreakerReset): 'granted' | 'repeated' | 'refused' {
  if (granted.some(({ controlId }) => controlId === wish.controlId)) return 'repeated';
  return withinHourOf(granted, wish).length < MOST_RESETS_AN_HOUR ? 'granted' : 'refused';
}

/** @returns what has to be known from now on; the argument is not changed */
export function remember(granted: readonly BreakerReset[], reset: BreakerReset): BreakerReset[] {
  return [...withinHourOf(granted, reset), reset];
}

/** Reads what is kept beside the breaker. @returns nothing where nothing was kept, or what is kept is something else */
export function parseResets(stored: unknown): BreakerReset[] {
  const kept: unknown = typeof stored === 'object' && stored !== null && 'resets' in stored ? stored.resets : undefined;
  return Array.isArray(kept) ? kept.filter(isReset) : [];
}

function withinHourOf(granted: readonly BreakerReset[], { atMs }: BreakerReset): BreakerReset[] {
  return granted.filter((each) => each.atMs > atMs - HOUR_MS);
}

function isReset(stored: unknown): stored is BreakerReset {
  if (typeof stored !== 'object' || stored === null) return false;
  const { controlId, atMs } = stored as Record<string, unknown>;
  return typeof controlId === 'string' && typeof atMs === 'number' && Number.isFinite(atMs);
}
