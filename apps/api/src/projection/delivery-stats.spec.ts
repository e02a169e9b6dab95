import { agentDelivery, type AgentDelivery } from '@tickwire/contracts';
import type { Queryable } from '@tickwire/event-log';
import { testDatabase, type TestDatabase } from '@tickwire/testing';
import fc from 'fast-check';
import { countDeliveries } from './delivery-stats.js';
import { bucketOf, WINDOW_SIZE } from './response-window.js';

let database: TestDatabase;
let agents = 0;

beforeAll(async () => {
  database = await testDatabase();
});

afterAll(() => database.drop());

const newAgent = (): string => `agt_${(agents += 1)}`;
const count = (deliveries: readonly AgentDelivery[]): Promise<void> =>
  countDeliveries(database.pool() as unknown as Queryable, deliveries);

function delivery(agentId: string, tick: number, change: Partial<AgentDelivery> = {}): AgentDelivery {
  const settledAt = new Date(Date.UTC(2026, 0, 1) + tick * 1_000).toISOString();
  const outcome = change.outcome ?? 'delivered';
  const responseTimeMs = outcome === 'delivered' ? 10 + tick : undefined;
  return { ...agentDelivery.sample, agentId, tick, settledAt, responseTimeMs, ...change };
}

interface Counted {
  last_tick: number;
  success_count: number;
  failures: number;
  superseded: number;
  skipped: number;
  last_error: string | null;
  consecutive_failures: number;
  breaker_open: boolean;
  total_response_time_ms: number;
  response_window: Buffer | null;
}

async function counted(agentId: string): Promise<Counted> {
  const { rows } = await database
    .pool()
    .query<Counted>('SELECT * FROM "agent_delivery_stats" WHERE "agent_id" = $1', [agentId]);
  return rows[0]!;
}

interface Logged {
  tick: number;
  outcome: string;
  skipped: boolean;
  error: string | null;
}

async function logged(agentId: string): Promise<Logged[]> {
  const { rows } = await database.pool().query<Logged>(
    `SELECT "tick", "outcome", "circuit_breaker_skipped" AS "skipped", "error" FROM "agent_delivery_log"
      WHERE "agent_id" = $1 ORDER BY "tick"`,
    [agentId],
  );
  return rows;
}

/** The rules, one delivery at a time. */
function recount(deliveries: readonly AgentDelivery[]): Partial<Counted> & { response_window: Buffer | null } {
  const of = (outcome: AgentDelivery['outcome']) => deliveries.filter((each) => each.outcome === outcome).length;
  let [failed, open, total] = [0, false, 0];
  const window: number[] = [];
  for (const { outcome, circuitBreakerSkipped, responseTimeMs } of deliveries) {
    if (outcome === 'failed') failed += 1;
    if (circuitBreakerSkipped || outcome === 'failed' || outcome === 'delivered') open = circuitBreakerSkipped === true;
    if (outcome !== 'delivered') continue;
    failed = 0;
    window.unshift(bucketOf(responseTimeMs!));
    total += responseTimeMs!;
  }
  return {
    last_tick: deliveries.at(-1)!.tick,
    success_count: of('delivered'),
    failures: of('failed'),
    superseded: of('superseded'),
    skipped: of('skipped'),
    consecutive_failures: failed,
    breaker_open: open,
    total_response_time_ms: total,
    response_window: window.length === 0 ? null : Buffer.from(window.slice(0, WINDOW_SIZE)),
  };
}

