import { setTimeout as sleep } from 'node:timers/promises';
import {
  agentActions,
  agentDelivery,
  allTopics,
  createEvent,
  encodeEvent,
  marketTick,
  type MarketTick,
} from '@tickwire/contracts';
import { PostgresEventLog } from '@tickwire/event-log';
import { eventsOn, eventually, testDatabase, type TestDatabase } from '@tickwire/testing';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { AgentServer } from './agent-server.js';
import { DispatcherProcess } from './dispatcher-process.js';

const WORLD = 'wld_kills';
const AGENTS = Array.from({ length: 24 }, (_, i) => `agt_kill_${String(i).padStart(2, '0')}`);
/** Between two ticks, ms: short enough for callbacks to be on their way at any moment. */
const TICK_MS = 60;
/** A dead member's session, and some patience for a busy machine. */
const TAKEOVER_MS = 60_000;

/** Two replicas share the agents; each in turn is killed without grace while its callbacks are on their way. */
describe('killed dispatchers', () => {
  let database: TestDatabase;
  let pool: Pool;
  let log: PostgresEventLog;
  let agents: AgentServer;
  const replicas: DispatcherProcess[] = [];
  let tick = 0;
  /** How far each agent was settled when a replica had just died, and how many callbacks it had heard by then. */
  const deaths: { settled: Map<string, number>; heard: Map<string, number> }[] = [];

  const closeTick = async (): Promise<void> => {
    tick += 1;
    await log.append(AGENTS.map((agentId, shard) => tickRecord(tick, agentId, shard)));
  };
  /** The world goes on while something is waited for. */
  const ticking = async (until: () => Promise<boolean>): Promise<void> => {
    const deadline = performance.now() + TAKEOVER_MS;
    while (!(await until())) {
      if (performance.now() > deadline) throw new Error('waited in vain');
      await closeTick();
      await sleep(TICK_MS);
    }
  };
  const members = async (): Promise<number> => {
    const { rows } = await pool.query<{ members: number }>(
      `SELECT count(DISTINCT "member_id")::int AS "members" FROM "log_lease" WHERE "group_id" = 'tick-dispatcher'`,
    );
    return rows[0]!.members;
  };
  const settled = async (): Promise<Map<string, number>> => {
    const { rows } = await pool.query<{ id: string; tick: number }>(
      `SELECT "agent_id" AS "id", "settled_tick"::int AS "tick" FROM "agent_dispatch"`,
    );
    return new Map(rows.map(({ id, tick: settledTick }) => [id, settledTick]));
  };
  const everybodyIsAt = async (wanted: number): Promise<boolean> => {
    const at = await settled();
    return AGENTS.every((id) => (at.get(id) ?? 0) >= wanted);
  };
  const heardTicks = (id: string): number[] => agents.heard(id).map((each) => each.tick);

  /** Kills the older replica while its callbacks are out, waits for the other to take over, and starts another. */
  const killOne = async (): Promise<void> => {
    const from = tick;
    await ticking(() => everybodyIsAt(from + 3));
    await closeTick();
    await replicas.shift()!.kill();
    deaths.push({
      heard: new Map(AGENTS.map((id) => [id, agents.heard(id).length])),
      settled: await settled(),
    });
    const atDeath = tick;
    await ticking(() => everybodyIsAt(atDeath + 1));
    replicas.push(await DispatcherProcess.start(database.connectionString));
    await ticking(async () => (await members()) === 2);
  };

  beforeAll(async () => {
    database = await testDatabase();
    pool = database.pool();
    const { connectionString } = database;
    log = await PostgresEventLog.connect({
      pool,
      connectionString,
      clientId: 'kills-spec',
      log: pino({ level: 'silent' }),
    });
    await log.ensureTopics(allTopics());
    agents = await AgentServer.listen();
    await pool.query(`INSERT INTO "tenant" ("id", "name") VALUES ('ten_1', 'Tenant')`);
    await pool.query(`INSERT INTO "world" ("id", "partition", "name", "settings") VALUES ($1, 0, 'Kills', '{}')`, [
      WORLD,
    ]);
    for (const [shard, id] of AGENTS.entries()) {
      const url = agents.add(id, 'answers', ({ tick: answered }) => [{ type: 'FLEE', payload: { answered } }]);
      await pool.query(
        `INSERT INTO "agent" ("id", "tenant_id", "world_id", "shard", "name", "role", "callback_url", "status", "settings")
         VALUES ($1, 'ten_1', $2, $3, $1, 'trader', $4, 'active', '{}')`,
        [id, WORLD, shard, url],
      );
    }
    for (let n = 0; n < 2; n += 1) replicas.push(await DispatcherProcess.start(connectionString));
    await ticking(async () => (await members()) === 2);
    for (let death = 0; death < 3; death += 1) await killOne();
    await closeTick();
    await eventually(() => everybodyIsAt(tick), Boolean, TAKEOVER_MS);
  }, 400_000);

  afterAll(async () => {
    for (const replica of replicas) await replica.kill();
    await agents?.close();
    await log?.close();
    await database?.drop();
  }, 60_000);

  it('send no agent a tick after a later one', () => {
    for (const id of AGENTS) expect(heardTicks(id)).toEqual([...heardTicks(id)].sort((a, b) => a - b));
  });

  it('send nothing again that was settled, and one tick twice at most each time that an agent changes hands', () => {
    for (const { settled: before, heard } of deaths)
      for (const id of AGENTS) {
        const later = heardTicks(id).slice(heard.get(id));
        expect(later.filter((each) => each <= (before.get(id) ?? 0))).toEqual([]);
      }
    for (const id of AGENTS) {
      const repeated = heardTicks(id).length - new Set(heardTicks(id)).size;
      expect(repeated).toBeLessThanOrEqual(1 + 2 * deaths.length); // the second joins, one dies, another joins
    }
  });

  it('leave no tick of any agent without an end, and tell the ends in the order of the ticks', async () => {
    const all = Array.from({ length: tick }, (_, i) => i + 1);
    const ends = (await eventsOn(log, agentDelivery)).map(({ data }) => data);
    for (const id of AGENTS) {
      // A record that came through although its sender died before it knew is there twice.
      const first = [...new Set(ends.filter(({ agentId }) => agentId === id).map((end) => end.tick))];
      expect(first).toEqual(all);
    }
  });

  it('lose no answer that was acknowledged: each delivery that tells of actions has them in the log before it', async () => {
    const answers = (await eventsOn(log, agentActions)).map(({ data }) => data);
    const known = new Set(answers.map(({ agentId, tick: answered }) => `${agentId}/${answered}`));
    const delivered = (await eventsOn(log, agentDelivery))
      .map(({ data }) => data)
      .filter(({ outcome }) => outcome === 'delivered');
    expect(delivered.length).toBeGreaterThan(AGENTS.length * deaths.length);
    for (const { agentId, tick: answered, actions } of delivered) {
      expect(actions).toBe(1);
      expect(known).toContain(`${agentId}/${answered}`);
    }
    // And an answer in the log is the agent's own, to a tick that it got.
    for (const { agentId, tick: answered, actions } of answers) {
      expect(actions).toEqual([{ type: 'FLEE', payload: { answered } }]);
      expect(heardTicks(agentId)).toContain(answered);
    }
  });
});

function tickRecord(tick: number, agentId: string, shard: number) {
  const data: MarketTick = {
    ...marketTick.sample,
    worldId: WORLD,
    tick,
    shard,
    closedAt: new Date().toISOString(),
    agents: [{ agentId, funds: [1, 0, 1, 1] }],
  };
  const facts = { id: `kill-${tick}-${shard}`, source: 'execution', subject: WORLD, timeMs: Date.now(), data } as const;
  return encodeEvent(marketTick, createEvent(marketTick, facts));
}
