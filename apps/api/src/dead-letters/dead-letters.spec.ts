import { randomUUID } from 'node:crypto';
import {
  derivedId,
  signalEventId,
  webhookFailed,
  webhookReceived,
  webhookTradeExecuted,
  webhookValidated,
} from '@tickwire/contracts';
import { deadLetterRecord, REPLAY_GROUP_HEADER, type LogRecord, type NewRecord } from '@tickwire/event-log';
import { testDatabase, type TestDatabase } from '@tickwire/testing';
import {
  ADMIN_TOKEN,
  eventRecord,
  newTenant,
  runApi,
  until,
  type RunningTestApi,
  type TestTenant,
} from '../../fixtures/running-api.js';

const accountId = 'acc_00000001';
let database: TestDatabase;
let api: RunningTestApi;
let tenant: TestTenant;
let offset = 0;

beforeAll(async () => {
  database = await testDatabase();
  api = await runApi(database);
  tenant = await newTenant(api);
});

afterAll(async () => {
  await api.close();
  await database.drop();
});

const admin = (method: string, path: string, body?: unknown) =>
  api.call(method, `/admin/dead-letters${path}`, { key: ADMIN_TOKEN, body });

function received(signalId: string): NewRecord {
  const webhookId = signalEventId(tenant.id, accountId, signalId);
  return eventRecord(webhookReceived, webhookId, { webhookId, tenantId: tenant.id, accountId, signalId });
}

/** Puts a record into the dead letters, as a consumer does. @returns the letter's id */
async function bury(record: NewRecord, group = 'validator', error: Error = new TypeError('a bug')): Promise<string> {
  const died: LogRecord = {
    ...record,
    value: Buffer.from(record.value as string, 'utf8'),
    partition: 3,
    offset: (offset += 1),
    headers: { trace: 'kept' },
    timestampMs: 0,
  };
  const letter = deadLetterRecord(group, died, error, Date.now());
  await api.log.append([letter]);
  return letter.headers!['dead-id']!;
}

/** What came back to a topic for a group. */
async function replayed(topic: string): Promise<LogRecord[]> {
  const bounds = await api.log.bounds([topic]);
  const records = await Promise.all(bounds.map((bound) => api.log.read({ ...bound, offset: bound.start }, 1_000)));
  return records.flat().filter(({ headers }) => headers[REPLAY_GROUP_HEADER] !== undefined);
}

it('lists them newest first, page by page, over topics and partitions', async () => {
  const ids: string[] = [];
  for (let n = 0; n < 7; n += 1) {
    const record = n % 2 ? received(`list${n}`) : { ...eventRecord(webhookFailed, randomUUID(), {}), key: `k${n}` };
    ids.unshift(await bury(record));
  }
  const seen: string[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const { body } = await admin('GET', `?limit=3${cursor === '' ? '' : `&cursor=${cursor}`}`);
    seen.push(...body.data.map((letter: { id: string }) => letter.id));
    cursor = body.nextCursor as string | null;
  }
  expect(seen).toEqual(ids);
  const ofTopic = (await admin('GET', '?topic=webhook.received')).body;
  expect(ofTopic.data.map((letter: { id: string }) => letter.id)).toEqual([ids[1], ids[3], ids[5]]);
  expect(ofTopic.data[0]).toMatchObject({
    group: 'validator',
    topic: 'webhook.received',
    partition: 3,
    reason: 'CODE_FAULT',
    key: accountId,
  });
  expect(ofTopic.nextCursor).toBeNull();
  for (const query of ['?topic=none', '?cursor=x', '?cursor=W1tdXQ'])
    expect((await admin('GET', query)).status).toBe(422);
});

it('shows one with its value', async () => {
  const record = received('shown');
  const id = await bury(record);
  expect((await admin('GET', `/${id}`)).body).toMatchObject({
    id,
    value: record.value,
    encoding: 'utf8',
    message: expect.stringContaining('a bug'),
  });
  expect((await admin('GET', `/${id}?topic=webhook.failed`)).status).toBe(404);
  expect((await admin('GET', `/${randomUUID()}`)).status).toBe(404);
  expect((await admin('POST', `/${randomUUID()}/replay`, {})).status).toBe(404);
});

