import { testDatabase, type TestDatabase } from '@tickwire/testing';
import type { LogSink } from '../port.js';
import { PostgresEventLog } from './postgres-event-log.js';

const quiet: LogSink = { info: () => undefined, warn: () => undefined, error: () => undefined };

describe('appends that are committed together', () => {
  let database: TestDatabase;
  let log: PostgresEventLog;

  beforeAll(async () => {
    database = await testDatabase();
    log = await PostgresEventLog.connect({
      pool: database.pool(),
      connectionString: database.connectionString,
      clientId: 'spec',
      log: quiet,
    });
    await log.ensureTopics([{ name: 't' }]);
  });

  afterAll(async () => {
    await log.close();
    await database.drop();
  });

  it('do not fail for the record of another caller', async () => {
    const good = (value: string) => log.append([{ topic: 't', key: 'k', value }]);
    const results = await Promise.allSettled([
      good('a'),
      log.append([{ topic: 'unheard of', key: 'k', value: 'x' }]),
      good('b'),
      log.append([{ topic: 't', key: 'nul \u0000', value: 'x' }]),
      good('c'),
    ]);
    expect(results.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'rejected',
      'fulfilled',
    ]);
    const bounds = await log.bounds(['t']);
    const { partition } = bounds.find(({ end }) => end > 0)!;
    expect((await log.read({ topic: 't', partition, offset: 0 }, 10)).map((record) => record.value.toString())).toEqual(
      ['a', 'b', 'c'],
    );
  });
});
