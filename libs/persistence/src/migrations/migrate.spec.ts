import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { testDatabase } from '@tickwire/testing';
import type { TestDatabase } from '@tickwire/testing';
import pg from 'pg';
import { MigrationError, migrate } from './migrate.js';

const OWN = fileURLToPath(new URL('../../prisma/migrations', import.meta.url));

let database: TestDatabase;
let folder: string;

/** An empty schema and a folder of migrations of the test's own. */
beforeEach(async () => {
  database = await testDatabase();
  await database.pool().query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
  folder = await mkdtemp(path.join(tmpdir(), 'tickwire-migrations-'));
});
afterEach(async () => {
  await database.drop();
  await rm(folder, { recursive: true });
});

async function addMigration(name: string, sql: string): Promise<void> {
  await mkdir(path.join(folder, name), { recursive: true });
  await writeFile(path.join(folder, name, 'migration.sql'), sql);
}

async function rows<Row extends pg.QueryResultRow>(sql: string): Promise<Row[]> {
  return (await database.pool().query<Row>(sql)).rows;
}

describe('migrate', () => {
  it('applies our own migrations to an empty database, in order, once', async () => {
    const names = (await readdir(OWN, { withFileTypes: true }))
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
    expect(await migrate(database.connectionString)).toEqual({ applied: names.sort() });
    expect(await migrate(database.pool())).toEqual({ applied: [] });
  });

  it('keeps books as Prisma does', async () => {
    await migrate(database.pool());
    const [name] = (await readdir(OWN)).sort();
    const sql = await readFile(path.join(OWN, String(name), 'migration.sql'));
    const [first, ...others] = await rows<Record<string, unknown>>(
      'SELECT * FROM "_prisma_migrations" ORDER BY migration_name',
    );
    expect(first).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      checksum: createHash('sha256').update(sql).digest('hex'),
      finished_at: expect.any(Date) as Date,
      migration_name: name,
      logs: null,
      rolled_back_at: null,
      started_at: expect.any(Date) as Date,
      applied_steps_count: 1,
    });
    expect(others).toHaveLength(
      (await readdir(OWN, { withFileTypes: true })).filter((each) => each.isDirectory()).length - 1,
    );
  });

  it('lets many processes start at once: each migration is applied by one of them', async () => {
    await addMigration('1_slow', 'SELECT pg_sleep(0.1); CREATE TABLE a (n int)');
    await addMigration('2_next', 'CREATE TABLE b (n int)');
    const results = await Promise.all(Array.from({ length: 6 }, () => migrate(database.connectionString, { folder })));
    expect(results.flatMap(({ applied }) => applied).sort()).toEqual(['1_slow', '2_next']);
    expect(await rows('SELECT migration_name FROM "_prisma_migrations"')).toHaveLength(2);
  });

  it('applies only what is new, and leaves what a newer release has applied', async () => {
    await addMigration('1_a', 'CREATE TABLE a (n int)');
    await addMigration('2_b', 'CREATE TABLE b (n int)');
    await migrate(database.pool(), { folder });
    await rm(path.join(folder, '2_b'), { recursive: true });
    expect(await migrate(database.pool(), { folder })).toEqual({ applied: [] });
    await addMigration('3_c', 'CREATE TABLE c (n int)');
    expect(await migrate(database.pool(), { folder })).toEqual({ applied: ['3_c'] });
  });

  it('refuses a migration that was changed after it had been applied, and says which and how to go on', async () => {
    await addMigration('1_a', 'CREATE TABLE a (n int)');
    await migrate(database.pool(), { folder });
    await addMigration('1_a', 'CREATE TABLE a (n bigint)');
    await addMigration('2_b', 'CREATE TABLE b (n int)');
    await expect(migrate(database.pool(), { folder })).rejects.toThrow(/1_a was changed.*new migration/s);
    expect(await rows(`SELECT to_regclass('b') AS b`)).toEqual([{ b: null }]);
  });

  it('rolls a failing migration back whole, names its line, and keeps those before it', async () => {
    await addMigration('1_a', 'CREATE TABLE a (n int)');
    await addMigration('2_b', 'CREATE TABLE b (n int);\n\nSELECT * FROM nowhere;');
    const failure = migrate(database.pool(), { folder });
    await expect(failure).rejects.toThrow(MigrationError);
    await expect(failure).rejects.toThrow(/2_b failed and was rolled back \(line 3\).*nowhere/);
    expect(await rows(`SELECT to_regclass('a') IS NOT NULL AS a, to_regclass('b') IS NOT NULL AS b`)).toEqual([
      { a: true, b: false },
    ]);
    await addMigration('2_b', 'CREATE TABLE b (n int)');
    expect(await migrate(database.pool(), { folder })).toEqual({ applied: ['2_b'] });
  });

  it('refuses to go on over a migration that another tool has left half done', async () => {
    await migrate(database.pool(), { folder });
    await database
      .pool()
      .query(`INSERT INTO "_prisma_migrations" (id, checksum, migration_name) VALUES ('1', 'x', '0_half')`);
    await expect(migrate(database.pool(), { folder })).rejects.toThrow('prisma migrate resolve --rolled-back 0_half');
  });

  it('gives up when another process keeps the lock', async () => {
    const other = new pg.Client({ connectionString: database.connectionString });
    await other.connect();
    await other.query('SELECT pg_advisory_lock(72707369)');
    await expect(migrate(database.pool(), { folder, lockTimeoutMs: 100 })).rejects.toThrow(
      'Another process has been migrating',
    );
    await other.end();
    expect(await migrate(database.pool(), { folder })).toEqual({ applied: [] });
  });
});
