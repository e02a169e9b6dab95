import { shardOf } from './agent.js';

describe('shardOf', () => {
  it('spreads similar ids evenly', () => {
    const counts = Array.from({ length: 16 }, () => 0);
    for (let index = 0; index < 16_000; index += 1) {
      const shard = shardOf(`agt_018f0000-0000-7000-8000-${index}`, 16);
      counts[shard] = (counts[shard] ?? 0) + 1;
    }
    expect(Math.min(...counts)).toBeGreaterThan(800);
    expect(Math.max(...counts)).toBeLessThan(1_200);
  });

  it('never changes, because partitions are computed from it', () => {
    expect(['agt_1', 'agt_2', 'ann', ''].map((id) => shardOf(id, 16))).toEqual([3, 12, 5, 11]);
  });
});
