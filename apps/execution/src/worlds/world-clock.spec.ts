import type { WorldControl } from '@tickwire/contracts';
import { advanceClock, clockRuns, nextDue, type ClockState } from './world-clock.js';

const running: ClockState = { tickMs: 1_000, paused: false, stepsLeft: 0 };
const command = (change: Partial<WorldControl>): WorldControl => ({
  worldId: 'w',
  command: 'paused',
  version: 1,
  ...change,
});

describe("a world's clock", () => {
  it('takes commands in order with the tick that drains them', () => {
    const paused = advanceClock(running, [command({ command: 'resumed' }), command({ command: 'paused' })]);
    expect(clockRuns(paused)).toBe(false);
    expect(clockRuns(advanceClock(paused, [command({ command: 'resumed' })]))).toBe(true);
  });

  it('counts steps down by the ticks that close, the one that took the command included', () => {
    let clock = advanceClock({ ...running, paused: true }, [command({ command: 'stepped', ticks: 3 })]);
    expect(clock.stepsLeft).toBe(2);
    clock = advanceClock(clock, []);
    clock = advanceClock(clock, []);
    expect(clock.stepsLeft).toBe(0);
    expect(advanceClock(clock, []).stepsLeft).toBe(0);
  });

  it('stands at speed 0 and ignores a speed below 10 ms', () => {
    expect(clockRuns(advanceClock(running, [command({ command: 'speed', tickMs: 0 })]))).toBe(false);
    expect(advanceClock(running, [command({ command: 'speed', tickMs: 5 })]).tickMs).toBe(1_000);
    expect(advanceClock(running, [command({ command: 'speed', tickMs: 20 })]).tickMs).toBe(20);
  });

  it('keeps its beat when in time, and never hurries past twice the speed when late', () => {
    expect(nextDue(1_000, 1_003, 100)).toBe(1_100);
    expect(nextDue(1_000, 1_990, 100)).toBe(2_040);
  });
});