describe('replay', () => {
  it('brings a record back as it was, to its group alone', async () => {
    const record = received('again');
    const id = await bury(record);
    expect(await admin('POST', `/${id}/replay`)).toMatchObject({
      status: 202,
      body: { id, topic: 'webhook.received', group: 'validator' },
    });
    const [back] = (await replayed('webhook.received')).slice(-1);
    expect(back!.value.toString()).toBe(record.value);
    expect([back!.key, back!.headers]).toEqual([accountId, { trace: 'kept', [REPLAY_GROUP_HEADER]: 'validator' }]);
  });

  it('takes a mended value', async () => {
    const record = received('mended');
    const id = await bury({ ...record, value: '{"no":' });
    expect((await admin('POST', `/${id}/replay`, { value: record.value })).status).toBe(202);
    const values = (await replayed('webhook.received')).map(({ value }) => value.toString());
    expect(values).toContain(record.value);
  });

  it('refuses what is still broken, unmended or badly mended, and appends nothing', async () => {
    const record = received('broken');
    const id = await bury({ ...record, value: '{"no":' });
    const before = (await replayed('webhook.received')).length;
    const code = async (value?: string) => {
      const { status, body } = await admin('POST', `/${id}/replay`, { value });
      return [status, body.errors?.[0].pointer, body.errors?.[0].code];
    };
    expect(await code()).toEqual([422, '/value', 'NOT_JSON']);
    expect(await code('[]')).toEqual([422, '/value', 'NOT_AN_EVENT']);
    expect(await code(String(eventRecord(webhookFailed, randomUUID(), {}).value))).toEqual([
      422,
      '/value',
      'WRONG_TOPIC',
    ]);
    expect(await code(String(record.value).replace('"buy"', '"hold"'))).toEqual([422, '/value', 'SCHEMA']);
    expect(await code(String(record.value).replaceAll(accountId, 'acc_00000002'))).toEqual([
      422,
      '/value',
      'WRONG_KEY',
    ]);
    expect((await admin('POST', `/${id}/replay`, { value: record.value, force: true })).status).toBe(422);
    expect(await replayed('webhook.received')).toHaveLength(before);
  });

  it('of a signal that is final does nothing and says so', async () => {
    const webhookId = signalEventId(tenant.id, accountId, 'final');
    const facts = { webhookId, tenantId: tenant.id, accountId, signalId: 'final' };
    const id = await bury(
      eventRecord(webhookValidated, derivedId(webhookId, 'validated'), facts),
      'execution.accounts',
    );
    await api.log.append([eventRecord(webhookTradeExecuted, derivedId(webhookId, 'fill'), { ...facts, final: false })]);
    await until(
      async () =>
        (await api.pool.query('SELECT FROM lifecycle_event WHERE webhook_id = $1', [webhookId])).rowCount === 1,
    );
    await api.log.append([
      eventRecord(webhookFailed, derivedId(webhookId, 'failed'), { ...facts, code: 'INTERNAL', final: true }),
    ]);
    await until(
      async () =>
        (await api.pool.query('SELECT FROM lifecycle_event WHERE webhook_id = $1 AND final', [webhookId])).rowCount ===
        1,
    );
    const refused = await admin('POST', `/${id}/replay`, {});
    expect(refused).toMatchObject({
      status: 409,
      body: { code: 'ALREADY_FINAL', status: 409, detail: expect.stringContaining('new signalId') },
    });
    expect(refused.headers.get('content-type')).toContain('application/problem+json');
    expect(await replayed('webhook.validated')).toEqual([]);
  });

  it('of an onlooker’s record is welcome although the signal is final: it trades nothing', async () => {
    const webhookId = signalEventId(tenant.id, accountId, 'final');
    const facts = { webhookId, tenantId: tenant.id, accountId, signalId: 'final' };
    for (const [group, record] of [
      ['api.projector', received('final')],
      ['notifier', eventRecord(webhookFailed, derivedId(webhookId, 'failed'), facts)],
    ] as const) {
      const id = await bury(record, group);
      expect([group, (await admin('POST', `/${id}/replay`, {})).status]).toEqual([group, 202]);
    }
  });
});
