import { testDatabase, type TestDatabase } from '@tickwire/testing';
import type { PoolClient } from 'pg';
import type { LogSink, NewRecord } from '../port.js';
import { PostgresEventLog } from './postgres-event-log.js';

const quiet: LogSink = { info: () => undefined, warn: () => undefined, error: () => undefined };

describe("appending inside a caller's transaction", () => {
  let database: TestDatabase;
  let log: PostgresEventLog;
  const clients: PoolClient[] = [];

  const record = (topic: string, partition: number, value: string): NewRecord => ({
    topic,
    key: 'k',
    value,
    partition,
  });
  const begin = async (): Promise<PoolClient> => {
    const client = await database.pool().connect();
    clients.push(client);
    await client.query('BEGIN');
    return client;
  };
  const end = async (client: PoolClient, how: 'COMMIT' | 'ROLLBACK'): Promise<void> => {
    await client.query(how);
    client.release();
    clients.splice(clients.indexOf(client), 1);
  };
  const appendIn = async (client: PoolClient, ...records: NewRecord[]): Promise<() => void> => {
    const { text, values, committed } = log.transactional.append(records);
    const { rows } = await client.query<object>(text, [...values]);
    return () => committed(rows);
  };
  const values = async (topic: string, partition: number): Promise<[number, string][]> =>
    (await log.read({ topic, partition, offset: 0 }, 100)).map(({ offset, value }) => [offset, value.toString()]);
  /** Until a connection waits for a lock that another one holds. */
  const somebodyWaits = async (): Promise<void> => {
    for (;;) {
      const { rowCount } = await database
        .pool()
        .query(`SELECT FROM pg_stat_activity WHERE "datname" = current_database() AND "wait_event_type" = 'Lock'`);
      if (rowCount! > 0) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };

  beforeAll(async () => {
    database = await testDatabase();
    log = await PostgresEventLog.connect({
      pool: database.pool(),
      connectionString: database.connectionString,
      clientId: 'transactional-append-spec',
      log: quiet,
    });
    await log.ensureTopics(['undone', 'ordered', 'apart', 'crossed', 'woken'].map((name) => ({ name })));
  });

  afterAll(async () => {
    for (const client of clients) client.release(true);
    await log.close();
    await database.drop();
  });

  it('leaves no record and no gap when the transaction is rolled back', async () => {
    await log.append([record('undone', 0, 'before')]);
    const client = await begin();
    await appendIn(client, record('undone', 0, 'lost'), record('undone', 0, 'lost too'));
    await end(client, 'ROLLBACK');
    await log.append([record('undone', 0, 'after')]);
    expect(await values('undone', 0)).toEqual([
      [0, 'before'],
      [1, 'after'],
    ]);
  });

  it('shows a partition in order: a later record waits until the one before it is committed', async () => {
    const first = await begin();
    await appendIn(first, record('ordered', 0, 'first'));
    const second = log.append([record('ordered', 0, 'second')]);
    await somebodyWaits();
    expect(await values('ordered', 0)).toEqual([]);
    await end(first, 'COMMIT');
    await second;
    expect(await values('ordered', 0)).toEqual([
      [0, 'first'],
      [1, 'second'],
    ]);
  });

  it('holds up no other partition', async () => {
    const slow = await begin();
    await appendIn(slow, record('apart', 0, 'slow'));
    await log.append([record('apart', 1, 'quick')]);
    expect(await values('apart', 1)).toEqual([[0, 'quick']]);
    await end(slow, 'COMMIT');
  });

  it('does not deadlock with another that names the same partitions the other way round', async () => {
    const partitions = [0, 1, 2, 3, 4, 5];
    const rounds = Array.from({ length: 20 }, (_, n) => n);
    const write = async (order: readonly number[]): Promise<void> => {
      for (const round of rounds) {
        const client = await begin();
        await appendIn(client, ...order.map((partition) => record('crossed', partition, String(round))));
        await end(client, 'COMMIT');
      }
    };
    await Promise.all([write(partitions), write([...partitions].reverse())]);
    for (const partition of partitions) {
      const offsets = (await values('crossed', partition)).map(([offset]) => offset);
      expect(offsets).toEqual(Array.from({ length: 2 * rounds.length }, (_, n) => n));
    }
  });

  it('wakes readers when told that the transaction is committed', async () => {
    const heard: string[] = [];
    const reader = await log.broadcast({
      topics: ['woken'],
      from: 'end',
      handle: (records) => void heard.push(...records.map(({ value }) => value.toString())),
    });
    const client = await begin();
    const wake = await appendIn(client, record('woken', 0, 'hello'));
    await end(client, 'COMMIT');
    wake();
    while (heard.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(heard).toEqual(['hello']);
    await reader.close();
  });
});
