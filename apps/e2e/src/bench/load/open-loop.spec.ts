import { runOpenLoop, type LoopClock } from './open-loop.js';

/** A clock that moves only by sleeping, and by what `oversleptMs` adds to each sleep. */
function manualClock(oversleptMs: (sleep: number) => number = () => 0): LoopClock {
  let nowMs = 1_000;
  let sleeps = 0;
  return {
    nowMs: () => nowMs,
    sleep: async (ms) => {
      nowMs += ms + oversleptMs(sleeps++);
    },
  };
}

it('fires every arrival of the plan at its time', async () => {
  const clock = manualClock();
  const firedAt: number[] = [];
  const outcome = await runOpenLoop({ ratePerSecond: 100, seconds: 0.05 }, clock, () =>
    firedAt.push(clock.nowMs() - 1_000),
  );
  expect(firedAt).toEqual([0, 10, 20, 30, 40]);
  expect(outcome).toEqual({ fired: 5, worstDelayMs: 0 });
});

it('makes up at once for arrivals that were late, and tells by how much', async () => {
  const clock = manualClock((sleep) => (sleep === 0 ? 25 : 0));
  const fired: [index: number, atMs: number][] = [];
  const outcome = await runOpenLoop({ ratePerSecond: 100, seconds: 0.05 }, clock, (index) =>
    fired.push([index, clock.nowMs() - 1_000]),
  );
  expect(fired).toEqual([
    [0, 0],
    [1, 35],
    [2, 35],
    [3, 35],
    [4, 40],
  ]);
  expect(outcome.worstDelayMs).toBe(25);
});

it('does not wait for what it has fired', async () => {
  const clock = manualClock();
  let pending = 0;
  await runOpenLoop({ ratePerSecond: 10, seconds: 1 }, clock, () => {
    pending += 1;
    void new Promise(() => undefined);
  });
  expect(pending).toBe(10);
});
