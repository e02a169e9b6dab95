import {
  derivedId,
  encodeEvent,
  createEvent,
  signalEventId,
  webhookCompleted,
  webhookFailed,
  webhookReceived,
  webhookTradeExecuted,
  webhookValidated,
} from '@tickwire/contracts';
import { readDeadLetter, type DeadLetter, type NewRecord } from '@tickwire/event-log';
import { testDatabase, type TestDatabase } from '@tickwire/testing';
import {
  eventRecord,
  newTenant,
  runApi,
  until,
  type RunningTestApi,
  type TestTenant,
} from '../../fixtures/running-api.js';

let database: TestDatabase;
let api: RunningTestApi;
let tenant: TestTenant;

beforeEach(async () => {
  database = await testDatabase();
  api = await runApi(database);
  tenant = await newTenant(api);
});

afterEach(async () => {
  await api.close();
  await database.drop();
});

const received = (signalId: string, tenantId = tenant.id, accountId = 'acc_00000001'): NewRecord => {
  const webhookId = signalEventId(tenantId, accountId, signalId);
  return eventRecord(webhookReceived, webhookId, { webhookId, tenantId, accountId, signalId });
};
const validated = (signalId: string, tenantId = tenant.id, accountId = 'acc_00000001'): NewRecord => {
  const webhookId = signalEventId(tenantId, accountId, signalId);
  return eventRecord(webhookValidated, derivedId(webhookId, 'validated'), { webhookId, tenantId, accountId, signalId });
};

interface HistoryRow {
  tenant_id: string;
  sequence: number;
  type: string;
  signal_id: string;
  event: string;
  event_id: string;
  final: boolean;
  account_id: string | null;
}
const history = async (tenantId = tenant.id): Promise<HistoryRow[]> =>
  (await api.pool.query<HistoryRow>('SELECT * FROM lifecycle_event WHERE tenant_id = $1 ORDER BY sequence', [tenantId]))
    .rows;
const untilRows = (count: number, tenantId?: string): Promise<HistoryRow[]> =>
  until(async () => {
    const rows = await history(tenantId);
    return rows.length >= count && rows;
  });

const deadLetters = async (): Promise<DeadLetter[]> => {
  const bounds = await api.log.bounds(['webhook.received.dead', 'webhook.validated.dead']);
  const records = await Promise.all(bounds.map((bound) => api.log.read({ ...bound, offset: bound.start }, 100)));
  return records.flat().map((record) => readDeadLetter(record)!);
};

it('numbers each tenant’s events without gaps and keeps envelopes byte for byte', async () => {
  const other = await newTenant(api, 'Other');
  const records: NewRecord[] = [];
  for (let n = 0; n < 40; n += 1) {
    records.push(received(`s${n}`, tenant.id, `acc_${n % 7}0000000`));
    if (n % 4 === 0) records.push(received(`s${n}`, other.id, `acc_${n % 5}0000000`));
  }
  // White space that no writer of ours would put there survives.
  const spaced = received('spaced');
  records.push({ ...spaced, value: JSON.stringify(JSON.parse(String(spaced.value)), null, 1) });
  await api.log.append(records);
  const rows = await untilRows(41);
  expect(rows.map((row) => row.sequence)).toEqual(Array.from({ length: 41 }, (_, n) => n));
  expect((await untilRows(10, other.id)).map((row) => row.sequence)).toEqual(Array.from({ length: 10 }, (_, n) => n));
  expect(rows.find((row) => row.signal_id === 'spaced')!.event).toBe(records.at(-1)!.value);
});

it('stores an event once, however often and in whatever batch it comes', async () => {
  await api.log.append([received('s1'), received('s1'), validated('s1')]);
  await untilRows(2);
  await api.log.append([validated('s1'), received('s1'), received('s2'), received('s1')]);
  const rows = await untilRows(3);
  expect(rows.map((row) => [row.sequence, row.signal_id]).sort()).toEqual([
    [0, 's1'],
    [1, 's1'],
    [2, 's2'],
  ]);
  const { rows: heads } = await api.pool.query('SELECT next FROM tenant_sequence WHERE tenant_id = $1', [tenant.id]);
  expect(heads).toEqual([{ next: 3 }]);
  expect(await deadLetters()).toEqual([]);
});

