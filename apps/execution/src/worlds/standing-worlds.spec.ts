import { agentActions, marketQuote, marketTick, worldControl } from '@tickwire/contracts';
import { partitionOfKey } from '@tickwire/event-log';
import type { RunningApp } from '@tickwire/runtime';
import { eventsOn, eventually, recordsOf, testHost, type TestHost } from '@tickwire/testing';
import { answer, control, created, registered, stepped, WORLD } from '../../fixtures/world-records.js';
import { ExecutionConfig } from '../execution.config.js';
import { startExecution } from '../start-execution.js';
import { WORLDS_GROUP } from './worlds.consumer.js';

const PARTITION = partitionOfKey(WORLD, 12);
/** Of the same partition. */
const NEIGHBOUR = Array.from({ length: 1_000 }, (_, n) => `wld_${n}`).find(
  (worldId) => partitionOfKey(worldId, 12) === PARTITION,
)!;

describe('worlds that stand still', () => {
  let host: TestHost;
  let app: RunningApp;
  const config = Object.assign(new ExecutionConfig(), { ROLE: 'worlds', STORE_WAITING_MS: 30 });

  const start = async () => (app = await startExecution(config, host));
  const rows = async <R extends object>(text: string): Promise<R[]> => (await host.pool.query<R>(text)).rows;
  const reach = (tick: number, worldId = WORLD) =>
    eventually(
      () => rows<{ tick: string }>(`SELECT "tick" FROM "world_state" WHERE "world_id" = '${worldId}'`),
      ([world]) => world !== undefined && Number(world.tick) >= tick,
    );
  const waiting = () => rows<{ topic: string; offset: string }>('SELECT "topic", "offset" FROM "world_waiting"');
  const position = async (topic: string): Promise<number> => {
    const [fence] = await rows<{ offsets: Record<string, number> }>(
      `SELECT "offsets" FROM "fence" WHERE "group_id" = '${WORLDS_GROUP}' AND "partition" = ${PARTITION}`,
    );
    return fence?.offsets[topic] ?? 0;
  };
  const agentAt = async (tick: number, agentId: string) =>
    (await eventsOn(host.log, marketTick))
      .filter(({ data }) => data.worldId === WORLD && data.tick === tick)
      .flatMap(({ data }) => data.agents)
      .find((agent) => agent.agentId === agentId);
  /** As retention would: nothing is left of what was appended until now. */
  const expire = async (topic: string): Promise<void> => {
    const bounds = await host.log.bounds([topic]);
    for (const { partition, end } of bounds) {
      const place = [topic, partition, end];
      await host.pool.query(`UPDATE "log_partition" SET "start" = $3 WHERE "topic" = $1 AND "partition" = $2`, place);
      await host.pool.query(
        `DELETE FROM "log_record" WHERE "topic" = $1 AND "partition" = $2 AND "offset" < $3`,
        place,
      );
    }
  };

  beforeEach(async () => {
    host = await testHost('execution');
    await start();
  });
  afterEach(async () => {
    await app.stop();
    await host.close();
  });

  it('keep what waits for them when the log keeps it no longer, and take it with their next tick', async () => {
    await host.log.append([created(0), registered('agt_a'), stepped()]);
    await reach(1);
    const [tick] = await eventsOn(host.log, marketTick);
    const { symbol } = tick!.data.market.watchlist[0]!;
    await host.log.append([
      answer('agt_a', 1, [{ type: 'BUY', payload: { symbol, quantity: 5, note: '\u0000\ud800' } }]),
    ]);
    await eventually(
      () => position(agentActions.topic),
      (offset) => offset === 1,
    );
    await app.stop();
    for (const topic of [agentActions.topic, worldControl.topic]) await expire(topic);
    await start();
    await host.log.append([stepped()]);
    await reach(2);
    const part = await agentAt(2, 'agt_a');
    expect(part!.actionResults).toMatchObject([{ action: 'BUY', success: true }]);
    expect(await waiting()).toEqual([]);
    expect(await position(agentActions.topic)).toBe(1);
  });

  it('do not hold up the position of one that ticks', async () => {
    await host.log.append([created(0), created(10, NEIGHBOUR), registered('agt_a')]);
    await reach(3, NEIGHBOUR);
    await eventually(waiting, (stored) => stored.length === 2);
    await host.log.append([registered('agt_b')]);
    await eventually(
      () => position(worldControl.topic),
      (offset) => offset === 4,
    );
    await host.log.append([stepped()]);
    await reach(1);
    for (const agentId of ['agt_a', 'agt_b']) expect(await agentAt(1, agentId)).toBeDefined();
    expect(await waiting()).toEqual([]);
  });

  it('keep the quote that stays theirs until somebody moves the clock', async () => {
    const held = async () =>
      (await rows<{ quote: string | null }>('SELECT "held_quote" AS "quote" FROM "world_state"'))[0]!.quote;
    await host.log.append([created(20)]);
    await reach(2);
    expect(await held()).toBeNull();
    await host.log.append([control({ command: 'paused' })]);
    const quote = await eventually(held, (text) => text !== null);
    const last = (await recordsOf(host.log, marketQuote.topic)).at(-1)!;
    expect(quote).toBe(last.value.toString());
    await host.log.append([control({ command: 'resumed' })]);
    await eventually(held, (text) => text === null);
    // One of a slow clock stays fresh for minutes.
    await host.log.append([control({ command: 'speed', tickMs: 60_000 })]);
    await eventually(held, (text) => text?.includes('"stepMs":60000') === true);
  });

  it('lose nothing that comes while they cannot be rebuilt', async () => {
    await host.log.append([created(0), stepped()]);
    await reach(1);
    await app.stop();
    const [input] = await rows<{ hash: string }>('SELECT "hash" FROM "world_input"');
    await host.pool.query(`UPDATE "world_input" SET "hash" = 'another'`);
    await start();
    await host.log.append([registered('agt_late')]);
    await eventually(waiting, (stored) => stored.length === 1);
    await app.stop();
    await host.pool.query(`UPDATE "world_input" SET "hash" = $1`, [input!.hash]);
    await start();
    await host.log.append([stepped()]);
    await reach(2);
    expect(await agentAt(2, 'agt_late')).toBeDefined();
  });
});
