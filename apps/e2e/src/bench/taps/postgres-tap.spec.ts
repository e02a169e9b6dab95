import { PostgresEventLog } from '@tickwire/event-log';
import { eventually, testDatabase, type TestDatabase } from '@tickwire/testing';
import { openPostgresTap } from './postgres-tap.js';

const TOPIC = 'bench.seen';
const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };

let database: TestDatabase;
let log: PostgresEventLog;
beforeAll(async () => {
  database = await testDatabase();
  const { connectionString } = database;
  log = await PostgresEventLog.connect({ pool: database.pool(), connectionString, clientId: 'bench', log: SILENT });
  await log.ensureTopics([{ name: TOPIC }, { name: 'bench.other' }]);
});
afterAll(async () => {
  await log.close();
  await database.drop();
});

it('sees what is appended after it was opened, once each and in order within a key, and nothing else', async () => {
  const append = (topic: string, key: string, value: string) => log.append([{ topic, key, value }]);
  await append(TOPIC, 'a', 'earlier');
  const seen: string[] = [];
  const beforeMs = Date.now();
  let lastAtMs = 0;
  const tap = await openPostgresTap(database.connectionString, [TOPIC], true, (topic, value, atMs) => {
    seen.push(`${topic} ${value.toString()}`);
    lastAtMs = atMs;
  });
  await append('bench.other', 'a', 'elsewhere');
  for (const value of ['a1', 'b1', 'a2', 'b2', 'a3']) await append(TOPIC, value.charAt(0), value);
  await eventually(
    () => seen.length,
    (count) => count >= 5,
  );
  await append(TOPIC, 'c', 'c1');
  await eventually(
    () => seen.length,
    (count) => count >= 6,
  );
  await tap.close();
  const ofKey = (key: string) => seen.filter((line) => line.startsWith(`${TOPIC} ${key}`));
  expect(ofKey('a')).toEqual([`${TOPIC} a1`, `${TOPIC} a2`, `${TOPIC} a3`]);
  expect(ofKey('b')).toEqual([`${TOPIC} b1`, `${TOPIC} b2`]);
  expect(seen).toHaveLength(6);
  expect(lastAtMs).toBeGreaterThanOrEqual(beforeMs - 1);
});

it('tells when it is closed that it could not read', async () => {
  const broken = await testDatabase();
  const tap = await openPostgresTap(broken.connectionString, [TOPIC], true, () => undefined);
  await broken.drop();
  await expect(tap.close()).rejects.toThrow();
});
