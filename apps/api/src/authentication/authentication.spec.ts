import { testDatabase, type TestDatabase } from '@tickwire/testing';
import {
  ADMIN_TOKEN,
  newTenant,
  newWorld,
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
  tenant = await newTenant(api);
});

afterAll(async () => {
  await api.close();
  await database.drop();
});

const newKey = async (body: object): Promise<{ id: string; key: string }> =>
  (await api.call('POST', '/api-keys', { key: tenant.key, body })).body;
const get = (path: string, headers: Record<string, string>) => api.call('GET', path, { headers });

describe('credentials', () => {
  it('come as a bearer token or as X-API-Key', async () => {
    expect((await get('/accounts', { authorization: `Bearer ${tenant.key}` })).status).toBe(200);
    expect((await get('/accounts', { authorization: `bearer ${tenant.key}` })).status).toBe(200);
    expect((await get('/accounts', { 'x-api-key': tenant.key })).status).toBe(200);
    expect((await get('/admin/tenants', { 'x-api-key': ADMIN_TOKEN })).status).toBe(200);
  });

  it('are one a request', async () => {
    const both = await get('/accounts', { authorization: `Bearer ${tenant.key}`, 'x-api-key': tenant.key });
    expect(both).toMatchObject({ status: 400, body: { code: 'AMBIGUOUS_CREDENTIALS' } });
    const withToken = await get('/signals/0190a000-0000-7000-8000-000000000001?t=1.x', { 'x-api-key': tenant.key });
    expect(withToken.status).toBe(400);
  });

  it.each([
    ['none', {}],
    ['an unknown scheme', { authorization: 'Basic YTpi' }],
    ['an empty token', { authorization: 'Bearer ' }],
    ['garbage', { 'x-api-key': 'garbage' }],
    ['another admin token', { 'x-api-key': `${ADMIN_TOKEN}0` }],
    ['a key with a wrong checksum', { 'x-api-key': 'tw_live_000000000000000000000000000000_000000' }],
  ])('that are %s are answered 401', async (_, headers) => {
    const refused = await get('/accounts', headers);
    expect(refused).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } });
    expect(refused.headers.get('www-authenticate')).toBe('Bearer');
  });
});

