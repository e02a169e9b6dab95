import { accountControl, configChanged } from '@tickwire/contracts';
import { LogUnavailable, type EventLog, type LogRecord, type NewRecord } from '@tickwire/event-log';
import { testDatabase, type TestDatabase } from '@tickwire/testing';
import {
  newAccount,
  newTenant,
  newWorld,
  quiet,
  runApi,
  until,
  type RunningTestApi,
  type TestTenant,
} from '../../fixtures/running-api.js';
import { ConfigurationRelay } from './configuration-relay.js';

let database: TestDatabase;
let api: RunningTestApi;
let tenant: TestTenant;
let outside: OutsideLog;

/** A log that does not share the database, as Kafka is; it can refuse, or lose its answer after having taken the records. */
class OutsideLog {
  failures = 0;
  lostAnswers = 0;
  readonly sent: NewRecord[][] = [];
  log: EventLog | undefined;

  around = (inner: EventLog): EventLog => {
    const append = async (records: readonly NewRecord[]): Promise<void> => {
      const isHeartbeat = records.every(({ value }) => String(value).includes('"heartbeat"'));
      if (!isHeartbeat && this.failures > 0) {
        this.failures -= 1;
        throw new LogUnavailable('away');
      }
      await inner.append(records);
      if (!isHeartbeat) this.sent.push([...records]);
      if (!isHeartbeat && this.lostAnswers > 0) {
        this.lostAnswers -= 1;
        throw new LogUnavailable('no answer');
      }
    };
    this.log = new Proxy(inner, {
      get: (target, name) => {
        if (name === 'transactional') return undefined;
        if (name === 'append') return append;
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    return this.log;
  };
}

const outbox = async (): Promise<number> => (await api.pool.query('SELECT FROM config_outbox')).rowCount!;

describe('with a log outside the database', () => {
  beforeAll(async () => {
    database = await testDatabase();
    outside = new OutsideLog();
    api = await runApi(database, { around: outside.around });
    tenant = await newTenant(api);
  });

  afterAll(async () => {
    await api.close();
    await database.drop();
  });

  it('sends what was committed in the order of its commits, through failures and lost answers, and deletes it', async () => {
    const world = await newWorld(api);
    const id = await newAccount(api, tenant, world);
    await until(async () => (await outbox()) === 0);
    outside.failures = 2;
    outside.lostAnswers = 1;
    const statuses = ['suspended', 'active', 'suspended', 'closed'];
    for (const status of statuses) await api.call('PATCH', `/accounts/${id}`, { key: tenant.key, body: { status } });
    await until(async () => (await outbox()) === 0);
    const versions = (await api.appended(accountControl))
      .filter(({ data }) => data.accountId === id)
      .map(({ data }) => data.version);
    // A lost answer sends the same records again: the same versions, never a gap, never an older one for the first time.
    expect([...new Set(versions)]).toEqual([1, 2, 3, 4, 5]);
    expect(versions.length).toBeGreaterThanOrEqual(5);
    const ids = (await api.appended(accountControl)).map((event) => event.id);
    expect(new Set(ids).size).toBe(new Set(versions).size);
  });

  it('numbers records of many changes at once without gaps, partition by partition', async () => {
    outside.failures = Infinity;
    await Promise.all(
      Array.from({ length: 20 }, (_, n) => api.call('POST', '/bots', { key: tenant.key, body: { name: `b${n}` } })),
    );
    const { rows } = await api.pool.query<{ topic: string; partition: number; sequences: number[]; next: number }>(
      `SELECT o.topic, o.partition, array_agg(o.sequence ORDER BY o.sequence) AS sequences, h.next
         FROM config_outbox o JOIN config_head h USING (topic, partition) GROUP BY 1, 2, h.next`,
    );
    expect(rows).toHaveLength(1);
    const [{ sequences, next }] = rows as [(typeof rows)[0]];
    expect(sequences).toEqual(Array.from({ length: 20 }, (_, n) => next - 20 + n));
    outside.failures = 0;
    await until(async () => (await outbox()) === 0);
    const names = (await api.appended(configChanged)).filter(({ data }) => data.entity === 'bot');
    expect(names).toHaveLength(20);
  });

  it('leaves nothing behind of a change that was refused', async () => {
    const before = outside.sent.flat().length;
    expect(
      (await api.call('POST', '/bots', { key: tenant.key, body: { name: 'x', accountIds: ['acc_none'] } })).status,
    ).toBe(422);
    expect(await outbox()).toBe(0);
    expect(outside.sent.flat().length).toBe(before);
  });

  it('lets one process relay; another takes over when its session ends, and first sends what is left', async () => {
    const second = new ConfigurationRelay(api.pool, outside.log!, quiet, Date.now, { heartbeatMs: 50, pollMs: 20 });
    second.start();
    const name = 'takeover';
    outside.failures = Infinity;
    await api.call('POST', '/bots', { key: tenant.key, body: { name } });
    expect([second.leads(), await outbox()]).toEqual([false, 1]);
    // The first relay's session ends, as with a killed process or a database that has restarted.
    await api.pool.query(
      `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = $1::bigint::oid AND pid <> pg_backend_pid()`,
      [0x7469636b],
    );
    outside.failures = 0;
    await until(async () => (await outbox()) === 0);
    await until(
      async () =>
        (
          await api.pool.query(
            `SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = $1::bigint::oid`,
            [0x7469636b],
          )
        ).rowCount === 1,
    );
    await second.stop();
  });
});

describe('heartbeats', () => {
  const heartbeats = async (): Promise<LogRecord[]> => {
    const bounds = await api.log.bounds(['config.changed']);
    const records = await Promise.all(bounds.map((bound) => api.log.read({ ...bound, offset: bound.start }, 1_000)));
    return records.flat().filter(({ value }) => value.includes('"heartbeat"'));
  };

  beforeEach(async () => {
    database = await testDatabase();
    api = await runApi(database);
  });

  afterEach(async () => {
    await api.close();
    await database.drop();
  });

  it('go to every partition, on and on, while nothing happens', async () => {
    await until(async () => (await heartbeats()).length >= 36);
    const partitions = (await heartbeats()).map((record) => record.partition);
    for (let partition = 0; partition < 12; partition += 1) {
      expect(partitions.filter((each) => each === partition).length).toBeGreaterThanOrEqual(3);
    }
    const times = (await heartbeats()).filter((record) => record.partition === 0).map((record) => record.timestampMs);
    expect(times[1]! - times[0]!).toBeGreaterThan(300);
  });

  it('stop while the database is away, although the log could still be reached, and begin again', async () => {
    let away = false;
    const pool = {
      connect: async () => {
        if (away) throw new Error('the database is away');
        const client = await api.pool.connect();
        return {
          query: (text: string, values?: unknown[]) =>
            away ? Promise.reject(new Error('the database is away')) : client.query(text, values),
          release: (error?: Error) => client.release(error),
        };
      },
    };
    await api.close(); // its own relay gives the lock back
    let beats = 0;
    const log = {
      partitionCount: 12,
      append: (records: readonly NewRecord[]) => {
        beats += records.length / 12;
        return Promise.resolve();
      },
    };
    const relay = new ConfigurationRelay(pool as never, log as unknown as EventLog, quiet, Date.now, {
      heartbeatMs: 10,
      pollMs: 10,
    });
    relay.start();
    await until(() => beats >= 3);
    away = true;
    await until(() => !relay.leads());
    const before = beats;
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(beats).toBe(before);
    away = false;
    await until(() => beats > before);
    await relay.stop();
    api = await runApi(database);
  });
});
