import { agentDelivery } from '@tickwire/contracts';
import { testDatabase } from '@tickwire/testing';
import { AgentReceiver, type Received, type Reply } from '../fixtures/agent-receiver.js';
import { DispatchBench, until } from '../fixtures/dispatch-bench.js';

const AGENTS = 200;
const SHARDS = 8;
const TICKS = 10;
const TICK_NUMBERS = Array.from({ length: TICKS }, (_, i) => i + 1);

const ids = Array.from({ length: AGENTS }, (_, i) => `agt_${String(i).padStart(4, '0')}`);
/** 40 of them, from the first on, so that they stand in every line before most of the others. */
const hanging = new Set(ids.filter((_, i) => i % 5 === 0));
const healthy = ids.filter((id) => !hanging.has(id));
const agentOf = ({ headers }: Received): string => String(headers['x-wallstreetsim-agent']);

describe('200 agents, of which 40 hang', () => {
  let bench: DispatchBench;
  let release: () => void = () => undefined;
  const receivers: AgentReceiver[] = [];
  const inFlight = async () => (await bench.metric('tickwire_tick_dispatcher_in_flight'))['value'];

  beforeEach(async () => {
    bench = await DispatchBench.open(await testDatabase());
  });

  afterEach(async () => {
    release();
    await Promise.all(receivers.splice(0).map((receiver) => receiver.stop()));
    await bench.close();
  });

  /** Ticks come as fast as the healthy take them; an attempt may take so long that whoever waited for one would be seen. */
  const play = async (originOf: (index: number) => number, perOrigin: number): Promise<void> => {
    const held = new Promise<Reply>((resolve) => (release = () => resolve({})));
    for (let origin = 0; origin <= Math.max(...ids.map((_, i) => originOf(i))); origin += 1)
      receivers.push(await AgentReceiver.start((received) => (hanging.has(agentOf(received)) ? held : {})));
    for (const [i, id] of ids.entries()) await bench.agent(id, { callbackUrl: receivers[originOf(i)]!.url });
    await bench.start({ CALLBACK_TIMEOUT_MS: '60000', MAX_IN_FLIGHT_PER_ORIGIN: String(perOrigin) });
    for (const tick of TICK_NUMBERS) {
      const shards = Array.from({ length: SHARDS }, (_, shard) => ids.filter((_id, i) => i % SHARDS === shard));
      await bench.log.append(shards.map((agents, shard) => bench.tickRecord(tick, agents, { shard })));
      await until(() => healthyCount() === tick * healthy.length);
    }
  };
  const received = (): Received[] => receivers.flatMap((receiver) => receiver.received);
  const healthyCount = (): number => received().filter((each) => !hanging.has(agentOf(each))).length;
  const ticksOf = (id: string): number[] =>
    received()
      .filter((each) => agentOf(each) === id)
      .map(({ tick }) => tick);
  const outcomes = async (): Promise<Map<string, string[]>> => {
    const ends = new Map<string, string[]>();
    for (const { data } of await bench.events(agentDelivery))
      ends.set(data.agentId, [...(ends.get(data.agentId) ?? []), `${data.tick} ${data.outcome}`]);
    return ends;
  };

  it.each<[string, (index: number) => number, number]>([
    ['at origins of their own', (i) => (i % 5 === 0 ? i % 4 : 4 + (i % 3)), 32],
    ['at every origin', (i) => i % 4, 32],
    // Fewer places than agents that hang, and these come first.
    ['at the one origin of all', () => 0, 32],
  ])('%s: every healthy one gets every tick in order, none superseded', async (_, originOf, perOrigin) => {
    await play(originOf, perOrigin);
    for (const id of healthy) expect(ticksOf(id)).toEqual(TICK_NUMBERS);
    // All this time those that hang were in flight, each with its first tick and nothing else.
    for (const id of hanging) expect(ticksOf(id)).toEqual([1]);
    await until(async () => (await inFlight()) === hanging.size);
    await until(async () => (await bench.settled(healthy.at(-1)!, TICKS)) !== undefined);
    await until(async () => (await outcomes()).get(healthy.at(-1)!)!.length === TICKS);
    const ends = await outcomes();
    for (const id of healthy) expect(ends.get(id)).toEqual(TICK_NUMBERS.map((tick) => `${tick} delivered`));
    for (const id of hanging) expect(ends.get(id)).toBeUndefined();

    // Their backlog is one tick each, whatever came meanwhile; what was in between is told, not sent.
    release();
    await until(async () => (await inFlight()) === 0);
    for (const id of hanging) await bench.settled(id, TICKS);
    const between = TICK_NUMBERS.slice(1, -1).map((tick) => `${tick} superseded`);
    const after = await outcomes();
    for (const id of hanging) {
      expect(ticksOf(id)).toEqual([1, TICKS]);
      expect([...after.get(id)!].sort(byTick)).toEqual(['1 delivered', ...between, `${TICKS} delivered`]);
    }
  });
});

function byTick(a: string, b: string): number {
  return parseInt(a, 10) - parseInt(b, 10);
}