describe('API keys', () => {
  it('reach as far as their scopes', async () => {
    const { key: reader } = await newKey({ scopes: ['read'], kind: 'test' });
    expect(reader).toMatch(/^tw_test_/);
    expect((await api.call('GET', '/accounts', { key: reader })).status).toBe(200);
    expect(await api.call('POST', '/bots', { key: reader, body: { name: 'x' } })).toMatchObject({
      status: 403,
      body: { code: 'FORBIDDEN' },
    });
    const { key: writer } = await newKey({ scopes: ['signals:write'] });
    expect((await api.call('GET', '/accounts', { key: writer })).status).toBe(403);
    expect((await api.call('GET', '/signals?signalId=s&accountId=a', { key: writer })).status).toBe(404);
  });

  it('of a tenant open nothing of the operators, and theirs nothing of a tenant', async () => {
    for (const path of ['/admin/tenants', '/admin/worlds', '/admin/dead-letters']) {
      expect([path, (await api.call('GET', path, { key: tenant.key })).status]).toEqual([path, 403]);
    }
    for (const path of ['/accounts', '/bots', '/api-keys', '/events', '/agents']) {
      expect([path, (await api.call('GET', path, { key: ADMIN_TOKEN })).status]).toEqual([path, 403]);
    }
  });

  it('work until they are revoked, and not a request longer', async () => {
    const { id, key } = await newKey({ scopes: ['read'], name: 'short-lived' });
    expect((await api.call('GET', '/accounts', { key })).status).toBe(200);
    const listed = (await api.call('GET', '/api-keys', { key: tenant.key })).body.data[0];
    expect(listed).toMatchObject({
      id,
      name: 'short-lived',
      kind: 'live',
      hint: `tw_live_…${key.slice(-11, -7)}`,
      scopes: ['read'],
      revokedAt: null,
    });
    expect(JSON.stringify(listed)).not.toContain(key);
    expect((await api.call('DELETE', `/api-keys/${id}`, { key: tenant.key })).status).toBe(204);
    expect((await api.call('GET', '/accounts', { key })).status).toBe(401);
    expect((await api.call('DELETE', `/api-keys/${id}`, { key: tenant.key })).status).toBe(204);
    expect((await api.call('DELETE', '/api-keys/key_none', { key: tenant.key })).status).toBe(404);
  });

  it('may be revoked with themselves', async () => {
    const { id, key } = await newKey({ scopes: ['manage'] });
    expect((await api.call('DELETE', `/api-keys/${id}`, { key })).status).toBe(204);
    expect((await api.call('DELETE', `/api-keys/${id}`, { key })).status).toBe(401);
  });

  it('give no scope that they do not have', async () => {
    const { key } = await newKey({ scopes: ['manage', 'read'] });
    const refused = await api.call('POST', '/api-keys', { key, body: { scopes: ['read', 'signals:write'] } });
    expect(refused).toMatchObject({
      status: 403,
      body: { code: 'FORBIDDEN', errors: [{ pointer: '/scopes/1', code: 'SCOPE_NOT_HELD' }] },
    });
    expect((await api.call('POST', '/api-keys', { key, body: { scopes: ['read', 'manage'] } })).status).toBe(201);
  });

  it('note their last use once a minute, beside the request', async () => {
    const { id, key } = await newKey({ scopes: ['read'] });
    const lastUse = async () =>
      (await api.pool.query<{ at: Date | null }>('SELECT last_used_at AS at FROM api_key WHERE id = $1', [id])).rows[0]!
        .at;
    await Promise.all([1, 2, 3].map(() => api.call('GET', '/accounts', { key })));
    const first = await until(async () => (await lastUse()) ?? undefined);
    // Half a minute ago is recent enough; over a minute ago is not.
    const set = (ago: string) =>
      api.pool.query(`UPDATE api_key SET last_used_at = now() - $2::interval WHERE id = $1`, [id, ago]);
    await set('30 s');
    const recent = await lastUse();
    await api.call('GET', '/accounts', { key });
    await api.restart(); // waits for what is being noted
    expect(await lastUse()).toEqual(recent);
    await set('61 s');
    await api.call('GET', '/accounts', { key });
    await until(async () => (await lastUse())!.getTime() >= first.getTime());
  });

  it('expire', async () => {
    const { key } = await newKey({ scopes: ['read'], expiresAt: new Date(Date.now() + 400).toISOString() });
    expect((await api.call('GET', '/accounts', { key })).status).toBe(200);
    await until(async () => (await api.call('GET', '/accounts', { key })).status === 401);
  });

  it.each([
    [{ scopes: [] }],
    [{ scopes: ['root'] }],
    [{ scopes: ['read'], expiresAt: '2020-01-01T00:00:00Z' }],
    [{ scopes: ['read'], expiresAt: 'soon' }],
  ])('are refused with %j', async (body) => {
    expect((await api.call('POST', '/api-keys', { key: tenant.key, body })).status).toBe(422);
  });

  it('are worthless while their tenant is not active', async () => {
    const other = await newTenant(api, 'Suspended');
    await api.pool.query(`UPDATE tenant SET status = 'suspended' WHERE id = $1`, [other.id]);
    expect(await api.call('GET', '/accounts', { key: other.key })).toMatchObject({
      status: 403,
      body: { code: 'TENANT_INACTIVE' },
    });
  });
});

describe('agent keys', () => {
  it('open their own agent and worlds, and nothing else', async () => {
    const world = await newWorld(api);
    const create = (name: string) =>
      api.call('POST', '/agents', { key: tenant.key, body: { worldId: world, name, role: 'quant' } });
    const [first, second] = [(await create('one')).body, (await create('two')).body];
    expect(first.apiKey).toMatch(/^tw_agent_/);
    const as = (path: string) => api.call('GET', path, { key: first.apiKey });
    expect((await as(`/agents/${first.agentId}`)).status).toBe(200);
    expect((await as(`/agents/${first.agentId}/inbox`)).status).toBe(200);
    expect((await as(`/worlds/${world}/instruments`)).status).toBe(200);
    expect((await as(`/agents/${second.agentId}`)).status).toBe(404);
    for (const path of ['/agents', '/accounts', '/events', '/api-keys', '/admin/tenants']) {
      expect([path, (await as(path)).status]).toEqual([path, 403]);
    }
    const keys = (await api.call('GET', '/api-keys?limit=200', { key: tenant.key })).body.data;
    expect(keys.map((each: { kind: string }) => each.kind)).not.toContain('agent');
  });
});

it('answers 503 while the database is away, and tells nothing of it', async () => {
  const pool = api.host.pool as { query: unknown };
  const { query } = pool;
  pool.query = () =>
    Promise.reject(Object.assign(new Error('connect ECONNREFUSED 10.1.2.3'), { code: 'ECONNREFUSED' }));
  const answer = await api.call('GET', '/accounts', { key: tenant.key });
  pool.query = query;
  expect(answer).toMatchObject({ status: 503, body: { code: 'UNAVAILABLE' } });
  expect(JSON.stringify(answer.body)).not.toContain('10.1.2.3');
});
