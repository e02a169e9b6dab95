import { testDatabase, type TestDatabase } from '@tickwire/testing';
import type { LogSink, PartitionBounds } from '../port.js';
import { PostgresEventLog } from './postgres-event-log.js';
import { trimExpired } from './retention.js';

const quiet: LogSink = { info: () => undefined, warn: () => undefined, error: () => undefined };
const HOUR_MS = 3_600_000;

describe('retention', () => {
  let database: TestDatabase;
  let log: PostgresEventLog;

  const append = (topic: string, count: number): Promise<void> =>
    log.append(Array.from({ length: count }, (_, n) => ({ topic, key: 'k', value: String(n), partition: 3 })));
  /** Makes the first `count` records of the topic two hours old. */
  const age = (topic: string, count: number) =>
    database
      .pool()
      .query(
        `UPDATE "log_record" SET "appended_at" = "appended_at" - interval '2 hours' WHERE "topic" = $1 AND "offset" < $2`,
        [topic, count],
      );
  const bounds = async (topic: string): Promise<Pick<PartitionBounds, 'start' | 'end'>> => {
    const { start, end } = (await log.bounds([topic])).find(({ partition }) => partition === 3)!;
    return { start, end };
  };

  beforeAll(async () => {
    database = await testDatabase();
    log = await PostgresEventLog.connect({
      pool: database.pool(),
      connectionString: database.connectionString,
      clientId: 'retention-spec',
      log: quiet,
    });
    await log.ensureTopics([
      { name: 'hourly', retentionMs: HOUR_MS },
      { name: 'emptied', retentionMs: HOUR_MS },
      { name: 'long', retentionMs: HOUR_MS },
      { name: 'contended', retentionMs: HOUR_MS },
      { name: 'kept' },
    ]);
  });

  afterAll(async () => {
    await log.close();
    await database.drop();
  });

  it('deletes what is past its time, keeps the rest, and tells where the partition now begins', async () => {
    await append('hourly', 10);
    await age('hourly', 4);
    await trimExpired(database.pool());
    expect(await bounds('hourly')).toEqual({ start: 4, end: 10 });
    const left = await log.read({ topic: 'hourly', partition: 3, offset: 0 }, 100);
    expect(left.map(({ offset }) => offset)).toEqual([4, 5, 6, 7, 8, 9]);
  });

  it('goes on counting where a partition that it emptied had ended: an offset is never given twice', async () => {
    await append('emptied', 5);
    await age('emptied', 5);
    await trimExpired(database.pool());
    expect(await bounds('emptied')).toEqual({ start: 5, end: 5 });
    await append('emptied', 1);
    const [next] = await log.read({ topic: 'emptied', partition: 3, offset: 0 }, 100);
    expect(next!.offset).toBe(5);
  });

  it('takes a long stretch in bites, and reaches its end', async () => {
    await append('long', 10_500);
    await age('long', 10_400);
    await trimExpired(database.pool());
    expect(await bounds('long')).toEqual({ start: 10_000, end: 10_500 });
    await trimExpired(database.pool());
    expect(await bounds('long')).toEqual({ start: 10_400, end: 10_500 });
  });

  it('leaves a topic without a time limit alone', async () => {
    await append('kept', 3);
    await age('kept', 3);
    await trimExpired(database.pool());
    expect(await bounds('kept')).toEqual({ start: 0, end: 3 });
  });

  it('is done by one instance at a time; another returns at once, having done nothing', async () => {
    await append('contended', 3);
    await age('contended', 3);
    const other = await database.pool().connect();
    await other.query(`SELECT pg_advisory_lock(hashtext('tickwire log retention'))`);
    const pool = database.pool();
    await trimExpired(pool);
    const kept = await bounds('contended');
    // Whoever leaves empty-handed has given its connection back: all that is out is the other's.
    const out = pool.totalCount - pool.idleCount;
    await other.query(`SELECT pg_advisory_unlock(hashtext('tickwire log retention'))`);
    other.release();
    expect(kept).toEqual({ start: 0, end: 3 });
    expect(out).toBe(1);
    await trimExpired(database.pool());
    expect(await bounds('contended')).toEqual({ start: 3, end: 3 });
  });
});
