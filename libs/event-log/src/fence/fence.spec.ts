import { createPool } from '@tickwire/persistence';
import { eventually, testDatabase, type TestDatabase } from '@tickwire/testing';
import type pg from 'pg';
import { LogUnavailable, OwnershipLost, type EventLog, type LogSink, type NewRecord } from '../port.js';
import { PostgresEventLog } from '../postgres/postgres-event-log.js';
import type { Statements } from './burst.js';
import { Fence } from './fence.js';

const quiet: LogSink = { info: () => undefined, warn: () => undefined, error: () => undefined };
const record = (value: string): NewRecord => ({ topic: 'out', key: 'k', partition: 3, value });

let database: TestDatabase;
let pool: pg.Pool;
let log: PostgresEventLog;

beforeEach(async () => {
  database = await testDatabase();
  pool = database.pool();
  await pool.query('CREATE TABLE effect (n int)');
  log = await PostgresEventLog.connect({
    pool,
    connectionString: database.connectionString,
    clientId: 'spec',
    log: quiet,
  });
  await log.ensureTopics([{ name: 'out' }]);
});

afterEach(async () => {
  await log.close();
  await database.drop();
});

const effect = (n: number) => ({
  write: (transaction: Statements) => transaction.add('INSERT INTO effect VALUES ($1)', [n]),
});
const effects = async (): Promise<number[]> =>
  (await pool.query<{ n: number }>('SELECT n FROM effect ORDER BY n')).rows.map((row) => row.n);
const written = async (): Promise<string[]> =>
  (await log.read({ topic: 'out', partition: 3, offset: 0 }, 100)).map((each) => each.value.toString());

