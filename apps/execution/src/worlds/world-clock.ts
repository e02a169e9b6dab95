import type { WorldControl } from '@tickwire/contracts';

/** How a world's ticks are timed; stored with its head, so that a new owner goes on as the last one would have. */
export interface ClockState {
  /** Wall time between ticks, ms; 0: by command only. */
  tickMs: number;
  paused: boolean;
  /** Ticks that a `stepped` command still owes. */
  stepsLeft: number;
}

/** The clock after a tick in which these commands took effect. */
export function advanceClock(clock: ClockState, commands: readonly WorldControl[]): ClockState {
  let { tickMs, paused, stepsLeft } = clock;
  for (const { command, ticks, tickMs: wanted } of commands) {
    if (command === 'paused') paused = true;
    if (command === 'resumed') paused = false;
    if (command === 'stepped') stepsLeft += ticks ?? 1;
    if (command === 'speed' && wanted !== undefined && (wanted === 0 || wanted >= 10)) tickMs = wanted;
  }
  // The tick that has just closed was one of the steps.
  return { tickMs, paused, stepsLeft: Math.max(0, stepsLeft - 1) };
}

export function clockRuns({ tickMs, paused }: ClockState): boolean {
  return tickMs > 0 && !paused;
}

/**
 * When the next tick is due. A late tick does not make the next ones hurry past twice the speed.
 * @param dueMs when the last one was due, by the same monotonic clock
 */
export function nextDue(dueMs: number, nowMs: number, tickMs: number): number {
  return Math.max(dueMs + tickMs, nowMs + tickMs / 2);
}
