import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createPool, migrate, startEmbeddedPostgres } from '@tickwire/persistence';
import pg from 'pg';

export interface TestDatabase {
  /** For one spec alone; as superuser. */
  connectionString: string;
  /** One pool of five connections, made at the first call; `drop` ends it. */
  pool(): pg.Pool;
  /** Ends `pool()` and drops the database, whoever is still connected. */
  drop(): Promise<void>;
}

/** Set by `global-setup.mjs`: where this run's server lives, once somebody needs it. */
const FOLDER_VARIABLE = 'TICKWIRE_TEST_POSTGRES';
const TEMPLATE = 'tickwire_template';
const START_TIMEOUT_MS = 60_000;

/**
 * A fresh, migrated database on the one Postgres of this Jest run. The first call of the run starts the server (about
 * 2 s); each database is a copy of a template (some 50 ms). Commits are not synced: a test survives no power cut.
 *
 * @example
 * let database: TestDatabase;
 * beforeAll(async () => { database = await testDatabase(); });
 * afterAll(() => database.drop());
 */
export async function testDatabase(): Promise<TestDatabase> {
  const server = await sharedServer();
  const name = `test_${process.pid}_${randomBytes(6).toString('hex')}`;
  await asAdmin(server, `CREATE DATABASE "${name}" TEMPLATE "${TEMPLATE}"`);
  const connectionString = databaseUrl(server, name);
  let pool: pg.Pool | undefined;
  return {
    connectionString,
    pool: () => (pool ??= createPool({ connectionString, max: 5, applicationName: 'test' })),
    drop: async () => {
      await pool?.end();
      pool = undefined;
      await asAdmin(server, `DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`);
    },
  };
}

/** @returns the server's connection string; the first worker to ask starts it, the others wait */
async function sharedServer(): Promise<string> {
  const folder = process.env[FOLDER_VARIABLE];
  if (folder === undefined) {
    throw new Error(
      'testDatabase() needs globalSetup: <rootDir>/libs/testing/src/postgres/global-setup.mjs in the Jest configuration',
    );
  }
  const ready = path.join(folder, 'server.url');
  const deadline = performance.now() + START_TIMEOUT_MS;
  if (await claimStart(folder)) return startServer(folder, ready);
  while (performance.now() < deadline) {
    const url = await readFile(ready, 'utf8').catch(() => undefined);
    if (url?.startsWith('error ')) throw new Error(`The test Postgres did not start: ${url.slice(6)}`);
    if (url !== undefined) return url;
    await sleep(20);
  }
  throw new Error(`The test Postgres in ${folder} was not ready within ${START_TIMEOUT_MS} ms`);
}

/** mkdir fails for all but one. */
async function claimStart(folder: string): Promise<boolean> {
  return mkdir(path.join(folder, 'starting')).then(
    () => true,
    () => false,
  );
}

async function startServer(folder: string, ready: string): Promise<string> {
  const publish = async (text: string): Promise<void> => {
    await writeFile(`${ready}.draft`, text, { mode: 0o600 });
    await rename(`${ready}.draft`, ready);
  };
  try {
    const server = await startEmbeddedPostgres({
      dataDir: path.join(folder, 'data'),
      settings: { fsync: 'off', full_page_writes: 'off', log_min_messages: 'fatal' },
      outlivesProcess: true, // workers come and go; global-teardown.mjs ends it
    });
    await asAdmin(server.connectionString, `CREATE DATABASE "${TEMPLATE}"`);
    await migrate(databaseUrl(server.connectionString, TEMPLATE));
    await publish(server.connectionString);
    return server.connectionString;
  } catch (error) {
    await publish(`error ${String(error)}`);
    throw error;
  }
}

async function asAdmin(connectionString: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

function databaseUrl(connectionString: string, database: string): string {
  const url = new URL(connectionString);
  url.pathname = `/${database}`;
  return url.href;
}
