import { marketTick, type MarketTick } from '@tickwire/contracts';
import { PreparedTicks } from './prepared-ticks.js';

const tick = (more: Partial<MarketTick> = {}): MarketTick => ({ ...marketTick.sample, ...more });

it('serialises the shared part once for all shards of a tick, and for each tick and world anew', () => {
  const prepared = new PreparedTicks();
  const first = prepared.of(tick({ shard: 1 }));
  expect(prepared.of(tick({ shard: 2 }))).toBe(first);
  expect(prepared.of(tick({ tick: 1043 }))).not.toBe(first);
  expect(prepared.of(tick({ worldId: 'wld_other' }))).not.toBe(first);
});

it('keeps the latest ticks and no more', () => {
  const prepared = new PreparedTicks();
  const first = prepared.of(tick({ tick: 0 }));
  for (let next = 1; next <= 40; next += 1) prepared.of(tick({ tick: next }));
  const latest = prepared.of(tick({ tick: 40 }));
  expect(prepared.of(tick({ tick: 40 }))).toBe(latest);
  expect(prepared.of(tick({ tick: 0 }))).not.toBe(first);
});
