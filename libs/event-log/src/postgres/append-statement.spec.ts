import { testDatabase, type TestDatabase } from '@tickwire/testing';
import type { LogRecord, LogSink, NewRecord } from '../port.js';
import { appendStatement } from './append-statement.js';
import { PostgresEventLog } from './postgres-event-log.js';

const quiet: LogSink = { info: () => undefined, warn: () => undefined, error: () => undefined };
const PARTITIONS = 12;

describe('the statement of an append', () => {
  let database: TestDatabase;
  let log: PostgresEventLog;
  let topics = 0;

  const append = async (records: readonly NewRecord[]): Promise<LogRecord[]> => {
    const { text, values, appended } = appendStatement(records, PARTITIONS);
    const { rows } = await database.pool().query<object>(text, values);
    return appended(rows);
  };
  const newTopic = async (): Promise<string> => {
    const name = `topic "${++topics}" \\ {a,b}`;
    await log.ensureTopics([{ name }]);
    return name;
  };
  const read = (topic: string, partition: number): Promise<LogRecord[]> =>
    log.read({ topic, partition, offset: 0 }, 1_000);

  beforeAll(async () => {
    database = await testDatabase();
    log = await PostgresEventLog.connect({
      pool: database.pool(),
      connectionString: database.connectionString,
      clientId: 'append-statement-spec',
      log: quiet,
    });
  });

  afterAll(async () => {
    await log.close();
    await database.drop();
  });

  it('cuts every value out again, whatever its bytes and its neighbours are', async () => {
    const topic = await newTopic();
    const values = [
      Buffer.alloc(0),
      Buffer.from([0, 0xff, 0, 0xfe]),
      Buffer.from('Größe ☃ 𝄞'),
      Buffer.alloc(0),
      Buffer.alloc(70_000, 7),
      Buffer.from('\\x00'),
      Buffer.alloc(0),
    ];
    await append(values.map((value) => ({ topic, key: 'k', value, partition: 0 })));
    expect((await read(topic, 0)).map(({ value }) => value)).toEqual(values);
  });

  it('keeps the order within each partition where records of several are mixed, and goes on at its end', async () => {
    const [one, other] = [await newTopic(), await newTopic()];
    const mixed = (from: number): NewRecord[] =>
      Array.from({ length: 60 }, (_, n) => ({
        topic: n % 2 === 0 ? one : other,
        key: 'k',
        value: String(from + n),
        partition: n % 3,
      }));
    const appended = [...(await append(mixed(0))), ...(await append(mixed(60)))];
    for (const topic of [one, other]) {
      for (const partition of [0, 1, 2]) {
        const mine = appended.filter((record) => record.topic === topic && record.partition === partition);
        const found = await read(topic, partition);
        expect(found.map(({ offset }) => offset)).toEqual(Array.from({ length: 20 }, (_, n) => n));
        expect(found).toEqual(mine);
      }
    }
  });

  it('tells of each record what a reader finds in the table', async () => {
    const topic = await newTopic();
    const appended = await append([
      { topic, key: 'a "quoted", {braced} \\ key', value: 'plain', partition: 5 },
      { topic, key: '', value: 'with headers', headers: { name: 'Größe "☃"', empty: '' }, partition: 7 },
      { topic, key: 'NULL', value: Buffer.from('headers that are empty'), headers: {}, partition: 5 },
    ]);
    expect(appended).toEqual([(await read(topic, 5))[0], (await read(topic, 7))[0], (await read(topic, 5))[1]]);
  });

  it('puts nothing anywhere when one of its topics is not there', async () => {
    const topic = await newTopic();
    const record = { topic, key: 'k', value: 'x', partition: 0 };
    await expect(append([record, { ...record, topic: 'unheard of' }, record])).rejects.toMatchObject({
      code: '23503',
    });
    await expect(append([record, { ...record, partition: PARTITIONS }])).rejects.toMatchObject({ code: '23503' });
    await append([{ ...record, value: 'first' }]);
    expect((await read(topic, 0)).map(({ offset, value }) => [offset, value.toString()])).toEqual([[0, 'first']]);
  });

  it('does nothing for no records', async () => {
    expect(await append([])).toEqual([]);
  });

  it('shares the offsets with processes of the release before', async () => {
    const topic = await newTopic();
    const appendAsBefore = (value: string) =>
      database
        .pool()
        .query('SELECT log_append($1::text[], $2::int[], $3::text[], $4::int[], $5::bytea, $6::text[])', [
          [topic],
          [0],
          ['k'],
          [value.length],
          Buffer.from(value),
          [null],
        ]);
    await append([{ topic, key: 'k', value: 'new', partition: 0 }]);
    await appendAsBefore('old');
    await append([{ topic, key: 'k', value: 'new again', partition: 0 }]);
    expect((await read(topic, 0)).map(({ offset, value }) => [offset, value.toString()])).toEqual([
      [0, 'new'],
      [1, 'old'],
      [2, 'new again'],
    ]);
  });
});
