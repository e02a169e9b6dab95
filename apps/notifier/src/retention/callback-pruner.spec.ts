import { TransientError } from '@tickwire/errors';
import { createPool } from '@tickwire/persistence';
import { testDatabase, type TestDatabase } from '@tickwire/testing';
import type { Pool } from 'pg';
import { v7 } from 'uuid';
import {
  attemptRows,
  createEndpoint,
  createTenant,
  deliveryRows,
  eventually,
  silent,
} from '../../fixtures/notifier-rig.js';
import { DeliveryStore } from '../deliveries/delivery-store.js';
import { CallbackPruner } from './callback-pruner.js';
import { ExpiredCallbacks } from './expired-callbacks.js';

const DAY_MS = 24 * 3_600_000;
const RETENTION_MS = 30 * DAY_MS;

interface Stored {
  status?: 'delivered' | 'exhausted' | 'pending';
  ageDays: number;
  /** Since it was settled; as old as the event when absent. */
  settledDays?: number;
}

describe('the retention of callbacks', () => {
  let database: TestDatabase;
  let pool: Pool;
  let tenantId: string;
  let endpoints: string[];
  let counted: number;

  beforeEach(async () => {
    database = await testDatabase();
    pool = database.pool();
    tenantId = await createTenant(pool);
    endpoints = [];
    for (let i = 0; i < 2; i += 1)
      endpoints.push((await createEndpoint(pool, { tenantId, url: 'https://example.test/' })).id);
    counted = 0;
  });
  afterEach(() => database.drop());

  const prunerOf = (from: Pool = pool): CallbackPruner =>
    new CallbackPruner(new ExpiredCallbacks(from, RETENTION_MS), silent, (events) => (counted += events));

  /** An event with a delivery, and an attempt of it, per endpoint. @returns its id */
  const stored = async (...deliveries: Stored[]): Promise<string> => {
    const eventId = v7();
    await pool.query(
      `INSERT INTO "callback_event" ("event_id", "tenant_id", "type", "body", "created_at")
       VALUES ($1, $2, 'webhook.failed', '{}', now() - $3 * interval '1 day')`,
      [eventId, tenantId, deliveries[0]!.ageDays],
    );
    for (const [at, { status = 'delivered', ageDays, settledDays = ageDays }] of deliveries.entries()) {
      await pool.query(
        `INSERT INTO "callback_delivery" ("endpoint_id", "event_id", "tenant_id", "status", "attempts", "next_attempt_at", "settled_at")
         VALUES ($1, $2, $3, $4, 1, CASE WHEN $4 = 'pending' THEN now() END,
                 CASE WHEN $4 <> 'pending' THEN now() - $5 * interval '1 day' END)`,
        [endpoints[at], eventId, tenantId, status, settledDays],
      );
      await pool.query(`INSERT INTO "callback_attempt" VALUES ($1, $2, 1, now(), 200, NULL, 3, 'ok')`, [
        endpoints[at],
        eventId,
      ]);
    }
    return eventId;
  };
  const kept = async (): Promise<Set<string>> => {
    const { rows } = await pool.query<{ event_id: string }>(`SELECT "event_id" FROM "callback_event"`);
    const events = new Set(rows.map((row) => row.event_id));
    // Whatever of an event is kept is kept whole.
    expect(new Set((await deliveryRows(pool)).map((row) => row.event_id))).toEqual(events);
    expect(new Set((await attemptRows(pool)).map((row) => row.event_id))).toEqual(events);
    return events;
  };

  it('ends for what was delivered or given up longer ago than it lasts', async () => {
    await stored({ ageDays: 31 });
    await stored({ ageDays: 400, status: 'exhausted' }, { ageDays: 400 });
    const young = await stored({ ageDays: 29 });
    expect(await prunerOf().pass()).toBe(2);
    expect(await kept()).toEqual(new Set([young]));
    expect(counted).toBe(2);
  });

  it('does not end while a delivery of the event may still be sent, however old it is', async () => {
    const waiting = await stored({ ageDays: 90 }, { ageDays: 90, status: 'pending' });
    const settledLately = await stored({ ageDays: 90, settledDays: 2 }, { ageDays: 90 });
    expect(await prunerOf().pass()).toBe(0);
    expect(await kept()).toEqual(new Set([waiting, settledLately]));
    const { deliveries } = await new DeliveryStore(pool, 'mine', 30_000).claim({
      most: 10,
      mostPerEndpoint: 10,
      limited: new Map(),
    });
    expect(deliveries.map(({ eventId }) => eventId)).toEqual([waiting]);
  });

  it('goes past what has to stay, batch by batch', async () => {
    const waiting = await Promise.all([1, 2, 3].map((day) => stored({ ageDays: 90 + day, status: 'pending' })));
    for (let i = 0; i < 5; i += 1) await stored({ ageDays: 60 + i });
    expect(await prunerOf().pass(2)).toBe(5);
    expect(await kept()).toEqual(new Set(waiting));
  });

  it('leaves a delivery that is set back to pending meanwhile, and its event', async () => {
    const eventId = await stored({ ageDays: 40 });
    const resend = await pool.connect();
    await resend.query('BEGIN');
    await resend.query(`UPDATE "callback_delivery" SET "status" = 'pending', "next_attempt_at" = now()`);
    const pruning = prunerOf().pass();
    // Until the pruner waits for the row.
    const waiting = `SELECT count(*)::int AS "n" FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`;
    await eventually(
      async () => (await pool.query<{ n: number }>(waiting)).rows[0]!.n,
      (n) => n > 0,
    );
    await resend.query('COMMIT');
    resend.release();
    expect(await pruning).toBe(0);
    expect(await kept()).toEqual(new Set([eventId]));
  });

  it('is kept by one process at a time', async () => {
    await stored({ ageDays: 40 });
    const other = await pool.connect();
    await other.query('BEGIN');
    await other.query(`SELECT pg_advisory_xact_lock(hashtext('tickwire callback retention'))`);
    expect(await prunerOf().pass()).toBe(0);
    await other.query('COMMIT');
    other.release();
    expect(await prunerOf().pass()).toBe(1);
  });

  it('waits out a database that is away', async () => {
    const away = createPool({ connectionString: 'postgresql://x@127.0.0.1:1/x', applicationName: 'test' });
    expect(await prunerOf(away).pass()).toBe(0);
    await expect(new ExpiredCallbacks(away, RETENTION_MS).prune(undefined, 1)).rejects.toBeInstanceOf(TransientError);
    await away.end();
  });

  it('finds what is old by an index, whatever else is there', async () => {
    await pool.query(
      `INSERT INTO "callback_event" SELECT gen_random_uuid(), $1, 'webhook.failed', '{}', now() - i * interval '1 minute'
         FROM generate_series(1, 20000) i`,
      [tenantId],
    );
    await pool.query('ANALYZE "callback_event"');
    const { rows } = await pool.query<{ 'QUERY PLAN': string }>(
      `EXPLAIN SELECT FROM "callback_event" WHERE "created_at" < now() - interval '30 days' ORDER BY "created_at", "event_id" LIMIT 500`,
    );
    expect(rows.map((row) => row['QUERY PLAN']).join('\n')).toContain('callback_event_created_at_event_id_idx');
  });
});
