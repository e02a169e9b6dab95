import fc from 'fast-check';
import { latenciesOf, percentile, summarise, type LoadResult } from './latencies.js';

const load = (acceptedAtMs: number[]): LoadResult => ({
  acceptedAtMs: Float64Array.from(acceptedAtMs),
  refused: {},
  worstDelayMs: 0,
});

it('measures from acceptance to execution, by index, and leaves out the warm-up and what was refused', () => {
  const executedAt = Float64Array.from([900, 112, NaN, 135]);
  expect(latenciesOf(load([1, 100, NaN, 130]), executedAt, 1)).toEqual([12, 5]);
});

it('counts an accepted signal that was never executed as infinitely late', () => {
  const latencies = latenciesOf(load([100, 100]), Float64Array.from([101, NaN]));
  expect(summarise(latencies)).toEqual({ accepted: 2, missing: 1, p50Ms: 1, p99Ms: Infinity, maxMs: Infinity });
});

it('does not go below zero where the answer came after the execution', () => {
  expect(latenciesOf(load([100]), Float64Array.from([98]))).toEqual([0]);
});

it('says NaN of nothing', () => {
  expect(summarise([])).toEqual({ accepted: 0, missing: 0, p50Ms: NaN, p99Ms: NaN, maxMs: NaN });
});

it('takes percentiles by nearest rank', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
  expect([0.01, 0.5, 0.99, 1].map((share) => percentile(hundred, share))).toEqual([1, 50, 99, 100]);
});

it('gives a measured value with at least its share at or below it', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(1_000), { minLength: 1 }),
      fc.double({ min: 0.01, max: 1, noNaN: true }),
      (values, share) => {
        const sorted = values.sort((a, b) => a - b);
        const found = percentile(sorted, share);
        const atOrBelow = sorted.filter((value) => value <= found).length;
        const below = sorted.filter((value) => value < found).length;
        expect(sorted).toContain(found);
        expect(atOrBelow).toBeGreaterThanOrEqual(share * sorted.length);
        expect(below).toBeLessThan(share * sorted.length);
      },
    ),
  );
});
