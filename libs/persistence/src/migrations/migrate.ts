import { createHash, randomUUID } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';

export interface MigrateOptions {
  /** Folder in Prisma's layout, `<name>/migration.sql`. Default: this package's own. */
  folder?: string;
  /** How long another process may take with its migrations before we give up, ms. Default 60 000. */
  lockTimeoutMs?: number;
}

/** The database and the migrations folder disagree, or a migration failed: an operator has to look. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';
}

/** The lock that Prisma's own `migrate deploy` takes, so that it and we wait for each other. */
const ADVISORY_LOCK = 72_707_369;

/** The same place from `src/migrations` and from `dist/migrations`. */
const OWN_FOLDER = fileURLToPath(new URL('../../prisma/migrations', import.meta.url));

/** Column for column Prisma's, so that its CLI accepts the database. */
const BOOKKEEPING = `
CREATE TABLE IF NOT EXISTS "_prisma_migrations" (
  "id" VARCHAR(36) PRIMARY KEY NOT NULL,
  "checksum" VARCHAR(64) NOT NULL,
  "finished_at" TIMESTAMPTZ,
  "migration_name" VARCHAR(255) NOT NULL,
  "logs" TEXT,
  "rolled_back_at" TIMESTAMPTZ,
  "started_at" TIMESTAMPTZ NOT NULL DEFAULT now(),
  "applied_steps_count" INTEGER NOT NULL DEFAULT 0
)`;

/**
 * Brings the database to the newest migration, as `prisma migrate deploy` would: in the order of their names, one
 * transaction each together with its bookkeeping row. Any number of processes may call it at once: one works, the
 * others wait and find nothing to do. Migrations that only the database knows are left alone: it may already serve a
 * newer release.
 *
 * @returns names of the migrations applied by this call
 * @throws MigrationError if an applied migration was edited since, if one was left half done by another tool, if one
 *   fails (it is rolled back), or if the lock was not to be had in time
 */
export async function migrate(target: pg.Pool | string, options: MigrateOptions = {}): Promise<{ applied: string[] }> {
  const migrations = await readMigrations(options.folder ?? OWN_FOLDER);
  const client =
    typeof target === 'string'
      ? new pg.Client({ connectionString: target, connectionTimeoutMillis: 5_000 })
      : undefined;
  if (client === undefined) {
    const borrowed = await (target as pg.Pool).connect();
    let failed = true;
    try {
      const result = await underLock(borrowed, migrations, options);
      failed = false;
      return result;
    } finally {
      borrowed.release(failed); // after a failure the lock goes with the session
    }
  }
  client.on('error', () => undefined); // the query in flight rejects
  try {
    await client.connect();
    return await underLock(client, migrations, options);
  } finally {
    await client.end();
  }
}

interface Migration {
  name: string;
  sql: string;
  /** SHA-256 of the file, hex. */
  checksum: string;
}

async function readMigrations(folder: string): Promise<Migration[]> {
  const names = (await readdir(folder, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
  return Promise.all(
    names.sort().map(async (name) => {
      const bytes = await readFile(path.join(folder, name, 'migration.sql'));
      return { name, sql: bytes.toString('utf8'), checksum: createHash('sha256').update(bytes).digest('hex') };
    }),
  );
}

async function underLock(
  client: pg.ClientBase,
  migrations: Migration[],
  options: MigrateOptions,
): Promise<{ applied: string[] }> {
  await takeLock(client, options.lockTimeoutMs ?? 60_000);
  // A migration may rightly take longer than a statement of the app that lent us the connection.
  await client.query('SET statement_timeout = 0');
  await client.query(BOOKKEEPING);
  const known = await client.query<AppliedRow>(
    'SELECT migration_name, checksum, finished_at FROM "_prisma_migrations" WHERE rolled_back_at IS NULL',
  );
  const pending = comparePlan(migrations, known.rows);
  for (const migration of pending) await apply(client, migration);
  await client.query('RESET statement_timeout');
  await client.query('SELECT pg_advisory_unlock($1)', [ADVISORY_LOCK]);
  return { applied: pending.map(({ name }) => name) };
}

async function takeLock(client: pg.ClientBase, timeoutMs: number): Promise<void> {
  // Tried again and again rather than waited for: a waiting statement holds a snapshot, which would stop an index build.
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const { rows } = await client.query<{ taken: boolean }>('SELECT pg_try_advisory_lock($1) AS taken', [
      ADVISORY_LOCK,
    ]);
    if (rows[0]?.taken === true) return;
    if (performance.now() > deadline) {
      throw new MigrationError(
        `Another process has been migrating this database for ${timeoutMs} ms. Wait for it, or end it.`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

interface AppliedRow {
  migration_name: string;
  checksum: string;
  finished_at: Date | null;
}

/** @returns what is still to be applied, in order */
function comparePlan(migrations: readonly Migration[], known: readonly AppliedRow[]): Migration[] {
  const applied = new Map(known.map((row) => [row.migration_name, row]));
  for (const row of known) {
    if (row.finished_at === null) {
      throw new MigrationError(
        `Migration ${row.migration_name} was begun by another tool and not finished. ` +
          `Check the database, then mark it with "prisma migrate resolve --rolled-back ${row.migration_name}" (or --applied).`,
      );
    }
  }
  return migrations.filter((migration) => {
    const row = applied.get(migration.name);
    if (row !== undefined && row.checksum !== migration.checksum) {
      throw new MigrationError(
        `Migration ${migration.name} was changed after it had been applied: the database has ${row.checksum}, ` +
          `the file ${migration.checksum}. Restore the file, and put the change into a new migration.`,
      );
    }
    return row === undefined;
  });
}

async function apply(client: pg.ClientBase, migration: Migration): Promise<void> {
  const startedAt = new Date();
  await client.query('BEGIN');
  try {
    await client.query(migration.sql);
    await client.query(
      `INSERT INTO "_prisma_migrations" (id, checksum, finished_at, migration_name, logs, rolled_back_at, started_at, applied_steps_count)
       VALUES ($1, $2, clock_timestamp(), $3, NULL, NULL, $4, 1)`,
      [randomUUID(), migration.checksum, migration.name, startedAt],
    );
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    const { message, position } = error as { message: string; position?: string };
    const line = position === undefined ? '' : ` (line ${migration.sql.slice(0, Number(position)).split('\n').length})`;
    throw new MigrationError(`Migration ${migration.name} failed and was rolled back${line}: ${message}`, {
      cause: error,
    });
  }
}