it('goes on where it stopped after a restart, and skips what it is made to read again', async () => {
  await api.log.append([received('s1'), received('s2')]);
  await untilRows(2);
  await api.restart();
  await api.log.append([received('s3')]);
  expect((await untilRows(3)).map((row) => row.sequence)).toEqual([0, 1, 2]);
  // The positions are lost, as by an operator who sends the group to the beginning.
  await api.pool.query(`UPDATE fence SET offsets = '{}' WHERE group_id = 'api.projector'`);
  await api.restart();
  await api.log.append([received('s4')]);
  expect((await untilRows(4)).map((row) => [row.sequence, row.signal_id])).toEqual([
    [0, 's1'],
    [1, 's2'],
    [2, 's3'],
    [3, 's4'],
  ]);
});

it('stores refusals of malformed requests, without an account and with whatever text they hold', async () => {
  const webhookId = derivedId('x', 'malformed');
  const data = {
    ...webhookFailed.sample,
    webhookId,
    tenantId: tenant.id,
    accountId: 'a\0b',
    signalId: undefined,
    stage: 'ingress' as const,
    accepted: false,
  };
  const event = createEvent(webhookFailed, { id: webhookId, source: 'ingress', subject: webhookId, timeMs: 0, data });
  await api.log.append([{ ...encodeEvent(webhookFailed, event), key: tenant.id }]);
  const [row] = await untilRows(1);
  expect(row).toMatchObject({ type: 'webhook.failed', account_id: 'a\ufffdb', signal_id: null, final: true });
});

it('buries a broken record in the transaction that passes it, once, and goes on', async () => {
  const broken = { ...received('s1'), value: '{"no":' };
  const misnamed = eventRecord(webhookReceived, 'not-a-uuid', {
    tenantId: tenant.id,
    accountId: 'acc_00000001',
    signalId: 's2',
  });
  await api.log.append([broken, misnamed, received('s3')]);
  await untilRows(1);
  await api.restart();
  await api.log.append([received('s4')]);
  expect((await untilRows(2)).map((row) => row.signal_id)).toEqual(['s3', 's4']);
  expect((await deadLetters()).map(({ group, reason }) => [group, reason])).toEqual([
    ['api.projector', 'NOT_JSON'],
    ['api.projector', 'CODE_FAULT'],
  ]);
});

describe('the history over HTTP', () => {
  const page = async (query = '') => (await api.call('GET', `/events${query}`, { key: tenant.key })).body;

  it('is newest first, page by page by sequence, and shows the envelopes as they were', async () => {
    for (let n = 0; n < 5; n += 1) await api.log.append([received(`s${n}`)]);
    const rows = await untilRows(5);
    const first = await page('?limit=2');
    expect(first.data.map((each: { sequence: number }) => each.sequence)).toEqual([4, 3]);
    expect(first.data[0].event).toEqual(JSON.parse(rows[4]!.event));
    const second = await page(`?limit=2&cursor=${first.nextCursor}`);
    expect(second.data.map((each: { sequence: number }) => each.sequence)).toEqual([2, 1]);
    expect(await page(`?cursor=${second.nextCursor}`)).toMatchObject({ data: [{ sequence: 0 }], nextCursor: null });
  });

  it('can be narrowed to a type, an account, a signal; other cursors and types are refused', async () => {
    await api.log.append([received('s1'), validated('s1'), received('s2', tenant.id, 'acc_00000002')]);
    await untilRows(3);
    expect((await page('?type=webhook.validated')).data).toHaveLength(1);
    expect((await page('?accountId=acc_00000001')).data).toHaveLength(2);
    const id = signalEventId(tenant.id, 'acc_00000002', 's2');
    expect((await page(`?webhookId=${id}`)).data.map(({ event }: { event: { id: string } }) => event.id)).toEqual([id]);
    for (const query of ['?cursor=x', '?type=market.tick', '?webhookId=1']) {
      expect([query, (await api.call('GET', `/events${query}`, { key: tenant.key })).status]).toEqual([query, 422]);
    }
  });
});

