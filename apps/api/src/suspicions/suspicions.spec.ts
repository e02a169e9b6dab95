import { randomUUID } from 'node:crypto';
import { configChanged, webhookSuspicious, type WebhookSuspicious } from '@tickwire/contracts';
import { Directory } from '@tickwire/directory';
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

beforeAll(async () => {
  database = await testDatabase();
  api = await runApi(database);
});

beforeEach(async () => {
  tenant = await newTenant(api);
});

afterAll(async () => {
  await api.close();
  await database.drop();
});

const own = (method: string, path: string, body?: unknown) => api.call(method, path, { key: tenant.key, body });
const decide = (suspicion: object) => own('PATCH', '/settings', { suspicion });
const suspicious = (change: Partial<WebhookSuspicious> = {}): WebhookSuspicious => ({
  ...webhookSuspicious.sample,
  suspicionId: randomUUID(),
  tenantId: tenant.id,
  pattern: 'replay_storm',
  suspect: { kind: 'nonce', id: 'n-1' },
  detectedAt: new Date().toISOString(),
  ...change,
});
const tell = (...events: WebhookSuspicious[]) =>
  api.log.append(events.map((event) => eventRecord(webhookSuspicious, event.suspicionId, event)));
const list = async (path: string) => (await own('GET', path)).body.data;
/** Events of a tenant are on one partition: once a later one is stored, those before it have been handled. */
const handled = async () => {
  const last = suspicious({ pattern: 'wrong_clock', suspect: { kind: 'tenant', id: tenant.id } });
  await tell(last);
  await until(async () => (await list('/suspicions')).some(({ id }: { id: string }) => id === last.suspicionId));
};
/** What the door enforces; without heartbeats, read each time. */
const enforced = () => new Directory(api.pool, 1).restrictions(tenant.id);

it('are listed with their evidence, newest first, page by page; without a policy nothing follows', async () => {
  const found = [1, 2, 3].map((minute) => suspicious({ detectedAt: `2026-11-22T10:0${minute}:00.000Z` }));
  await tell(...found);
  await until(async () => (await list('/suspicions')).length === 3);
  const first = (await own('GET', '/suspicions?limit=2')).body;
  const { suspicionId: id, pattern, suspect, evidence, detectedAt } = found[2]!;
  expect(first.data[0]).toEqual({ id, pattern, suspect, evidence, detectedAt });
  const second = (await own('GET', `/suspicions?limit=2&cursor=${first.nextCursor}`)).body;
  expect([...first.data, ...second.data].map((each: { id: string }) => each.id)).toEqual(
    found.map(({ suspicionId }) => suspicionId).reverse(),
  );
  expect(second.nextCursor).toBeNull();
  expect(await list('/restrictions')).toEqual([]);
  expect((await own('GET', '/suspicions?cursor=x')).status).toBe(422);
});

it('lead to the restriction that the tenant has decided on, told to the caches', async () => {
  await decide({ replay_storm: 'throttle' });
  const found = suspicious();
  await tell(found);
  const [restriction] = await until(async () => {
    const restrictions = await list('/restrictions');
    return restrictions.length > 0 && restrictions;
  });
  expect(restriction).toMatchObject({
    kind: 'throttle',
    factor: 0.1,
    suspect: found.suspect,
    pattern: 'replay_storm',
    suspicionId: found.suspicionId,
    active: true,
    until: new Date(Date.parse(found.detectedAt) + 900_000).toISOString(),
    releasedAt: null,
  });
  expect(await enforced()).toMatchObject([
    { id: restriction.id, kind: 'throttle', factor: 0.1, suspectKind: 'nonce', suspectId: 'n-1' },
  ]);
  const told = (await api.appended(configChanged)).filter(({ data }) => data.id === restriction.id);
  expect(told.map(({ data }) => data)).toEqual([
    { entity: 'restriction', id: restriction.id, tenantId: tenant.id, version: 1 },
  ]);
});

