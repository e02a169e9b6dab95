import { derivedId, signalEventId, webhookReceived, webhookTradeExecuted } from '@tickwire/contracts';
import { signStatusToken } from '@tickwire/credentials';
import type { NewRecord } from '@tickwire/event-log';
import { testDatabase, type TestDatabase } from '@tickwire/testing';
import {
  eventRecord,
  newTenant,
  runApi,
  STATUS_TOKEN_KEY,
  until,
  type RunningTestApi,
  type TestTenant,
} from '../../fixtures/running-api.js';

const accountId = 'acc_00000001';
const key = Buffer.from(STATUS_TOKEN_KEY);
let database: TestDatabase;
let api: RunningTestApi;
let tenant: TestTenant;
let count = 0;

beforeAll(async () => {
  database = await testDatabase();
  api = await runApi(database);
  tenant = await newTenant(api);
});

afterAll(async () => {
  await api.close();
  await database.drop();
});

interface Signal {
  webhookId: string;
  received: NewRecord;
  executed: NewRecord;
}

function newSignal(): Signal {
  const signalId = `s${(count += 1)}`;
  const webhookId = signalEventId(tenant.id, accountId, signalId);
  const facts = { webhookId, tenantId: tenant.id, accountId, signalId };
  return {
    webhookId,
    received: eventRecord(webhookReceived, webhookId, facts),
    executed: eventRecord(webhookTradeExecuted, derivedId(webhookId, 'fill'), { ...facts, final: true }),
  };
}

const statusUrl = (
  webhookId: string,
  { tenantId = tenant.id, atMs = Date.now(), signKey = key as Uint8Array } = {},
): string => `/signals/${webhookId}?t=${signStatusToken({ tenantId, webhookId }, atMs, signKey)}`;
const projected = (webhookId: string) =>
  until(
    async () => (await api.pool.query('SELECT FROM lifecycle_event WHERE webhook_id = $1', [webhookId])).rowCount! > 0,
  );

describe('a status URL', () => {
  it('says received where nothing is known yet, at once', async () => {
    const { webhookId } = newSignal();
    const atMs = Date.now() - 1_000;
    const { status, body } = await api.call('GET', `${statusUrl(webhookId, { atMs })}&tenantId=${tenant.id}`);
    expect(status).toBe(200);
    expect(body).toEqual({
      webhookId,
      status: 'received',
      final: false,
      receivedAt: new Date(atMs).toISOString(),
      timeline: [],
      fills: [],
    });
  });

  it('opens its own signal, also without the tenant once the signal is known', async () => {
    const { webhookId, received, executed } = newSignal();
    await api.log.append([received, executed]);
    await until(async () => (await api.call('GET', statusUrl(webhookId))).body.status === 'executed');
    expect((await api.call('GET', `${statusUrl(webhookId)}&tenantId=${tenant.id}`)).body.fills).toHaveLength(1);
  });

  it('opens nothing else', async () => {
    const [one, other] = [newSignal(), newSignal()];
    await api.log.append([one.received, other.received]);
    await Promise.all([projected(one.webhookId), projected(other.webhookId)]);
    const token = statusUrl(one.webhookId).split('?t=')[1];
    const refused = [
      `/signals/${other.webhookId}?t=${token}`,
      `/signals/${one.webhookId}?t=${token}x`,
      `/signals/${one.webhookId}?t=`,
      `${statusUrl(one.webhookId)}&tenantId=ten_other`,
      statusUrl(one.webhookId, { tenantId: 'ten_other' }),
      `${statusUrl(one.webhookId, { tenantId: 'ten_other' })}&tenantId=ten_other`.replace(
        one.webhookId,
        other.webhookId,
      ),
      statusUrl(one.webhookId, { signKey: Buffer.alloc(32) }),
      statusUrl(one.webhookId, { atMs: Date.now() - 25 * 3_600_000 }),
      statusUrl(newSignal().webhookId),
    ];
    for (const url of refused) expect([url, (await api.call('GET', url)).status]).toEqual([url, 401]);
    expect((await api.call('GET', `/events?t=${token}`)).status).toBe(401);
  });

  it('of another tenant’s making never shows a signal that is not that tenant’s', async () => {
    const { webhookId, received } = newSignal();
    await api.log.append([received]);
    await projected(webhookId);
    // Only ingress has the key; it would never sign this pair, and yet nothing would be shown.
    const { body } = await api.call('GET', `${statusUrl(webhookId, { tenantId: 'ten_other' })}&tenantId=ten_other`);
    expect([body.status, body.signalId, body.timeline, body.fills]).toEqual(['received', undefined, [], []]);
  });
});

describe('an unknown id', () => {
  it('is waited for, then found', async () => {
    const { webhookId, received } = newSignal();
    const answer = api.call('GET', `/signals/${webhookId}`, { key: tenant.key });
    await api.log.append([received]);
    expect(await answer).toMatchObject({ status: 200, body: { status: 'received' } });
  });

  it('is 404 after two seconds; what is no id, at once', async () => {
    const startedAt = performance.now();
    expect((await api.call('GET', '/signals/nonsense', { key: tenant.key })).status).toBe(404);
    expect((await api.call('GET', `/signals/${newSignal().webhookId}`, { key: tenant.key })).status).toBe(404);
    expect(performance.now() - startedAt).toBeGreaterThan(1_900);
  });

  it('without a known account is 404, without its parameters 422', async () => {
    expect((await api.call('GET', '/signals?signalId=s1&accountId=acc_none', { key: tenant.key })).status).toBe(404);
    expect((await api.call('GET', '/signals?signalId=s1', { key: tenant.key })).status).toBe(422);
    expect((await api.call('GET', '/signals', { key: tenant.key })).status).toBe(422);
  });
});

describe('Prefer: wait', () => {
  const prefer = (wait: string) => ({ key: tenant.key, headers: { prefer: wait } });

  it('answers when the final status comes', async () => {
    const { webhookId, received, executed } = newSignal();
    await api.log.append([received]);
    await projected(webhookId);
    const waiting = api.call('GET', `/signals/${webhookId}`, prefer('wait=10'));
    await api.log.append([executed]);
    const { headers, body } = await waiting;
    expect([headers.get('preference-applied'), body.status]).toEqual(['wait=10', 'executed']);
  });

  it('answers with what is known when the time is up, and waits ten seconds at most', async () => {
    const { webhookId, received } = newSignal();
    await api.log.append([received]);
    await projected(webhookId);
    const { body } = await api.call('GET', `/signals/${webhookId}`, prefer('respond-async, wait=1'));
    expect(body.status).toBe('received');
    expect((await api.call('GET', '/signals/nonsense', prefer('wait=600'))).status).toBe(404);
  });

  it('works for status URLs before anything is known', async () => {
    const { webhookId, received, executed } = newSignal();
    const waiting = api.call('GET', `${statusUrl(webhookId)}&tenantId=${tenant.id}`, {
      headers: { prefer: 'wait=10' },
    });
    await api.log.append([received, executed]);
    expect((await waiting).body.status).toBe('executed');
  });

  it('is cut short when the app stops', async () => {
    const { webhookId, received } = newSignal();
    await api.log.append([received]);
    await projected(webhookId);
    const waiting = api.call('GET', `/signals/${webhookId}`, prefer('wait=10'));
    await new Promise((resolve) => setTimeout(resolve, 100));
    await api.restart();
    const { headers, body } = await waiting;
    // A connection that stayed open would keep the app from stopping.
    expect([body.status, headers.get('connection')]).toEqual(['received', 'close']);
  });
});
