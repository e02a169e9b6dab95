import { findSustainedRate, isSustained, type RampStep } from './sustained-rate.js';

const step = (facts: Partial<RampStep> = {}): RampStep => ({
  p99Ms: 50,
  refused: 0,
  missing: 0,
  accepted: 1_000,
  drainMs: 20,
  worstDelayMs: 2,
  ...facts,
});
const ramp = { startRate: 1_000, factor: 1.5, mostSteps: 6 };

it('finds the highest rate that was sustained, and goes no further than the first that was not', async () => {
  const tried: number[] = [];
  const found = await findSustainedRate(ramp, async (rate) => {
    tried.push(rate);
    return step({ p99Ms: rate > 2_000 ? 900 : 40 });
  });
  expect(found).toBe(1_500);
  expect(tried).toEqual([1_000, 1_500, 2_250]);
});

it('says nothing where not even the first rate was sustained', async () => {
  expect(await findSustainedRate(ramp, async () => step({ p99Ms: Infinity }))).toBeUndefined();
});

it('ends after its steps: the bench is bounded in time', async () => {
  let steps = 0;
  await findSustainedRate(ramp, async () => {
    steps += 1;
    return step();
  });
  expect(steps).toBe(6);
});

it.each([
  ['its latency explodes', { p99Ms: 501 }],
  ['its backlog takes long to drain', { drainMs: 1_500 }],
  ['signals are refused', { refused: 20 }],
  ['signals are lost', { missing: 20 }],
  ['the generator itself is late', { worstDelayMs: 700 }],
])('does not call a rate sustained when %s', (_why, facts) => {
  expect(isSustained(step(facts))).toBe(false);
});

it('calls a quiet one sustained', () => {
  expect(isSustained(step({ refused: 3 }))).toBe(true);
});
