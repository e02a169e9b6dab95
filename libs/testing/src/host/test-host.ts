import { PostgresEventLog, type EventLog, type LogRecord } from '@tickwire/event-log';
import { allTopics, decodeEvent, type AppName, type EventDefinition, type EventEnvelope } from '@tickwire/contracts';
import { createLogger, ManagementServer, type AppHost } from '@tickwire/runtime';
import { testDatabase, type TestDatabase } from '../postgres/test-database.js';

export interface TestHost extends AppHost {
  database: TestDatabase;
  /** What the app sees as the present; set it to move its clock. Starts as the real one. */
  clock: { nowMs?: number };
  /** Closes log and database. Stop the app first. */
  close(): Promise<void>;
  /** Another host on the same database, as a second process would have. */
  another(app?: AppName): Promise<TestHost>;
}

/** A host on a fresh database with the Postgres log: what `openHost` gives an app, without ports and noise. */
export async function testHost(
  app: AppName,
  options: { database?: TestDatabase; wrapLog?: (log: EventLog) => EventLog } = {},
): Promise<TestHost> {
  const database = options.database ?? (await testDatabase());
  const logger = createLogger({ app, level: (process.env['TEST_LOG_LEVEL'] ?? 'silent') as 'silent', pretty: false });
  const { connectionString } = database;
  const inner = await PostgresEventLog.connect({ pool: database.pool(), connectionString, clientId: app, log: logger });
  await inner.ensureTopics(allTopics());
  const clock: TestHost['clock'] = {};
  return {
    app,
    logger,
    pool: database.pool(),
    log: options.wrapLog?.(inner) ?? inner,
    management: new ManagementServer({ port: 0 }),
    now: () => clock.nowMs ?? Date.now(),
    clock,
    database,
    close: async () => {
      await inner.close();
      if (!options.database) await database.drop();
    },
    another: (name = app) => testHost(name, { database }),
  };
}

/** Everything on a topic, in log order within a partition. */
export async function recordsOf(log: EventLog, topic: string): Promise<LogRecord[]> {
  const bounds = await log.bounds([topic]);
  const stretches = await Promise.all(
    bounds.map(({ partition, start, end }) =>
      end > start ? log.read({ topic, partition, offset: start }, end - start) : [],
    ),
  );
  return stretches.flat();
}

export async function eventsOn<T extends object>(
  log: EventLog,
  definition: EventDefinition<T>,
): Promise<EventEnvelope<T>[]> {
  return (await recordsOf(log, definition.topic)).map(
    (record) => decodeEvent(record.topic, record.value) as EventEnvelope<T>,
  );
}

/** Waits until `read` gives a value that `enough` accepts. @throws Error naming what was last seen */
export async function eventually<T>(
  read: () => Promise<T> | T,
  enough: (value: T) => boolean,
  timeoutMs = 15_000,
): Promise<T> {
  const until = performance.now() + timeoutMs;
  for (;;) {
    const value = await read();
    if (enough(value)) return value;
    if (performance.now() > until)
      throw new Error(`Not so within ${timeoutMs} ms; last seen: ${JSON.stringify(value)?.slice(0, 500)}`);
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
}
