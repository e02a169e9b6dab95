import { TransientError } from '@tickwire/errors';
import { testDatabase } from '@tickwire/testing';
import type { TestDatabase } from '@tickwire/testing';
import type pg from 'pg';
import { isConnectionError, toTransient } from './connection-error.js';
import { createPool } from './create-pool.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.drop());

let pool: pg.Pool | undefined;
afterEach(async () => {
  await pool?.end();
  pool = undefined;
});

function open(options: Partial<Parameters<typeof createPool>[0]> = {}): pg.Pool {
  pool = createPool({ connectionString: database.connectionString, applicationName: 'spec', ...options });
  return pool;
}

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  const [result] = await Promise.allSettled([work]);
  if (result.status === 'fulfilled') throw new Error('should have failed');
  return result.reason as unknown;
}

describe('createPool', () => {
  it('gives int8 as numbers, single and in arrays, and counts likewise', async () => {
    const { rows } = await open().query(
      `SELECT 9007199254740991::bigint AS big, ARRAY[1, NULL, -2]::bigint[] AS list, '{}'::bigint[] AS none, count(*) AS n FROM (VALUES (1), (2)) v`,
    );
    expect(rows).toEqual([{ big: 9007199254740991, list: [1, null, -2], none: [], n: 2 }]);
  });

  it('fails a query rather than losing digits, and the connection stays usable', async () => {
    open({ max: 1 });
    await expect(pool?.query('SELECT 9007199254740993::bigint')).rejects.toThrow(RangeError);
    expect((await pool?.query<{ n: number }>('SELECT 1::bigint AS n'))?.rows).toEqual([{ n: 1 }]);
  });

  it('leaves other pools and other types as they are', async () => {
    const { rows } = await open().query(
      `SELECT 1.50::numeric AS price, '{"a": 1}'::jsonb AS json, '\\x01'::bytea AS bytes`,
    );
    expect(rows).toEqual([{ price: '1.50', json: { a: 1 }, bytes: Buffer.from([1]) }]);
  });

  it('cancels a statement that takes too long, as a transient error', async () => {
    const error = toTransient(await failureOf(open({ statementTimeoutMs: 50 }).query('SELECT pg_sleep(10)')));
    expect(error).toBeInstanceOf(TransientError);
  });

  it('survives the end of its connections, idle or checked out, and opens new ones', async () => {
    const idleErrors: Error[] = [];
    open({ max: 2, onIdleError: (error) => idleErrors.push(error) });
    const held = await pool!.connect();
    const idle = await pool!.connect();
    idle.release();
    const gone = new Promise((resolve) => idle.once('end', resolve));
    await database
      .pool()
      .query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'spec' AND datname = current_database()`,
      );
    await gone;
    const error = await failureOf(held.query('SELECT 1'));
    held.release(true);
    expect(isConnectionError(error)).toBe(true);
    expect(idleErrors).toHaveLength(1);
    expect((await pool!.query<{ one: number }>('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  });

  it('calls a refused connection transient', async () => {
    open({ connectionString: 'postgresql://tickwire:x@127.0.0.1:1/none' });
    expect(toTransient(await failureOf(pool!.query('SELECT 1')))).toBeInstanceOf(TransientError);
  });

  it('calls a deadlock transient and a broken statement a bug', async () => {
    open();
    const [one, two] = await Promise.all([pool!.connect(), pool!.connect()]);
    await one.query('BEGIN; SELECT pg_advisory_xact_lock(1)');
    await two.query('BEGIN; SELECT pg_advisory_xact_lock(2)');
    const results = await Promise.allSettled([
      one.query('SELECT pg_advisory_xact_lock(2)'),
      two.query('SELECT pg_advisory_xact_lock(1)'),
    ]);
    const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
    expect(errors.map((error) => TransientError.is(toTransient(error)))).toEqual([true]);
    await Promise.all([one.query('ROLLBACK'), two.query('ROLLBACK')]);
    one.release();
    two.release();
    const bug = await failureOf(pool!.query('SELEC 1'));
    expect(toTransient(bug)).toBe(bug);
  });
});

describe('isConnectionError', () => {
  it.each([
    ['a code of the network', { code: 'ECONNREFUSED' }],
    ['class 08', { code: '08006' }],
    ['a full disk', { code: '53100' }],
    ['a serialization failure', { code: '40001' }],
    ['a server that starts up', { code: '57P03' }],
    ['a closed connection of pg', new Error('Connection terminated unexpectedly')],
    ['a code of Prisma', { code: 'P1001' }],
    [
      'what the driver adapter wraps',
      { name: 'DriverAdapterError', cause: { kind: 'postgres', originalCode: '57P01' } },
    ],
    ['a conflict in the driver adapter', { cause: { kind: 'TransactionWriteConflict' } }],
    ['all addresses of a host failing', new AggregateError([{ code: 'ECONNREFUSED' }, { code: 'ETIMEDOUT' }])],
    ['one wrapped in another', new Error('x', { cause: new Error('y', { cause: { code: '08001' } }) })],
  ])('knows %s', (_, error) => {
    expect(isConnectionError(error)).toBe(true);
    expect(toTransient(error)).toMatchObject({ retriable: true, cause: error });
  });

  it.each([
    ['a unique violation', { code: '23505' }],
    ['a syntax error', { code: '42601' }],
    ["a unique violation of Prisma's", { code: 'P2002' }],
    ['an empty collection', new AggregateError([])],
    ['a text', 'ECONNREFUSED'],
    ['nothing', undefined],
  ])('leaves %s as it is', (_, error) => {
    expect(isConnectionError(error)).toBe(false);
    expect(toTransient(error)).toBe(error);
  });

  it('does not wrap twice', () => {
    const error = new TransientError('down');
    expect(toTransient(error)).toBe(error);
  });
});
