import { verifyWorlds } from '@tickwire/execution';
import { DEFAULT_PARTITIONS } from '@tickwire/event-log';
import { createWorld, type TickResult } from '@tickwire/market';
import { SteppedWorld, type SteppedPlan } from './stepped-world.js';

const PLAN: SteppedPlan = { seed: 'worlds-spec', companies: 40, shards: 4, agents: ['ada', 'ben', 'cleo'] };
const SYMBOLS = createWorld({ worldId: 'any', ...PLAN, tickMs: 10 })
  .companies()
  .map(({ symbol }) => symbol);

interface Turn {
  /** Of each agent, in the plan's order. */
  actions: object[][];
  ticks: number;
}

const buy = (n: number, quantity: number): object => ({ type: 'BUY', payload: { symbol: SYMBOLS[n], quantity } });
const sell = (n: number, quantity: number): object => ({ type: 'SELL', payload: { symbol: SYMBOLS[n], quantity } });
const bid = (n: number, quantity: number, price: number): object => ({
  type: 'BUY',
  payload: { symbol: SYMBOLS[n], quantity, orderType: 'LIMIT', price },
});

/** Long enough to be killed in the middle of. */
const LONG = 100;
const TURNS: Turn[] = [
  { actions: [[buy(0, 100)], [buy(1, 50), bid(2, 10, 1)], [bid(3, 20, 2)]], ticks: 1 },
  { actions: [[sell(0, 40)], [], [buy(0, 70), { type: 'CANCEL_ORDER', payload: { orderId: 'none' } }]], ticks: 5 },
  { actions: [[buy(3, 25)], [sell(1, 50)], [sell(0, 70)]], ticks: LONG },
  { actions: [[{ type: 'SHORT', payload: { symbol: SYMBOLS[4], quantity: 30 } }], [buy(5, 5)], []], ticks: LONG },
  { actions: [[], [buy(1, 10)], [buy(2, 3)]], ticks: 3 },
];

/** What happens to the system in a turn, besides what the agents want. */
interface Misfortunes {
  beforeOrder?(world: SteppedWorld): Promise<void>;
  afterOrder?(world: SteppedWorld, from: number, to: number): Promise<void>;
}

async function play(world: SteppedWorld, misfortunes: readonly (Misfortunes | undefined)[] = []): Promise<void> {
  for (const [turn, { actions, ticks }] of TURNS.entries()) {
    const from = await world.tick();
    await world.answer(actions);
    await misfortunes[turn]?.beforeOrder?.(world);
    await world.order(ticks);
    await misfortunes[turn]?.afterOrder?.(world, from, from + ticks);
    await world.reach(from + ticks);
  }
}

const TOTAL = TURNS.reduce((sum, { ticks }) => sum + ticks, 1);

describe('a stepped world', () => {
  let spared: SteppedWorld;
  let killed: SteppedWorld;
  let sparedTicks: TickResult[];
  /** Ticks that were closed when a kill in the middle of steps struck, and how many there were to be. */
  const struck: { at: number; from: number; to: number }[] = [];

  beforeAll(async () => {
    spared = await SteppedWorld.start(PLAN);
    await play(spared);
    sparedTicks = await spared.neutralReplay();
  }, 300_000);

  afterAll(async () => {
    await spared?.remove();
    await killed?.remove();
  }, 60_000);

  it('does what agents want, and nothing by itself', async () => {
    expect(await spared.tick()).toBe(TOTAL);
    const results = sparedTicks.flatMap(({ agents }) => agents).flatMap(({ actionResults }) => actionResults);
    const wanted = TURNS.flatMap(({ actions }) => actions.flat()).length;
    expect(results).toHaveLength(wanted);
    // All but the cancellation of an order that nobody has.
    expect(results.filter(({ success }) => success)).toHaveLength(wanted - 1);
    expect(sparedTicks.at(-1)!.agents.some(({ portfolio }) => portfolio.positions.length > 0)).toBe(true);
  });

  it('is the same at every tick after kills between its steps and in the middle of them', async () => {
    const between: Misfortunes = {
      beforeOrder: (world) => world.killWithAnswersWaiting(),
    };
    const inTheMiddle = (kill: (world: SteppedWorld) => Promise<void>): Misfortunes => ({
      afterOrder: async (world, from, to) => {
        await world.reach(from + 20);
        const killedAtMs = Date.now();
        await kill(world);
        await world.restart();
        struck.push({ at: await world.lastClosedBefore(killedAtMs), from, to });
      },
    });
    killed = await SteppedWorld.start(PLAN);
    await play(killed, [
      undefined,
      between,
      inTheMiddle((world) => world.kill()),
      inTheMiddle((world) => world.killWithDatabase()),
      between,
    ]);
    // The kills of steps struck while there were steps to do: a world that had finished would prove nothing.
    for (const { at, from, to } of struck) {
      expect(at).toBeGreaterThan(from);
      expect(at).toBeLessThan(to);
    }
    expect(struck).toHaveLength(2);
    // The recorded hashes cannot be equal: they cover closing times and ids, and both differ from run to run. Both runs
    // are therefore replayed from what they recorded, with neutral times and ids: then a hash covers the whole state,
    // and an action that was lost, doubled or drained into another tick would show.
    const killedTicks = await killed.neutralReplay();
    expect(killedTicks.map(({ hash }) => hash)).toEqual(sparedTicks.map(({ hash }) => hash));
  }, 400_000);

  it('replays from tick 0 to the recorded hash at every tick, none missing, kills or not', async () => {
    for (const world of [spared, killed]) {
      const [proof, ...others] = await verifyWorlds(world.database, DEFAULT_PARTITIONS);
      expect(others).toEqual([]);
      const { rows } = await world.database.query<{ hash: string }>('SELECT "hash" FROM "world_state"');
      expect(proof).toMatchObject({ ticks: TOTAL, hash: rows[0]!.hash });
    }
  }, 60_000);

  it('would not pass with another input: the proof sees a record that was changed', async () => {
    await killed.database.query(
      `UPDATE "world_input" SET "closed_at" = "closed_at" + interval '1 ms' WHERE "tick" = (SELECT max("tick") / 2 FROM "world_input")`,
    );
    await expect(verifyWorlds(killed.database, DEFAULT_PARTITIONS)).rejects.toThrow(/replays to hash/);
  });
});
