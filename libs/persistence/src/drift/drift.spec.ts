import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { testDatabase } from '@tickwire/testing';
import type { TestDatabase } from '@tickwire/testing';
import { readDatabase } from './read-database.js';
import { readPrismaSchema } from './read-prisma-schema.js';

const SCHEMA_FOLDER = fileURLToPath(new URL('../../prisma/schema', import.meta.url));

async function readSchemaFiles(): Promise<string> {
  const names = (await readdir(SCHEMA_FOLDER)).sort();
  return (await Promise.all(names.map((name) => readFile(path.join(SCHEMA_FOLDER, name), 'utf8')))).join('\n');
}

describe('the Prisma schema and the migrations', () => {
  let database: TestDatabase;
  let schema: string;
  beforeEach(async () => {
    [database, schema] = await Promise.all([testDatabase(), readSchemaFiles()]);
  });
  afterEach(() => database.drop());

  it('describe the same tables, columns, defaults, keys and indexes', async () => {
    const { shapes } = await readDatabase(database.pool());
    expect(readPrismaSchema(schema)).toEqual(shapes);
    expect(Object.keys(shapes).length).toBeGreaterThan(30);
  });

  it('differ only in the partial indexes, which Prisma cannot express', async () => {
    expect((await readDatabase(database.pool())).partialIndexes).toEqual(['callback_delivery_due_idx']);
  });

  it.each([
    ['a column', 'ALTER TABLE tenant ADD COLUMN plan TEXT'],
    ['a type', 'ALTER TABLE exec_account ALTER COLUMN balance TYPE NUMERIC(30, 0)'],
    ['a nullability', 'ALTER TABLE agent ALTER COLUMN role DROP NOT NULL'],
    ['a default', `ALTER TABLE bot ALTER COLUMN status SET DEFAULT 'paused'`],
    ['an index', 'DROP INDEX agent_world_id_idx'],
    ['a unique index', 'DROP INDEX api_key_hash_key'],
    ['a foreign key', 'ALTER TABLE bot DROP CONSTRAINT bot_tenant_id_fkey'],
    ['a primary key', 'ALTER TABLE verdict DROP CONSTRAINT verdict_pkey'],
    ['a table', 'DROP TABLE cause'],
  ])('are told apart when the database alone changes %s', async (_, change) => {
    await database.pool().query(change);
    expect(readPrismaSchema(schema)).not.toEqual((await readDatabase(database.pool())).shapes);
  });

  it.each([
    ['a field', /^ +callbackUrl .*\n/m, ''],
    ['a type', /initialBalance +BigInt/, 'initialBalance Int'],
    ['an index', /^ +@@index\(\[worldId\]\)\n/m, ''],
    ['a name in SQL', '@@map("outbox")', '@@map("outbox_record")'],
  ])('are told apart when the schema alone changes %s', async (_, from, to) => {
    const changed = schema.replace(from, to);
    expect(changed === schema).toBe(false);
    expect(readPrismaSchema(changed)).not.toEqual((await readDatabase(database.pool())).shapes);
  });
});