describe('the status of a signal', () => {
  const accountId = 'acc_00000001';
  const webhookId = (): string => signalEventId(tenant.id, accountId, 's1');
  const facts = () => ({ webhookId: webhookId(), tenantId: tenant.id, accountId, signalId: 's1' });
  const fill = (ordinal: number, change: object): NewRecord =>
    eventRecord(
      webhookTradeExecuted,
      derivedId(webhookId(), 'fill', ordinal),
      { ...facts(), ...change },
      Date.parse('2026-11-22T08:00:01Z') + ordinal,
    );
  const statusNow = async () => (await api.call('GET', `/signals/${webhookId()}`, { key: tenant.key })).body;
  const untilStatus = (status: string) => until(async () => (await statusNow()).status === status);

  it('moves from received over validated, working and partially filled to executed', async () => {
    await api.log.append([received('s1')]);
    await untilStatus('received');
    await api.log.append([validated('s1')]);
    await untilStatus('validated');
    await api.pool.query(
      `INSERT INTO exec_order VALUES (gen_random_uuid(), $1, $2, 's1', $3, NULL, 'NVLT', 'buy', 'limit', 'new', '5', '10', '0', '5', NULL, 1, now(), now())`,
      [tenant.id, accountId, webhookId()],
    );
    await untilStatus('working');
    await api.log.append([fill(1, { ordStatus: 'partially_filled', lastQty: '2', leavesQty: '3', final: false })]);
    await untilStatus('partially_filled');
    await api.log.append([fill(2, { ordStatus: 'filled', lastQty: '3', leavesQty: '0', final: true })]);
    await untilStatus('executed');
    const status = await statusNow();
    expect(status).toMatchObject({ webhookId: webhookId(), signalId: 's1', accountId, final: true });
    expect(status.timeline.map((entry: { type: string }) => entry.type)).toEqual([
      'webhook.received',
      'webhook.validated',
      'webhook.trade_executed',
      'webhook.trade_executed',
    ]);
    expect(status.fills.map((each: { lastQty: string }) => each.lastQty)).toEqual(['2', '3']);
  });

  it('is the end although the beginning arrives later', async () => {
    await api.log.append([fill(1, { final: true })]);
    await untilStatus('executed');
    await api.log.append([validated('s1'), received('s1')]);
    await untilRows(3);
    const status = await statusNow();
    expect([status.status, status.timeline[0].type]).toEqual(['executed', 'webhook.received']);
  });

  it('tells why it failed, and how it was completed', async () => {
    await api.log.append([
      eventRecord(webhookFailed, derivedId(webhookId(), 'failed'), {
        ...facts(),
        stage: 'validator',
        code: 'MARKET_CLOSED',
        message: 'Closed',
        final: true,
      }),
    ]);
    await untilStatus('failed');
    expect((await statusNow()).error).toMatchObject({ stage: 'validator', code: 'MARKET_CLOSED', message: 'Closed' });

    const other = signalEventId(tenant.id, accountId, 's9');
    await api.log.append([
      eventRecord(webhookCompleted, derivedId(other, 'completed'), {
        ...facts(),
        webhookId: other,
        signalId: 's9',
        outcome: 'cancelled',
        final: true,
      }),
    ]);
    const completed = await api.call('GET', `/signals/${other}`, { key: tenant.key });
    expect(completed.body).toMatchObject({ status: 'completed', outcome: 'cancelled', final: true });
  });
});
