import { eventually, testDatabase } from '@tickwire/testing';
import type { TestDatabase } from '@tickwire/testing';
import { createPrisma } from './create-prisma.js';

describe('createPrisma', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await testDatabase();
  });
  afterAll(() => database.drop());

  it('reads and writes through the migrated tables, on a pool that it leaves open', async () => {
    const prisma = createPrisma(database.pool());
    await prisma.tenant.create({ data: { id: 'ten_1', name: 'One', settings: { tier: 'gold' } } });
    await prisma.apiKey.create({ data: { id: 'key_1', kind: 'api', tenantId: 'ten_1', hash: 'h', scopes: ['read'] } });
    const found = await prisma.tenant.findUniqueOrThrow({ where: { id: 'ten_1' }, include: { apiKeys: true } });
    await prisma.$disconnect();
    expect(found).toMatchObject({ status: 'active', version: 1n, settings: { tier: 'gold' } });
    expect(found.apiKeys.map((key) => key.scopes)).toEqual([['read']]);
    const { rows } = await database.pool().query<{ version: number }>('SELECT version FROM tenant');
    expect(rows).toEqual([{ version: 1 }]);
  });

  it('makes and closes connections of its own when given an address', async () => {
    const prisma = createPrisma(database.connectionString);
    expect(await prisma.outboxRecord.count()).toBe(0);
    const sessions = async () => {
      const { rows } = await database
        .pool()
        .query(`SELECT pid FROM pg_stat_activity WHERE application_name = 'prisma' AND datname = current_database()`);
      return rows.length;
    };
    expect(await sessions()).toBe(1);
    await prisma.$disconnect();
    // The server takes a session off its list a moment after the connection is closed; an idle one would last longer.
    await eventually(sessions, (left) => left === 0, 5_000);
  });
});
