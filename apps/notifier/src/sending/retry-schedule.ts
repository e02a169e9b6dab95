import { ConfigError } from '@tickwire/config';

/** The longest wait a receiver can ask for. */
export const RETRY_AFTER_CAP_MS = 86_400_000;
/** Retries of many deliveries that failed together do not come back together: ±20 %. */
const JITTER = 0.2;

/**
 * Reads `RETRY_SCHEDULE_MS`: the pause before each attempt.
 * @throws ConfigError unless it begins with 0: the first attempt follows at once
 */
export function parseSchedule(entries: readonly string[]): number[] {
  const pausesMs = entries.map(Number);
  if (pausesMs[0] !== 0 || !pausesMs.every((pause) => Number.isSafeInteger(pause) && pause >= 0)) {
    throw new ConfigError([{ name: 'RETRY_SCHEDULE_MS', wanted: ['must be pauses in ms, the first of them 0'] }]);
  }
  return pausesMs;
}

/**
 * The pause before the next attempt.
 *
 * @param schedule ms before each attempt, the first for attempt 1
 * @param made attempts made, at least 1
 * @param askedMs the receiver's `Retry-After`: never sooner than that
 * @param random 0 (inclusive) to 1
 * @returns ms, or undefined after the last attempt
 */
export function retryPauseMs(
  schedule: readonly number[],
  made: number,
  askedMs: number | undefined,
  random: number,
): number | undefined {
  const pauseMs = schedule[made];
  if (pauseMs === undefined) return undefined;
  const jittered = pauseMs * (1 - JITTER + 2 * JITTER * random);
  return Math.round(Math.max(jittered, askedMs ?? 0));
}
