import { decodeEvent, marketTick, type EventEnvelope, type MarketTick } from '@tickwire/contracts';
import { partitionOfKey } from '@tickwire/event-log';
import { createWorld, type TickResult } from '@tickwire/market';
import { tickRecords } from './tick-records.js';

const SHARDS = 4;

function closeTicks(
  agents: number,
  ticks: number,
): { result: TickResult; companies: ReturnType<ReturnType<typeof createWorld>['companies']> } {
  const world = createWorld({ worldId: 'w', seed: 'spec', companies: 20, shards: SHARDS });
  const controls = Array.from({ length: agents }, (_, n) => ({
    type: 'agent-registered' as const,
    agentId: `agt_${n}`,
    role: 'quant' as const,
    name: `agent ${n}`,
  }));
  let result = world.step({ closedAtMs: 1_000, controls, actions: [] });
  const { symbol } = world.companies()[0]!;
  for (let tick = 2; tick <= ticks; tick += 1) {
    const actions = Array.from({ length: agents }, (_, n) => ({
      agentId: `agt_${n}`,
      tick: tick - 1,
      channel: 'callback' as const,
      actions: Array.from({ length: 10 }, () => ({
        type: 'BUY',
        payload: { symbol, quantity: 1, orderType: 'LIMIT', price: 0.5 },
      })),
    }));
    result = world.step({ closedAtMs: tick * 1_000, controls: [], actions });
  }
  return { result, companies: world.companies() };
}

const ticksOf = (records: ReturnType<typeof tickRecords>): MarketTick[] =>
  records
    .filter(({ topic }) => topic === marketTick.topic)
    .map(({ topic, value }) => (decodeEvent(topic, Buffer.from(value)) as EventEnvelope<MarketTick>).data);

describe('the records of a tick', () => {
  it('tell every agent once, in its shard, and one quote for all', () => {
    const { result, companies } = closeTicks(40, 2);
    const records = tickRecords(result, { worldId: 'w', shards: SHARDS, stepMs: 1_000, companies });
    expect(records.filter(({ topic }) => topic === 'market.quote')).toHaveLength(1);
    const told = ticksOf(records).flatMap(({ shard, agents }) => agents.map(({ agentId }) => ({ shard, agentId })));
    expect(told.map(({ agentId }) => agentId).sort()).toEqual(result.agents.map(({ agentId }) => agentId).sort());
    for (const { shard, agentId } of told) expect(shard).toBe(partitionOfKey(agentId, SHARDS));
  });

  it('stay below 512 KiB: a shard with much to tell comes in parts of disjoint agents', () => {
    const { result, companies } = closeTicks(60, 20);
    const records = tickRecords(result, { worldId: 'w', shards: 1, stepMs: 1_000, companies });
    const ticks = ticksOf(records);
    expect(ticks.length).toBeGreaterThan(1);
    expect(ticks.map(({ part, parts }) => [part, parts])).toEqual(ticks.map((_, n) => [n + 1, ticks.length]));
    for (const { value } of records) expect(Buffer.byteLength(value)).toBeLessThan(512 * 1024);
    expect(new Set(ticks.flatMap(({ agents }) => agents.map(({ agentId }) => agentId))).size).toBe(60);
  });

  it('write the same ids when they are made again', () => {
    const { result, companies } = closeTicks(3, 2);
    const context = { worldId: 'w', shards: SHARDS, stepMs: 1_000, companies };
    expect(tickRecords(result, context)).toEqual(tickRecords(result, context));
  });

  it('show the market of a world without agents', () => {
    const { result, companies } = closeTicks(0, 1);
    const [tick, ...others] = ticksOf(tickRecords(result, { worldId: 'w', shards: SHARDS, stepMs: 0, companies }));
    expect(others).toEqual([]);
    expect(tick).toMatchObject({ shard: 0, agents: [] });
    expect(tick!.market.watchlist).toHaveLength(20);
  });
});
