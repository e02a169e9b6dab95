import { createPool } from '@tickwire/persistence';
import { testDatabase, type TestDatabase } from '@tickwire/testing';
import type pg from 'pg';
import { describeEventLog } from './event-log.conformance.js';
import type { EventLog, LogSink, SessionTiming } from './port.js';
import { PostgresEventLog } from './postgres/postgres-event-log.js';

const quiet: LogSink = { info: () => undefined, warn: () => undefined, error: () => undefined };
// Short, but not so short that a busy machine loses sessions.
const timing: SessionTiming = { sessionMs: 3_000, heartbeatMs: 250, rebalanceMs: 6_000 };

let database: TestDatabase;
const pools = new Map<EventLog, pg.Pool>();

beforeAll(async () => {
  database = await testDatabase();
});

afterAll(async () => {
  await Promise.all([...pools.values()].map((pool) => pool.end().catch(() => undefined)));
  await database.drop();
});

describe.each([
  // As several processes would use it; then as apps of one process, whose readers take records from the tail.
  ['Postgres, beside other processes', true],
  ['Postgres, within one process', false],
])('%s', (name, otherProcesses) => {
  describeEventLog(name, async () => ({
    timing,
    connect: async (clientId) => {
      const { connectionString } = database;
      const pool = createPool({ connectionString, max: 4, applicationName: clientId });
      const log = await PostgresEventLog.connect({
        pool,
        connectionString,
        clientId,
        log: quiet,
        timing,
        otherProcesses,
      });
      pools.set(log, pool);
      return log;
    },
    expire: async ({ topic, partition, offset }) => {
      const pool = database.pool();
      await pool.query(`UPDATE "log_partition" SET "start" = $3 WHERE "topic" = $1 AND "partition" = $2`, [
        topic,
        partition,
        offset,
      ]);
      await pool.query(`DELETE FROM "log_record" WHERE "topic" = $1 AND "partition" = $2 AND "offset" < $3`, [
        topic,
        partition,
        offset,
      ]);
    },
    // As a killed process: from here on nothing of it reaches the database, and it hands nothing over.
    kill: async (log) => {
      const pool = pools.get(log)!;
      const dead = () => Promise.reject(new Error('killed'));
      Object.assign(pool, { query: dead, connect: dead });
    },
  }));
});
