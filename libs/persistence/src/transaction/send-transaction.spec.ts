import { testDatabase } from '@tickwire/testing';
import type { TestDatabase } from '@tickwire/testing';
import type pg from 'pg';
import { parameterValues } from '../parameters/parameter-values.js';
import { createPool } from '../pool/create-pool.js';
import { sendTransaction, type TransactionStatement } from './send-transaction.js';

let database: TestDatabase;
let pool: pg.Pool;
let client: pg.PoolClient;
beforeAll(async () => {
  database = await testDatabase();
  pool = createPool({ connectionString: database.connectionString, applicationName: 'spec', max: 2 });
  await pool.query('CREATE TABLE "line" ("id" int PRIMARY KEY, "words" text[])');
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});
beforeEach(async () => {
  await pool.query('TRUNCATE "line"');
  client = await pool.connect();
});
afterEach(() => client.release());

function statement(text: string, values: unknown[] = [], wantsRows = false): TransactionStatement {
  return { text, values: parameterValues(text, values), wantsRows };
}

function insert(id: number, words: string[] | null = null): TransactionStatement {
  return statement('INSERT INTO "line" VALUES ($1, $2::text[])', [id, words]);
}

const ids = (wantsRows = true): TransactionStatement => statement('SELECT "id" FROM "line" ORDER BY 1', [], wantsRows);

async function stored(): Promise<unknown[]> {
  return (await pool.query<{ id: number }>('SELECT "id" FROM "line" ORDER BY 1')).rows.map(({ id }) => id);
}

/** Several statements, one round trip: how often the server said that it was ready for the next. */
async function answersOf(work: () => Promise<unknown>): Promise<number> {
  const { connection } = client as unknown as { connection: NodeJS.EventEmitter };
  let count = 0;
  const onReady = (): void => void (count += 1);
  connection.on('readyForQuery', onReady);
  await work();
  connection.off('readyForQuery', onReady);
  return count;
}

describe('sendTransaction', () => {
  it('works through its statements in order, each seeing what those before it wrote, with one answer', async () => {
    const answers = await answersOf(async () => {
      const rows = await sendTransaction(client, [
        ids(),
        insert(1, ['a "b"', '{}']),
        ids(),
        insert(2),
        ids(false),
        ids(),
      ]);
      expect(rows).toEqual([[], [], [{ id: 1 }], [], [], [{ id: 1 }, { id: 2 }]]);
    });
    expect(answers).toBe(1);
    expect((await pool.query('SELECT "words" FROM "line" WHERE "id" = 1')).rows).toEqual([{ words: ['a "b"', '{}'] }]);
  });

  it('says when it is on its way', async () => {
    let isSent = false;
    const sending = sendTransaction(client, [insert(1)], () => (isSent = true));
    expect(isSent).toBe(true);
    await sending;
  });

  it.each([
    ['the last one', [insert(1), insert(2), insert(1)]],
    ['the first one', [statement('SELECT 1/0'), insert(1)]],
    ['one that cannot be parsed', [insert(1), statement('SELECT FROM WHERE'), insert(2)]],
    ['one with a value of another type', [insert(1), statement('SELECT $1::int', ['x']), insert(2)]],
  ])('writes nothing when %s fails, and the connection goes on', async (_, statements) => {
    await expect(sendTransaction(client, statements)).rejects.toMatchObject({
      code: expect.stringMatching(/^[0-9A-Z]{5}$/),
    });
    expect(await stored()).toEqual([]);
    // Statements that were prepared before the failure and those that were not reached.
    await sendTransaction(client, [insert(3), statement('SELECT 42 AS "answer"'), insert(4)]);
    await sendTransaction(client, [insert(5)]);
    expect(await stored()).toEqual([3, 4, 5]);
  });

  it('tells of a connection that ends before the answer with an error that is not the server saying no', async () => {
    const wait = statement('SELECT pg_sleep(30)');
    const failure = sendTransaction(client, [insert(1), wait]).catch((error: unknown) => error);
    const { rows } = await pool.query<{ pid: number }>(
      `SELECT pid FROM pg_stat_activity WHERE application_name = 'spec' AND pid <> pg_backend_pid()`,
    );
    await pool.query('SELECT pg_terminate_backend($1)', [rows[0]!.pid]);
    expect(await failure).toMatchObject({ code: '57P01' });
    expect(await stored()).toEqual([]);
    client.release(true);
    client = await pool.connect();
  });

  it('has committed when a row cannot be read', async () => {
    const large = statement('SELECT 9007199254740993::bigint AS "large"', [], true);
    await expect(sendTransaction(client, [insert(1), large, insert(2)])).rejects.toThrow(RangeError);
    expect(await stored()).toEqual([1, 2]);
    expect(await sendTransaction(client, [ids()])).toEqual([[{ id: 1 }, { id: 2 }]]);
  });

  it('keeps its place among other queries on the connection', async () => {
    const [before, rows, after] = await Promise.all([
      client.query('SELECT 1 AS "n"'),
      sendTransaction(client, [insert(1), ids()]),
      client.query('SELECT count(*) AS "n" FROM "line"'),
    ]);
    expect([before.rows, rows, after.rows]).toEqual([[{ n: 1 }], [[], [{ id: 1 }]], [{ n: 1 }]]);
  });
});
