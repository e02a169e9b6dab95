import { testDatabase, type TestDatabase } from '@tickwire/testing';
import { trimDeliveryLog } from './delivery-log-retention.js';

const NOW_MS = Date.parse('2026-11-22T08:00:00.000Z');
const HOUR_MS = 3_600_000;

let database: TestDatabase;

beforeAll(async () => {
  database = await testDatabase();
});

afterAll(() => database.drop());

beforeEach(() => database.pool().query('TRUNCATE "agent_delivery_log", "agent_delivery_stats"'));

/** The newest tick was settled now, each earlier one `everyMs` before the next. */
async function agentWith(agentId: string, ticks: number, everyMs: number): Promise<void> {
  await database
    .pool()
    .query('INSERT INTO "agent_delivery_stats" ("agent_id", "world_id", "last_tick") VALUES ($1, $2, $3)', [
      agentId,
      'wld_1',
      ticks - 1,
    ]);
  await database.pool().query(
    `INSERT INTO "agent_delivery_log" ("agent_id", "tick", "outcome", "circuit_breaker_skipped", "attempts", "actions", "settled_at")
     SELECT $1, n, 'delivered', false, 1, 0, $3::timestamptz - make_interval(secs => ($2::int - 1 - n) * $4::float8)
       FROM generate_series(0, $2::int - 1) n`,
    [agentId, ticks, new Date(NOW_MS), everyMs / 1_000],
  );
}

const trim = (maxAgeMs: number, maxTicks: number) =>
  trimDeliveryLog(database.pool(), NOW_MS, { maxAgeMs, maxTicks }, undefined);

async function kept(agentId: string): Promise<[first: number, count: number]> {
  const { rows } = await database
    .pool()
    .query<{ first: number; count: number }>(
      'SELECT min("tick") AS "first", count(*) AS "count" FROM "agent_delivery_log" WHERE "agent_id" = $1',
      [agentId],
    );
  return [Number(rows[0]!.first), Number(rows[0]!.count)];
}

it('keeps an agent’s latest ticks, exactly as many as it says', async () => {
  await agentWith('agt_1', 450, 1_000);
  await agentWith('agt_2', 300, 1_000);
  await agentWith('agt_3', 10, 1_000);
  expect(await trim(HOUR_MS, 300)).toBe(150);
  expect([await kept('agt_1'), await kept('agt_2'), await kept('agt_3')]).toEqual([
    [150, 300],
    [0, 300],
    [0, 10],
  ]);
});

it('keeps what is as old as it may be, and nothing older', async () => {
  await agentWith('agt_1', 5, HOUR_MS);
  expect(await trim(2 * HOUR_MS, 1_000)).toBe(2);
  expect(await kept('agt_1')).toEqual([2, 3]);
  expect(await trim(2 * HOUR_MS, 1_000)).toBe(0);
});

it('reaches every agent, and all of a long backlog, in one round of small bites', async () => {
  await agentWith('agt_long', 1_000, 1_000);
  await database.pool().query(
    `WITH "a" AS (INSERT INTO "agent_delivery_stats" ("agent_id", "world_id", "last_tick")
                  SELECT 'agt_' || n, 'wld_1', 1 FROM generate_series(1, 250) n RETURNING "agent_id")
     INSERT INTO "agent_delivery_log" ("agent_id", "tick", "outcome", "circuit_breaker_skipped", "attempts", "actions", "settled_at")
     SELECT "agent_id", tick, 'delivered', false, 1, 0, to_timestamp($1::float8 / 1000) FROM "a", generate_series(0, 1) tick`,
    [NOW_MS],
  );
  expect(await trim(HOUR_MS, 1)).toBe(250 + 999);
  expect(await kept('agt_long')).toEqual([999, 1]);
});

it('leaves a round to the process that is at it, and takes the next', async () => {
  await agentWith('agt_1', 3, 1_000);
  const other = await database.pool().connect();
  await other.query(`SELECT pg_advisory_lock(hashtext('tickwire agent delivery log retention'))`);
  expect(await trim(HOUR_MS, 1)).toBeUndefined();
  await other.query(`SELECT pg_advisory_unlock(hashtext('tickwire agent delivery log retention'))`);
  other.release();
  expect(await trim(HOUR_MS, 1)).toBe(2);
});

it('ends early when its process stops', async () => {
  await agentWith('agt_1', 3, 1_000);
  expect(await trimDeliveryLog(database.pool(), NOW_MS, { maxAgeMs: HOUR_MS, maxTicks: 1 }, AbortSignal.abort())).toBe(
    0,
  );
  expect(await trim(HOUR_MS, 1)).toBe(2); // the lock was given back
});
