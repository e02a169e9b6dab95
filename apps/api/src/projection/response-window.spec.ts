import fc from 'fast-check';
import { bucketOf, percentileMs, percentileReaches, WINDOW_SIZE } from './response-window.js';

const windowOf = (times: readonly number[]) => Uint8Array.from(times, bucketOf);
/** Nearest rank, by definition: at least `percent` % of the times are at most this one. */
const oracle = (times: readonly number[], percent: number): number =>
  [...times].sort((a, b) => a - b).find((_, n) => 100 * (n + 1) >= percent * times.length)!;

const timeMs = fc.oneof(
  fc.double({ min: 1, max: 58_000, noNaN: true }),
  fc.double({ min: 0, max: 4, noNaN: true }).map((power) => Math.min(10 ** power, 58_000)),
);
const times = fc.array(timeMs, { minLength: 1, maxLength: WINDOW_SIZE });
const percent = fc.integer({ min: 1, max: 100 });

describe('a percentile', () => {
  it('is the exact one within 3 %', () => {
    fc.assert(
      fc.property(times, percent, (given, p) => {
        const [told, exact] = [percentileMs(windowOf(given), p)!, oracle(given, p)];
        expect(Math.abs(told / exact - 1)).toBeLessThanOrEqual(0.03);
      }),
    );
  });

  it.each([1_000, 2_000, 4_000])('reaches %i ms exactly when the exact one does', (boundMs) => {
    const near = fc.array(fc.double({ min: boundMs * 0.99, max: boundMs * 1.01, noNaN: true }), {
      minLength: 1,
      maxLength: 30,
    });
    fc.assert(
      fc.property(fc.oneof(times, near), percent, (given, p) => {
        expect(percentileReaches(windowOf(given), p, boundMs)).toBe(oracle(given, p) >= boundMs);
      }),
    );
    expect(percentileReaches(windowOf([boundMs]), 99, boundMs)).toBe(true);
    expect(percentileReaches(windowOf([boundMs - 1e-9]), 99, boundMs)).toBe(false);
  });

  it('does not depend on the order of the times', () => {
    expect(percentileMs(windowOf([30, 10, 20]), 50)).toBe(percentileMs(windowOf([10, 20, 30]), 50));
  });

  it('of 200 leaves out the two slowest at 99', () => {
    const fast = Array<number>(197).fill(10);
    expect(percentileMs(windowOf([...fast, 5_000, 5_000, 5_000]), 99)).toBeGreaterThan(4_800);
    expect(percentileMs(windowOf([...fast, 10, 5_000, 5_000]), 99)).toBeLessThan(11);
  });

  it('of nothing is none', () => {
    expect(percentileMs(windowOf([]), 50)).toBeNull();
    expect(percentileReaches(windowOf([]), 99, 1)).toBe(false);
  });

  it('beyond the scale is the scale’s end', () => {
    expect([percentileMs(windowOf([0]), 50), percentileMs(windowOf([1e9]), 50)]).toEqual([0.977, 58_700]);
  });
});

it('buckets grow with the times and fit a byte', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, noNaN: true }), fc.double({ min: 0, noNaN: true }), (a, b) => {
      const [low, high] = [bucketOf(Math.min(a, b)), bucketOf(Math.max(a, b))];
      expect(low).toBeLessThanOrEqual(high);
      expect(low).toBeGreaterThanOrEqual(0);
      expect(high).toBeLessThanOrEqual(255);
    }),
  );
});
