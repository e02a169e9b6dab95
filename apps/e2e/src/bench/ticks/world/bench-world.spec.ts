import { decodeEvent, type EncodedEvent, type EventEnvelope, type MarketTick } from '@tickwire/contracts';
import { partitionOfKey } from '@tickwire/event-log';
import { BenchWorld, closedAt, SHARDS } from './bench-world.js';

const ticksOf = (records: readonly EncodedEvent[]): MarketTick[] =>
  records.map(({ topic, value }) => (decodeEvent(topic, Buffer.from(value)) as EventEnvelope<MarketTick>).data);

describe('a world of the bench', () => {
  it('tells every agent once, in its shard, and what it holds', () => {
    const world = new BenchWorld('wld_a', 60);
    const [tick] = world.next(1);
    const told = ticksOf(tick!.records);
    const agents = told.flatMap(({ shard, agents }) => agents.map((agent) => ({ ...agent, shard })));
    expect(agents.map(({ agentId }) => agentId).sort()).toEqual([...world.agentIds].sort());
    for (const { agentId, shard } of agents) expect(shard).toBe(partitionOfKey(agentId, SHARDS));
    expect(agents.every(({ positions }) => positions!.length >= 4)).toBe(true);
    expect(agents.filter(({ actionResults }) => actionResults?.[0]?.success)).toHaveLength(20);
    expect(told[0]).toMatchObject({ marketOpen: true, tick: tick!.tick });
    expect(told[0]!.market.watchlist).toHaveLength(100);
  });

  it('goes on from tick to tick, the same in every run', () => {
    const [one, other] = [new BenchWorld('wld_a', 10), new BenchWorld('wld_a', 10)];
    const first = one.nextTick;
    expect(one.next(3).map(({ tick }) => tick)).toEqual([first, first + 1, first + 2]);
    other.next(2);
    expect(other.next(1)).toEqual(new BenchWorld('wld_a', 10).next(3).slice(2));
  });

  it('puts the moment of publication wherever the tick tells its own', () => {
    const [tick] = new BenchWorld('wld_a', 30).next(1);
    const now = Date.UTC(2030, 5, 1);
    const published = closedAt(tick!, now);
    const text = new Date(now).toISOString();
    expect(ticksOf(published).every((told) => told.closedAt === text && told.world.lastTickAt === text)).toBe(true);
    expect(published.some(({ value }) => value.includes(tick!.closedAt))).toBe(false);
  });
});
