import { decodeEvent, marketTick, type EncodedEvent, type EventEnvelope, type MarketTick } from '@tickwire/contracts';
import { partitionOfKey } from '@tickwire/event-log';
import { createWorld, type TickResult } from '@tickwire/market';
// What execution appends is no public surface of its; a copy that drifts from it would measure something else.
// eslint-disable-next-line @nx/enforce-module-boundaries
import { tickRecords } from '../../../../../execution/src/worlds/tick-records.js';
import { BenchWorld, closedAt, SHARDS } from './bench-world.js';
import { privatePart, sharedFacts } from './market-tick-of.js';

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

it('tells agents what execution would tell them of the same tick', () => {
  const world = createWorld({ worldId: 'w', seed: 'spec', companies: 5, shards: 1, openTicks: 100 });
  const agentIds = ['agt_1', 'agt_2', 'agt_3'];
  let result: TickResult = world.step({
    closedAtMs: 1_000,
    controls: agentIds.map((agentId) => ({ type: 'agent-registered', agentId, role: 'quant', name: agentId })),
    actions: [],
  });
  const { symbol } = world.companies()[0]!;
  const order = (type: string, more: object): object => ({ type, payload: { symbol, quantity: 3, ...more } });
  for (const tick of [2, 3]) {
    const actions = agentIds.map((agentId) => ({
      agentId,
      tick: tick - 1,
      channel: 'callback' as const,
      actions: [
        order('BUY', { orderType: 'MARKET' }),
        order('BUY', { orderType: 'LIMIT', price: 0.5 }),
        order('SELL', { orderType: 'STOP', price: 0.25 }),
        { type: 'MESSAGE', payload: { targetAgentId: 'agt_1', content: 'hello' } },
        { type: 'NONSENSE' },
      ],
    }));
    result = world.step({ closedAtMs: tick * 1_000, controls: [], actions });
  }
  const context = { worldId: 'w', shards: 1, stepMs: 1_000, companies: world.companies() };
  const theirs = tickRecords(result, context).filter(({ topic }) => topic === marketTick.topic);
  const ours = { ...sharedFacts(result, 'w', world.companies()), agents: result.agents.map(privatePart) };
  const { shard, part, parts, ...told } = ticksOf(theirs as EncodedEvent[])[0]!;
  expect([shard, part, parts]).toEqual([0, 1, 1]);
  expect(JSON.parse(JSON.stringify(ours))).toEqual(told);
  expect(told.agents[0]).toMatchObject({ positions: [expect.anything()], messages: expect.anything() });
});
