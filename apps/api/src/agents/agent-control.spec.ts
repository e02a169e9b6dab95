import { agentControl, configChanged, marketTick } from '@tickwire/contracts';
import { testDatabase, type TestDatabase } from '@tickwire/testing';
import {
  ADMIN_TOKEN,
  box,
  newTenant,
  newWorld,
  runApi,
  type RunningTestApi,
  type TestTenant,
} from '../../fixtures/running-api.js';

let database: TestDatabase;
let api: RunningTestApi;
let tenant: TestTenant;
let stranger: TestTenant;
let world: string;

beforeAll(async () => {
  database = await testDatabase();
  api = await runApi(database);
  tenant = await newTenant(api);
  stranger = await newTenant(api, 'Stranger');
  world = await newWorld(api);
});

afterAll(async () => {
  await api.close();
  await database.drop();
});

const CALLBACK = 'https://agents.example.com/tick';
const newAgent = async (change: object = {}) =>
  (
    await api.call('POST', '/agents', {
      key: tenant.key,
      body: { worldId: world, name: 'momentum', role: 'quant', callbackUrl: CALLBACK, ...change },
    })
  ).body as { agentId: string; apiKey: string; webhookSecret: string; shard: number };
const own = (method: string, path: string, body?: object) => api.call(method, path, { key: tenant.key, body });
const audited = async (agentId: string) =>
  (await own('GET', `/audit-logs?subject=${agentId}`)).body.data.map(
    ({ actor, action, details }: { actor: string; action: string; details: object }) => [actor, action, details],
  );
const keyOf = async (agentId: string) =>
  (await api.pool.query<{ id: string }>('SELECT id FROM api_key WHERE agent_id = $1', [agentId])).rows[0]!.id;
const tenantKey = async () =>
  (
    await api.pool.query<{ id: string }>('SELECT id FROM api_key WHERE tenant_id = $1 AND agent_id IS NULL', [
      tenant.id,
    ])
  ).rows[0]!.id;
const changesOf = async (agentId: string) =>
  (await api.appended(configChanged)).filter(({ data }) => data.id === agentId).map(({ data }) => data.version);
const controlsOf = async (agentId: string) =>
  (await api.appended(agentControl)).filter(({ data }) => data.agentId === agentId);
const secretsOf = async (agentId: string) => {
  const { rows } = await api.pool.query<{ now: string | null; before: string | null }>(
    'SELECT sealed_webhook_secret AS now, sealed_previous_secret AS before FROM agent WHERE id = $1',
    [agentId],
  );
  const open = (sealed: string | null) => (sealed === null ? null : box.open(sealed, [agentId]));
  return [open(rows[0]!.now), open(rows[0]!.before)];
};

describe('settings and status', () => {
  it('are changed by the tenant, told to caches and audited, each change once', async () => {
    const { agentId } = await newAgent();
    const settings = { compatibilityHeaders: true };
    const changed = await own('PATCH', `/agents/${agentId}`, { status: 'paused', settings });
    expect([changed.status, changed.body]).toEqual([
      200,
      expect.objectContaining({ agentId, status: 'paused', settings, version: 2, previousSecretUntil: null }),
    ]);
    expect((await own('PATCH', `/agents/${agentId}`, { status: 'paused', settings })).body.version).toBe(2);
    expect((await own('PATCH', `/agents/${agentId}`, {})).body.version).toBe(2);
    const back = { settings: { compatibilityHeaders: null } };
    expect((await own('PATCH', `/agents/${agentId}`, back)).body).toMatchObject({ status: 'paused', settings: {} });
    expect((await own('PATCH', `/agents/${agentId}`, { status: 'active' })).body).toMatchObject({ status: 'active' });
    expect((await own('GET', `/agents/${agentId}`)).body).toMatchObject({ status: 'active', settings: {}, version: 4 });
    expect(await changesOf(agentId)).toEqual([1, 2, 3, 4]);
    const by = await tenantKey();
    expect((await audited(agentId)).slice(0, 3)).toEqual([
      [by, 'agent.changed', { status: 'active' }],
      [by, 'agent.changed', back],
      [by, 'agent.changed', { status: 'paused', settings }],
    ]);
  });

  it.each([
    [{ status: 'suspended' }, '/status'],
    [{ settings: { compatibilityHeaders: 'yes' } }, '/settings/compatibilityHeaders'],
    [{ settings: { signature: 'md5' } }, '/settings/signature'],
    [{ callbackUrl: 'http://169.254.169.254/latest' }, '/callbackUrl'],
    [{ role: 'ceo' }, '/role'],
  ])('are refused as %j', async (body, pointer) => {
    const { agentId } = await newAgent();
    const refused = await own('PATCH', `/agents/${agentId}`, body);
    expect([refused.status, refused.body.errors[0].pointer]).toEqual([422, pointer]);
  });

  it('move the callbacks to another address, or to none', async () => {
    const { agentId } = await newAgent();
    const callbackUrl = 'https://moved.example.com/tick';
    expect((await own('PATCH', `/agents/${agentId}`, { callbackUrl })).body).toMatchObject({ callbackUrl, version: 2 });
    expect((await own('PATCH', `/agents/${agentId}`, { callbackUrl })).body.version).toBe(2);
    const nowhere = (await own('PATCH', `/agents/${agentId}`, { callbackUrl: null })).body;
    expect(nowhere).toMatchObject({ callbackUrl: null, version: 3 });
    expect(await changesOf(agentId)).toEqual([1, 2, 3]);
    expect((await audited(agentId)).slice(0, 2).map(([, , details]: unknown[]) => details)).toEqual([
      { callbackHost: null },
      { callbackHost: 'moved.example.com' },
    ]);
  });

  it('of an agent that operators have stopped stay theirs', async () => {
    const { agentId } = await newAgent();
    await api.pool.query(`UPDATE agent SET status = 'suspended' WHERE id = $1`, [agentId]);
    expect(await own('PATCH', `/agents/${agentId}`, { status: 'active' })).toMatchObject({
      status: 409,
      body: { code: 'CONFLICT' },
    });
    expect((await own('POST', `/agents/${agentId}/test`)).status).toBe(409);
    const settings = { compatibilityHeaders: true };
    expect((await own('PATCH', `/agents/${agentId}`, { settings })).body).toMatchObject({
      status: 'suspended',
      settings,
    });
  });
});

