import { TakenTicks } from './taken-ticks.js';

describe('taken ticks', () => {
  const settled: number[] = [];
  beforeEach(() => void settled.splice(0));
  const take = (ticks: TakenTicks, tick: number): boolean => ticks.take(tick, () => settled.push(tick));

  it('end in any order and are settled in order', () => {
    const ticks = new TakenTicks(-1);
    for (const tick of [0, 1, 2]) take(ticks, tick);
    expect([ticks.end(1), ticks.end(2), ticks.end(0)]).toEqual([-1, -1, 2]);
    ticks.storedUpTo(2);
    expect(settled).toEqual([0, 1, 2]);
  });

  it('are taken once: one that was settled before is settled at once, one that is open with the first', () => {
    const ticks = new TakenTicks(5);
    expect([take(ticks, 4), take(ticks, 5), take(ticks, 6), take(ticks, 6)]).toEqual([false, false, true, false]);
    expect(settled).toEqual([4, 5]);
    ticks.end(6);
    ticks.storedUpTo(6);
    expect(settled).toEqual([4, 5, 6, 6]);
  });

  it('need no storing only where nothing else waits for it', () => {
    const ticks = new TakenTicks(-1);
    take(ticks, 1);
    expect(ticks.isOnlyOpen(1)).toBe(true);
    take(ticks, 2);
    expect(ticks.isOnlyOpen(1)).toBe(false);
    ticks.end(1);
    expect(ticks.isOnlyOpen(2)).toBe(false); // 1 has ended and is not stored
    ticks.storedUpTo(1);
    expect(ticks.isOnlyOpen(2)).toBe(true);
  });
});