describe('the fence', () => {
  it('commits state, positions and records together, and hands the positions to the next owner', async () => {
    const fence = new Fence(pool, log, 'g', quiet);
    expect(await fence.take([3], () => true)).toEqual([]);
    await fence.transact({
      next: [{ topic: 'in', partition: 3, offset: 7 }],
      emit: [{ partition: 3, record: record('a') }],
      ...effect(1),
    });
    expect(await effects()).toEqual([1]);
    expect(await written()).toEqual(['a']);
    expect(await new Fence(pool, log, 'g', quiet).take([3], () => true)).toEqual([
      { topic: 'in', partition: 3, offset: 7 },
    ]);
  });

  it('lets a replaced owner write nothing', async () => {
    const old = new Fence(pool, log, 'g', quiet);
    await old.take([3], () => true);
    await new Fence(pool, log, 'g', quiet).take([3], () => true);
    await expect(
      old.transact({ partitions: [3], emit: [{ partition: 3, record: record('a') }], ...effect(1) }),
    ).rejects.toThrow(OwnershipLost);
    expect(await effects()).toEqual([]);
    expect(await written()).toEqual([]);
  });

  it('commits nothing where one statement fails, says which, and goes on', async () => {
    const fence = new Fence(pool, log, 'g', quiet);
    await fence.take([3], () => true);
    const failing = fence.transact({
      next: [{ topic: 'in', partition: 3, offset: 1 }],
      emit: [{ partition: 3, record: record('a') }],
      write: (transaction) => {
        transaction.add('INSERT INTO effect VALUES ($1)', [1]);
        transaction.add(`SELECT assert_true($1, 'the moon is full')`, [false]);
        transaction.add('INSERT INTO effect VALUES ($1)', [2]);
      },
    });
    await expect(failing).rejects.toThrow('the moon is full');
    expect([await effects(), await written()]).toEqual([[], []]);
    await fence.transact({ next: [{ topic: 'in', partition: 3, offset: 1 }], ...effect(3) });
    expect(await effects()).toEqual([3]);
  });

  it('gives answers only after the commit', async () => {
    const fence = new Fence(pool, log, 'g', quiet);
    await fence.take([3], () => true);
    const answers: unknown[] = [];
    const returning = (n: number, then?: string) =>
      fence.transact({
        partitions: [3],
        write: (transaction) => {
          transaction.add('INSERT INTO effect VALUES ($1) RETURNING n', [n], (rows) => answers.push(...rows));
          if (then) transaction.add(then, []);
        },
      });
    await returning(1);
    await expect(returning(2, 'SELECT 1 / 0')).rejects.toThrow('division by zero');
    expect(answers).toEqual([{ n: 1 }]);
  });

  it('takes a commit whose answer was lost for what it was', async () => {
    for (const landed of [true, false]) {
      const n = landed ? 1 : 2;
      let lose = false;
      const flaky = losingCommits(pool, () => (lose ? ((lose = false), landed ? 'after' : 'before') : 'never'));
      const fence = new Fence(flaky, log, `g${n}`, quiet);
      await fence.take([3], () => true);
      lose = true;
      await fence.transact({ partitions: [3], emit: [{ partition: 3, record: record(`r${n}`) }], ...effect(n) });
      expect(lose).toBe(false);
      expect((await effects()).filter((each) => each === n)).toEqual([n]);
      expect((await written()).filter((each) => each === `r${n}`)).toEqual([`r${n}`]);
      await fence.transact({ partitions: [3], ...effect(10 + n) });
    }
    expect(await effects()).toEqual([1, 2, 11, 12]);
  });

  it('stores what caused a transaction', async () => {
    const fence = new Fence(pool, log, 'g', quiet);
    await fence.take([3], () => true);
    await fence.transact({ next: [{ topic: 'in', partition: 3, offset: 2 }], cause: { kind: 'records' } });
    await fence.transact({ partitions: [3], cause: { kind: 'quote', quoteId: 'w:9' } });
    const { rows } = await pool.query('SELECT version, cause FROM cause ORDER BY version');
    expect(rows).toEqual([
      { version: 1, cause: { kind: 'records', from: {}, to: { in: 2 } } },
      { version: 2, cause: { kind: 'quote', quoteId: 'w:9' } },
    ]);
  });

  describe('with a log outside the database', () => {
    it('relays committed records in order, through failures of the log, and deletes what is acknowledged', async () => {
      const outside = new OutsideLog(log);
      outside.failures = 2;
      const fence = new Fence(pool, outside as unknown as EventLog, 'g', quiet);
      await fence.take([3], () => true);
      for (const value of ['a', 'b', 'c'])
        await fence.transact({ partitions: [3], emit: [{ partition: 3, record: record(value) }] });
      await fence.flush(5_000);
      expect(outside.sent).toEqual(['a', 'b', 'c']);
      expect((await pool.query('SELECT FROM outbox')).rowCount).toBe(0);
    });

    it('sends what the last owner left before anything else', async () => {
      const dead = new OutsideLog(log);
      dead.failures = Infinity;
      const first = new Fence(pool, dead as unknown as EventLog, 'g', quiet);
      await first.take([3], () => true);
      await first.transact({ partitions: [3], emit: [{ partition: 3, record: record('left') }] });
      first.drop([3]);

      const outside = new OutsideLog(log);
      const second = new Fence(pool, outside as unknown as EventLog, 'g', quiet);
      await second.take([3], () => true);
      await second.transact({ partitions: [3], emit: [{ partition: 3, record: record('new') }] });
      await second.flush(5_000);
      expect(outside.sent).toEqual(['left', 'new']);
    });

    it('deletes what owners in turn have left, whoever of them sent it', async () => {
      const emit = (value: string) => ({ partitions: [3], emit: [{ partition: 3, record: record(value) }] });
      const one = new Fence(pool, new OutsideLog(log) as unknown as EventLog, 'g', quiet);
      await one.take([3], () => true);
      await one.transact(emit('a'));
      await one.flush(5_000);
      one.drop([3]);
      const dead = new OutsideLog(log);
      dead.failures = Infinity;
      const other = new Fence(pool, dead as unknown as EventLog, 'g', quiet);
      await other.take([3], () => true);
      await other.transact(emit('b'));
      other.drop([3]);

      await one.take([3], () => true);
      await one.transact(emit('c'));
      await one.flush(5_000);
      expect(await written()).toEqual(['a', 'b', 'c']);
      expect((await pool.query('SELECT FROM outbox')).rowCount).toBe(0);
    });

    it('does not read again what was deleted before, which the index keeps until a vacuum', async () => {
      const rounds = 100;
      await pool.query('ALTER TABLE outbox SET (autovacuum_enabled = false)');
      const own = createPool({ connectionString: database.connectionString, applicationName: 'own', max: 2 });
      const fence = new Fence(own, new OutsideLog(log) as unknown as EventLog, 'g', quiet);
      await fence.take([3], () => true);
      for (let round = 0; round < rounds; round += 1) {
        await fence.transact({ partitions: [3], emit: [{ partition: 3, record: record('a') }] });
        await fence.flush(5_000);
      }
      // Connections tell what they have done at their end at the latest.
      await own.end();
      const { rows } = await eventually(
        () =>
          pool.query<{ deleted: number; read: number }>(
            `SELECT t.n_tup_del::int AS "deleted", i.idx_tup_read::int AS "read"
               FROM pg_stat_user_tables t JOIN pg_stat_user_indexes i USING (relid) WHERE t.relname = 'outbox'`,
          ),
        ({ rows: [stats] }) => stats?.deleted === rounds,
      );
      expect(rows[0]!.read).toBeLessThan(3 * rounds);
    });

    it('sends nothing while its session has run out', async () => {
      const outside = new OutsideLog(log);
      let alive = false;
      const fence = new Fence(pool, outside as unknown as EventLog, 'g', quiet);
      await fence.take([3], () => alive);
      await fence.transact({ partitions: [3], emit: [{ partition: 3, record: record('a') }] });
      await fence.flush(200);
      expect(outside.sent).toEqual([]);
      alive = true;
      await fence.flush(5_000);
      expect(outside.sent).toEqual(['a']);
    });
  });
});

/** A log that does not share the database, as Kafka is. */
class OutsideLog {
  readonly transactional = undefined;
  readonly sent: string[] = [];
  failures = 0;

  constructor(private readonly inner: EventLog) {}

  async append(records: readonly NewRecord[]): Promise<void> {
    if (this.failures > 0) {
      this.failures -= 1;
      throw new LogUnavailable('away');
    }
    await this.inner.append(records);
    this.sent.push(...records.map((each) => each.value.toString()));
  }
}

/** A pool whose transactions meet a broken connection, before or after they are committed. */
function losingCommits(inner: pg.Pool, when: () => 'before' | 'after' | 'never'): pg.Pool {
  const broken = new Error('Connection terminated unexpectedly');
  const connect = async () => {
    const client = await inner.connect();
    return {
      query: (query: string | SentTransaction, values?: unknown[]) => {
        const fault = typeof query === 'string' ? 'never' : when();
        if (fault === 'before') return (query as SentTransaction).handleError(broken);
        if (fault === 'after') {
          Object.assign(query, { handleReadyForQuery: () => (query as SentTransaction).handleError(broken) });
        }
        return client.query(query as string, values);
      },
      release: (error?: Error) => client.release(error),
    };
  };
  return { connect, query: inner.query.bind(inner) } as unknown as pg.Pool;
}

/** What `sendTransaction` gives to the client. */
interface SentTransaction {
  handleError(error: Error): void;
}