describe('the rotation of a secret', () => {
  it('shows the new one once and keeps the old one for the overlap', async () => {
    const { agentId, webhookSecret: first } = await newAgent();
    const rotated = await own('POST', `/agents/${agentId}/rotate`);
    const { webhookSecret: second, previousSecretUntil } = rotated.body;
    expect([rotated.status, rotated.body.version]).toEqual([201, 2]);
    expect(second).toMatch(/^ticksec_[\w-]{43}$/);
    expect(second).not.toBe(first);
    expect(Math.abs(Date.parse(previousSecretUntil) - Date.now() - 86_400_000)).toBeLessThan(60_000);
    expect(await secretsOf(agentId)).toEqual([second, first]);
    const shown = (await own('GET', `/agents/${agentId}`)).body;
    expect([shown.webhookSecret, shown.previousSecretUntil, shown.signed]).toEqual([
      undefined,
      previousSecretUntil,
      true,
    ]);

    const third = (await own('POST', `/agents/${agentId}/rotate`, { overlapSeconds: 60 })).body.webhookSecret as string;
    expect(await secretsOf(agentId)).toEqual([third, second]);
    const atOnce = (await own('POST', `/agents/${agentId}/rotate`, { overlapSeconds: 0 })).body;
    expect(atOnce.previousSecretUntil).toBeNull();
    expect(await secretsOf(agentId)).toEqual([atOnce.webhookSecret, null]);
    expect(await changesOf(agentId)).toEqual([1, 2, 3, 4]);
    const entries = await audited(agentId);
    expect(entries[0]).toEqual([
      await tenantKey(),
      'agent.secret_rotated',
      { overlapSeconds: 0, previousSecretUntil: null },
    ]);
    for (const secret of [first, second, third]) expect(JSON.stringify(entries)).not.toContain(secret);
  });

  it('gives an agent without a secret its first', async () => {
    const { agentId } = await newAgent({ webhookSecret: null });
    const { webhookSecret, previousSecretUntil } = (await own('POST', `/agents/${agentId}/rotate`, {})).body;
    expect([await secretsOf(agentId), previousSecretUntil]).toEqual([[webhookSecret, null], null]);
    expect((await own('GET', `/agents/${agentId}`)).body.signed).toBe(true);
  });

  it('is refused with an overlap of more than a week', async () => {
    const { agentId } = await newAgent();
    const refused = await own('POST', `/agents/${agentId}/rotate`, { overlapSeconds: 604_801 });
    expect([refused.status, refused.body.errors[0].pointer]).toEqual([422, '/overlapSeconds']);
  });
});

