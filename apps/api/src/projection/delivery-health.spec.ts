import { deliveryHealth, type DeliveryRecord } from './delivery-health.js';
import { bucketOf } from './response-window.js';

const healthOf = (times: readonly number[], change: Partial<DeliveryRecord> = {}) =>
  deliveryHealth({
    consecutiveFailures: 0,
    breakerOpen: false,
    responseWindow: Uint8Array.from(times, bucketOf),
    ...change,
  });
const times = (count: number, ms: number): number[] => Array<number>(count).fill(ms);

it('an agent of which nothing is known is ok', () => {
  expect(healthOf([])).toBe('ok');
});

it.each([
  ['ok', 4],
  ['unresponsive', 5],
])('is %s after %i failures in a row', (health, consecutiveFailures) => {
  expect(healthOf(times(100, 10), { consecutiveFailures })).toBe(health);
});

it('is unresponsive while the breaker is open, however few failures it took', () => {
  expect(healthOf(times(100, 10), { consecutiveFailures: 1, breakerOpen: true })).toBe('unresponsive');
});

it.each([
  ['ok', 19, 2_000],
  ['slow', 20, 2_000],
  ['ok', 20, 1_999.9],
  ['ok', 200, 1_999.9],
  ['slow', 200, 2_000],
])('is %s with %i deliveries of %d ms', (health, count, ms) => {
  expect(healthOf(times(count, ms))).toBe(health);
});

it('is slow when more than one in a hundred is', () => {
  expect(healthOf([...times(198, 10), ...times(2, 3_000)])).toBe('ok');
  expect(healthOf([...times(197, 10), ...times(3, 3_000)])).toBe('slow');
});

it('is unresponsive rather than slow', () => {
  expect(healthOf(times(200, 3_000), { consecutiveFailures: 5 })).toBe('unresponsive');
});
