import type { Arrived } from '../receivers/arrivals.js';
import { pacedFigures } from './paced-figures.js';

const CLOSED_MS = [1_000, 2_000];
const everyone = (): boolean => true;

/** Ms from close to arrival, by agent and tick; undefined where nothing came. Sent 1 ms before. */
const arrived = (...agents: (number | undefined)[][]): Arrived => {
  const receivedAtMs = Float64Array.from(
    agents.flatMap((ticks) => ticks.map((ms, nth) => (ms === undefined ? NaN : CLOSED_MS[nth]! + ms))),
  );
  return {
    agents: agents.length,
    firstTick: 7,
    ticks: CLOSED_MS.length,
    receivedAtMs,
    sentAtMs: receivedAtMs.map((ms) => ms - 1),
    repeated: 0,
  };
};

it('measures from the close of each tick, to sent and to received', () => {
  const stretch = { arrived: arrived([10, 20], [30, 40]), closedAtMs: CLOSED_MS };
  expect(pacedFigures([stretch], 1_000, everyone)).toMatchObject({
    callbacks: 4,
    p50Ms: 20,
    p99Ms: 40,
    sentP50Ms: 19,
    sentP99Ms: 39,
    insideShare: 1,
    missingShare: 0,
  });
});

it('tells the last callback of a tick: the middle tick and the worst', () => {
  const stretch = { arrived: arrived([10, 20], [30, 90]), closedAtMs: CLOSED_MS };
  expect(pacedFigures([stretch], 1_000, everyone)).toMatchObject({ lastP50Ms: 30, lastMaxMs: 90 });
});

it('counts what never came as infinitely late, and what came in the next tick as outside', () => {
  const stretch = { arrived: arrived([10, undefined], [1_500, 20]), closedAtMs: CLOSED_MS };
  expect(pacedFigures([stretch], 1_000, everyone)).toMatchObject({
    p99Ms: Infinity,
    insideShare: 0.5,
    missingShare: 0.25,
    lastMaxMs: 1_500,
  });
});

it('leaves out agents that do not count', () => {
  const stretch = { arrived: arrived([undefined, undefined], [30, 40]), closedAtMs: CLOSED_MS };
  expect(pacedFigures([stretch], 1_000, (agent) => agent !== 0)).toMatchObject({
    callbacks: 2,
    missingShare: 0,
    p99Ms: 40,
  });
});

it('takes several stretches as one', () => {
  const stretches = [10, 20].map((ms) => ({ arrived: arrived([ms, ms]), closedAtMs: CLOSED_MS }));
  expect(pacedFigures(stretches, 1_000, everyone)).toMatchObject({ callbacks: 4, p50Ms: 10, p99Ms: 20 });
});