describe('the rotation of an agent’s own key', () => {
  const sees = async (agentId: string, key: string) => (await api.call('GET', `/agents/${agentId}`, { key })).status;

  it('gives a new one, shown once, and ends the others at once', async () => {
    const { agentId, apiKey: first } = await newAgent();
    const { apiKey: another, agentId: untouched } = await newAgent();
    const rotated = await own('POST', `/agents/${agentId}/rotate-key`);
    const { apiKey: second } = rotated.body as { apiKey: string };
    expect([rotated.status, rotated.body]).toEqual([201, { agentId, apiKey: second }]);
    expect(second).toMatch(/^tw_agent_/);
    expect([await sees(agentId, second), await sees(agentId, first), await sees(untouched, another)]).toEqual([
      200, 401, 200,
    ]);
    const [entry] = await audited(agentId);
    expect(entry).toEqual([
      await tenantKey(),
      'agent.key_rotated',
      { keyId: expect.any(String) as unknown, overlapSeconds: 0 },
    ]);
  });

  it('lets the one before go on for the overlap, and never longer than an earlier rotation said', async () => {
    const { agentId, apiKey: first } = await newAgent();
    const second = (await own('POST', `/agents/${agentId}/rotate-key`, { overlapSeconds: 60 })).body.apiKey as string;
    await own('POST', `/agents/${agentId}/rotate-key`, { overlapSeconds: 604_800 });
    expect([await sees(agentId, first), await sees(agentId, second)]).toEqual([200, 200]);
    const { rows } = await api.pool.query<{ left: number | null }>(
      `SELECT round(extract(epoch FROM "expires_at" - now()) / 60)::int AS "left" FROM "api_key"
        WHERE "agent_id" = $1 ORDER BY "created_at", "id"`,
      [agentId],
    );
    expect(rows.map(({ left }) => left)).toEqual([1, 10_080, null]);
    await own('POST', `/agents/${agentId}/rotate-key`, {});
    expect([await sees(agentId, first), await sees(agentId, second)]).toEqual([401, 401]);
  });

  it('is refused with an overlap of more than a week, and to the agent itself', async () => {
    const { agentId, apiKey } = await newAgent();
    const refused = await own('POST', `/agents/${agentId}/rotate-key`, { overlapSeconds: 604_801 });
    expect([refused.status, refused.body.errors[0].pointer]).toEqual([422, '/overlapSeconds']);
    expect((await api.call('POST', `/agents/${agentId}/rotate-key`, { key: apiKey, body: {} })).status).toBe(403);
  });
});

describe.each([
  ['test', 'test-tick', 'agent.tested'],
  ['breaker/reset', 'reset-breaker', 'agent.breaker_reset'],
] as const)('POST /agents/{id}/%s', (path, command, action) => {
  it('tells the dispatcher under the key of the agent’s ticks, and is audited', async () => {
    const { agentId, shard } = await newAgent();
    const { status, body } = await own('POST', `/agents/${agentId}/${path}`);
    expect([status, body]).toEqual([202, { agentId, controlId: expect.any(String) as unknown }]);
    const [event] = await controlsOf(agentId);
    const { controlId } = body as { controlId: string };
    expect(event).toMatchObject({
      id: controlId,
      tenantid: tenant.id,
      data: { worldId: world, shard, agentId, controlId, command, reason: 'requested' },
    });
    expect(agentControl.key(event!.data)).toBe(marketTick.key({ ...marketTick.sample, worldId: world, shard }));
    expect((await audited(agentId))[0]).toEqual([await tenantKey(), action, { controlId }]);
  });

  it('may be asked for by the agent itself, and is audited under its key', async () => {
    const { agentId, apiKey } = await newAgent();
    const { status, body } = await api.call('POST', `/agents/${agentId}/${path}`, { key: apiKey });
    expect(status).toBe(202);
    expect(await controlsOf(agentId)).toHaveLength(1);
    expect((await audited(agentId))[0]).toEqual([await keyOf(agentId), action, { controlId: body.controlId }]);
  });

  it('is refused to another agent, another tenant, a key that only reads, and operators', async () => {
    const { agentId } = await newAgent();
    const { apiKey: other } = await newAgent();
    const reading = (await own('POST', '/api-keys', { name: 'reader', scopes: ['read'] })).body.key as string;
    const as = async (key: string) => (await api.call('POST', `/agents/${agentId}/${path}`, { key })).status;
    expect([await as(other), await as(stranger.key), await as(reading), await as(ADMIN_TOKEN)]).toEqual([
      404, 404, 403, 403,
    ]);
    expect(await controlsOf(agentId)).toEqual([]);
  });
});

it('a test has to have somewhere to go', async () => {
  const { agentId } = await newAgent({ callbackUrl: null });
  expect(await own('POST', `/agents/${agentId}/test`)).toMatchObject({ status: 409, body: { code: 'CONFLICT' } });
  expect(await controlsOf(agentId)).toEqual([]);
});

it('settings and secrets are not the agent’s own to change', async () => {
  const { agentId, apiKey } = await newAgent();
  const as = async (method: string, path: string, body: object) =>
    (await api.call(method, `/agents/${agentId}${path}`, { key: apiKey, body })).status;
  expect([await as('PATCH', '', { status: 'paused' }), await as('POST', '/rotate', {})]).toEqual([403, 403]);
});
