import { testDatabase } from './test-database.js';

it('gives each caller a migrated database of its own', async () => {
  const [one, two] = await Promise.all([testDatabase(), testDatabase()]);
  try {
    await one.pool().query(`INSERT INTO tenant (id, name) VALUES ('ten_1', 'One')`);
    const count = async (database: typeof one) =>
      (await database.pool().query<{ n: number }>('SELECT count(*) AS n FROM tenant')).rows[0]?.n;
    expect([await count(one), await count(two)]).toEqual([1, 0]);
  } finally {
    await Promise.all([one.drop(), two.drop()]);
  }
});

it('drops the database although somebody is still connected', async () => {
  const keeper = await testDatabase();
  const database = await testDatabase();
  const client = await database.pool().connect();
  client.release();
  const name = new URL(database.connectionString).pathname.slice(1);
  await database.drop();
  const { rowCount } = await keeper.pool().query('SELECT FROM pg_database WHERE datname = $1', [name]);
  await keeper.drop();
  expect(rowCount).toBe(0);
});