it('delivered again, in one batch or in several, change nothing a second time', async () => {
  await decide({ replay_storm: 'quarantine' });
  const found = suspicious();
  await tell(found, found);
  await handled();
  await tell(found);
  await api.restart();
  await tell(found, found);
  await handled();
  const restrictions = await list('/restrictions');
  expect(restrictions).toMatchObject([{ kind: 'quarantine', factor: null, suspicionId: found.suspicionId }]);
  const told = (await api.appended(configChanged)).filter(({ data }) => data.id === restrictions[0].id);
  expect(told).toHaveLength(1);
  expect(await list('/audit-logs?action=restriction.imposed')).toHaveLength(1);
  expect((await list('/suspicions')).filter(({ id }: { id: string }) => id === found.suspicionId)).toHaveLength(1);
});

it('stay released when their event comes again', async () => {
  await decide({ replay_storm: 'quarantine' });
  const found = suspicious();
  await tell(found);
  const id = await until(async () => (await list('/restrictions'))[0]?.id as string | undefined);
  await own('DELETE', `/restrictions/${id}`);
  await tell(found);
  await handled();
  expect(await list('/restrictions')).toMatchObject([{ id, active: false }]);
  expect(await enforced()).toEqual([]);
});

it('by bad signatures that name a tenant or its bot are only told; the source is restricted', async () => {
  await decide({ signature_failure_storm: 'quarantine' });
  const storm = (kind: WebhookSuspicious['suspect']['kind'], id: string) =>
    suspicious({ pattern: 'signature_failure_storm', suspect: { kind, id } });
  await tell(storm('tenant', tenant.id), storm('bot', 'bot_1'), storm('source', '203.0.113.7'));
  await handled();
  expect(await list('/suspicions')).toHaveLength(4);
  expect(await list('/restrictions')).toMatchObject([{ suspect: { kind: 'source', id: '203.0.113.7' } }]);
});

it('of a tenant that is not there hold nothing up', async () => {
  await tell(suspicious({ tenantId: 'ten_none' }));
  await decide({ replay_storm: 'quarantine' });
  await tell(suspicious());
  await until(async () => (await list('/restrictions')).length === 1);
});

describe('restrictions', () => {
  it('end when they are released: once, audited, told to the caches', async () => {
    await decide({ replay_storm: 'quarantine' });
    await tell(suspicious());
    const id = await until(async () => (await list('/restrictions'))[0]?.id as string | undefined);
    for (const again of [false, true]) {
      expect([again, (await own('DELETE', `/restrictions/${id}`)).status]).toEqual([again, 204]);
    }
    expect(await list('/restrictions')).toMatchObject([{ id, active: false, releasedAt: expect.any(String) }]);
    expect(await enforced()).toEqual([]);
    const told = (await api.appended(configChanged)).filter(({ data }) => data.id === id);
    expect(told.map(({ data }) => data.version)).toEqual([1, 2]);
    expect(await list(`/audit-logs?subject=${id}`)).toMatchObject([
      { action: 'restriction.released', actor: expect.stringMatching(/^key_/) },
      { action: 'restriction.imposed', actor: 'policy' },
    ]);
    expect((await own('DELETE', '/restrictions/rst_none')).status).toBe(404);
  });

  it('in force are listed before the others, and stay in their place from page to page', async () => {
    await decide({ replay_storm: 'quarantine' });
    const kept = [suspicious(), suspicious(), suspicious()];
    await tell(...kept);
    await until(async () => (await list('/restrictions')).length === 3);
    const newest = (await list('/restrictions'))[0].id as string;
    await own('DELETE', `/restrictions/${newest}`);
    const all = (await list('/restrictions')).map(({ id }: { id: string }) => id);
    expect(all[2]).toBe(newest);
    const first = (await own('GET', '/restrictions?limit=1')).body;
    // Released between the pages: still listed where it was.
    await new Promise((resolve) => setTimeout(resolve, 5));
    await own('DELETE', `/restrictions/${all[1]}`);
    const second = (await own('GET', `/restrictions?limit=1&cursor=${first.nextCursor}`)).body;
    const third = (await own('GET', `/restrictions?limit=1&cursor=${second.nextCursor}`)).body;
    const seen = [first, second, third].map(({ data }) => data[0].id);
    expect([seen, third.nextCursor]).toEqual([all, null]);
    expect((await own('GET', '/restrictions?cursor=bnVsbA')).status).toBe(422);
  });
});