it('counts and logs the same however deliveries are cut into batches, with parts of them sent again', async () => {
  const end = fc.constantFrom<Partial<AgentDelivery>>(
    { outcome: 'delivered' },
    { outcome: 'failed' },
    { outcome: 'skipped', circuitBreakerSkipped: true },
    { outcome: 'skipped' }, // paused
    { outcome: 'superseded' },
  );
  const ends = fc.array(end, { minLength: 1, maxLength: 30 });
  const batches = fc.array(fc.tuple(fc.nat({ max: 30 }), fc.nat({ max: 12 })), { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(ends, batches, async (given, cuts) => {
      const agentId = newAgent();
      const all = given.map((change, tick) => delivery(agentId, tick, change));
      let done = 0;
      for (const [back, ahead] of cuts) {
        // As the log does after a crash: from somewhere before what is counted, in order.
        const batch = all.slice(Math.max(0, done - back), done + ahead);
        await count(batch);
        done = Math.min(all.length, done + ahead);
      }
      await count(all.slice(done));
      const { response_window: window, ...counters } = recount(all);
      const row = await counted(agentId);
      expect(row).toMatchObject(counters);
      expect(row.response_window).toEqual(window);
      expect((await logged(agentId)).map((each) => [each.tick, each.outcome, each.skipped])).toEqual(
        all.map((each) => [each.tick, each.outcome, each.circuitBreakerSkipped === true]),
      );
    }),
    { numRuns: 40 },
  );
});

it('takes a delivery once that is twice in a batch, in any order, among those of other agents', async () => {
  const [one, two] = [newAgent(), newAgent()];
  await count([
    delivery(two, 7),
    delivery(one, 1, { outcome: 'failed', error: 'HTTP 500' }),
    delivery(one, 0),
    delivery(one, 1, { outcome: 'failed', error: 'HTTP 500' }),
    delivery(two, 7),
  ]);
  expect(await counted(one)).toMatchObject({ success_count: 1, failures: 1, last_tick: 1, last_error: 'HTTP 500' });
  expect(await counted(two)).toMatchObject({ success_count: 1, failures: 0, last_tick: 7 });
  expect([await logged(one), await logged(two)]).toMatchObject([[{ tick: 0 }, { tick: 1 }], [{ tick: 7 }]]);
});

it('skips ticks below the last counted one, also in the log: what retention has deleted does not come back', async () => {
  const agentId = newAgent();
  await count([delivery(agentId, 5), delivery(agentId, 6)]);
  await database.pool().query('DELETE FROM "agent_delivery_log" WHERE "agent_id" = $1', [agentId]);
  await count([delivery(agentId, 4), delivery(agentId, 5), delivery(agentId, 6), delivery(agentId, 7)]);
  expect((await counted(agentId)).success_count).toBe(3);
  expect((await logged(agentId)).map(({ tick }) => tick)).toEqual([7]);
});

it('keeps the latest response times, newest first, no more than the window holds', async () => {
  const agentId = newAgent();
  const all = Array.from({ length: WINDOW_SIZE + 50 }, (_, tick) => delivery(agentId, tick));
  await count(all.slice(0, WINDOW_SIZE + 20));
  await count(all.slice(WINDOW_SIZE + 20));
  const newest = all.slice(-WINDOW_SIZE).reverse();
  expect((await counted(agentId)).response_window).toEqual(
    Buffer.from(newest.map(({ responseTimeMs }) => bucketOf(responseTimeMs!))),
  );
});

it('knows no response time of a success that came without one', async () => {
  const agentId = newAgent();
  await count([delivery(agentId, 0, { responseTimeMs: undefined })]);
  expect(await counted(agentId)).toMatchObject({ success_count: 1, response_window: null });
});

it('stores an error with a NUL in it, readable', async () => {
  const agentId = newAgent();
  await count([delivery(agentId, 0, { outcome: 'failed', error: 'a\0b' })]);
  expect(await logged(agentId)).toMatchObject([{ error: 'a\ufffdb' }]);
});

it('counts once what two processes count at the same time', async () => {
  const ids = Array.from({ length: 5 }, newAgent);
  const batch = (from: number, to: number): AgentDelivery[] =>
    ids.flatMap((agentId) => Array.from({ length: to - from }, (_, n) => delivery(agentId, from + n)));
  for (const [first, second] of [
    [batch(0, 6), batch(0, 9)], // nothing counted yet
    [batch(9, 14), batch(6, 16)],
  ]) {
    // The slower one has looked at the rows, and waits for the faster one to commit.
    const client = await database.pool().connect();
    try {
      await client.query('BEGIN');
      await countDeliveries(client as unknown as Queryable, first!);
      const slower = count(second!);
      await until(async () => {
        const { rows } = await database
          .pool()
          .query(`SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`);
        return rows.length > 0;
      });
      await client.query('COMMIT');
      await slower;
    } finally {
      client.release();
    }
    for (const agentId of ids) {
      const { response_window: window, ...counters } = await counted(agentId);
      expect(counters).toMatchObject({ success_count: counters.last_tick + 1 });
      expect(window).toHaveLength(counters.success_count);
      expect(await logged(agentId)).toHaveLength(counters.success_count);
    }
  }
});

async function until(look: () => Promise<boolean>): Promise<void> {
  while (!(await look())) await new Promise((resolve) => setTimeout(resolve, 20));
}
