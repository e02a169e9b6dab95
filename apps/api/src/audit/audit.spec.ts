import { testDatabase, type TestDatabase } from '@tickwire/testing';
import {
  ADMIN_TOKEN,
  newAccount,
  newTenant,
  newWorld,
  runApi,
  type RunningTestApi,
  type TestTenant,
} from '../../fixtures/running-api.js';

let database: TestDatabase;
let api: RunningTestApi;
let tenant: TestTenant;
let keyId: string;
let world: string;

beforeAll(async () => {
  database = await testDatabase();
  api = await runApi(database);
  world = await newWorld(api);
});

beforeEach(async () => {
  tenant = await newTenant(api);
  keyId = (await own('GET', '/api-keys')).body.data[0].id;
});

afterAll(async () => {
  await api.close();
  await database.drop();
});

const own = (method: string, path: string, body?: unknown) => api.call(method, path, { key: tenant.key, body });
const admin = (method: string, path: string, body?: unknown) =>
  api.call(method, `/admin${path}`, { key: ADMIN_TOKEN, body });
const logs = async (query = '') => (await own('GET', `/audit-logs?limit=200${query}`)).body.data;

it('names who did what to what, for every change, newest first, and holds no secret', async () => {
  const make = async (path: string, body: object) => (await own('POST', path, body)).body;
  const account = await newAccount(api, tenant, world);
  await own('PATCH', `/accounts/${account}`, { status: 'suspended' });
  const bot = await make('/bots', { name: 'bot' });
  await own('PATCH', `/bots/${bot.id}`, { name: 'renamed' });
  const key = await make('/api-keys', { name: 'reader', scopes: ['read'] });
  await own('DELETE', `/api-keys/${key.id}`);
  const secret = await make('/signing-secrets', { name: 'prod' });
  const rotated = await make(`/signing-secrets/${secret.id}/rotate`, { overlapSeconds: 60 });
  await own('DELETE', `/signing-secrets/${secret.id}`);
  const token = await make('/alert-tokens', { botId: bot.id, accountId: account });
  await own('PATCH', `/alert-tokens/${token.id}`, { name: 'chart' });
  await own('DELETE', `/alert-tokens/${token.id}`);
  const jwtSecret = 'a shared secret of at least 32 bytes';
  const issuer = await make('/jwt-issuers', { issuer: 'idp', audience: 'us', secret: jwtSecret });
  await own('DELETE', `/jwt-issuers/${issuer.id}`);
  const endpoint = await make('/webhook-endpoints', { url: 'https://hooks.example.com/T0/url-secret-1' });
  await own('PATCH', `/webhook-endpoints/${endpoint.id}`, { url: 'https://hooks.example.com/T0/url-secret-2' });
  await own('DELETE', `/webhook-endpoints/${endpoint.id}`);
  const callbackUrl = 'https://agents.example.com/url-secret-3';
  const agent = await make('/agents', { worldId: world, name: 'agent', role: 'quant', callbackUrl });
  await own('PATCH', '/settings', { precheck: 'enforce' });
  await admin('PATCH', `/tenants/${tenant.id}`, { settings: { limits: { burst: 7 } } });

  const entries = await logs();
  const by = (actor: string, ...rows: [string, string][]) => rows.map((row) => [actor, ...row]);
  expect(
    entries.map(({ actor, action, subject }: Record<string, string>) => [actor, action, subject]).reverse(),
  ).toEqual([
    ...by('admin', ['tenant.created', tenant.id], ['api-key.created', keyId]),
    ...by(
      keyId,
      ['account.created', account],
      ['account.status_changed', account],
      ['bot.created', bot.id],
      ['bot.changed', bot.id],
      ['api-key.created', key.id],
      ['api-key.revoked', key.id],
      ['signing-secret.created', secret.id],
      ['signing-secret.rotated', secret.id],
      ['signing-secret.revoked', secret.id],
      ['alert-token.created', token.id],
      ['alert-token.changed', token.id],
      ['alert-token.revoked', token.id],
      ['jwt-issuer.created', issuer.id],
      ['jwt-issuer.revoked', issuer.id],
      ['webhook-endpoint.created', endpoint.id],
      ['webhook-endpoint.changed', endpoint.id],
      ['webhook-endpoint.deleted', endpoint.id],
      ['agent.created', agent.agentId],
      ['api-key.created', expect.stringMatching(/^key_/) as unknown as string],
      ['settings.changed', tenant.id],
    ),
    ...by('admin', ['tenant.changed', tenant.id]),
  ]);
  const { rows } = await api.pool.query<{ text: string }>('SELECT a::text AS text FROM audit_log a');
  const text = rows.map((row) => row.text).join('\n');
  const secrets = [tenant.key, key.key, secret.secret, rotated.secret, token.token, jwtSecret, endpoint.secret];
  secrets.push(agent.apiKey, agent.webhookSecret, 'url-secret');
  for (const each of secrets) {
    expect(each.length).toBeGreaterThan(8);
    expect(text).not.toContain(each);
  }
  // Sealed and hashed forms do not belong there either.
  expect(text).not.toContain('sb1.');
  expect(entries.find(({ action }: { action: string }) => action === 'account.status_changed').details).toEqual({
    from: 'active',
    to: 'suspended',
  });
});

it('says nothing of what was refused or changed nothing', async () => {
  const account = await newAccount(api, tenant, world, 'A-1');
  const before = (await logs()).length;
  await own('POST', '/accounts', { externalId: 'A-1', initialBalance: '1', currency: 'USD', quoteSource: world });
  await own('PATCH', `/accounts/${account}`, { status: 'active' });
  await own('POST', '/signing-secrets', { botId: 'bot_none' });
  await own('PATCH', '/bots/bot_none', { name: 'x' });
  await own('DELETE', '/api-keys/key_none');
  expect(await logs()).toHaveLength(before);
});

it('is listed page by page, by action and by subject', async () => {
  const bots: string[] = [];
  for (const name of ['one', 'two', 'three']) bots.push((await own('POST', '/bots', { name })).body.id);
  expect(await logs('&action=bot.created')).toHaveLength(3);
  expect(await logs(`&subject=${bots[1]}`)).toMatchObject([
    { action: 'bot.created', subject: bots[1], details: { name: 'two', accountIds: null } },
  ]);
  const seen: string[] = [];
  for (let cursor = ''; cursor !== 'null';) {
    const { body } = await own('GET', `/audit-logs?limit=2&action=bot.created${cursor && `&cursor=${cursor}`}`);
    seen.push(...body.data.map(({ subject }: { subject: string }) => subject));
    cursor = String(body.nextCursor);
  }
  expect(seen).toEqual([...bots].reverse());
  expect((await own('GET', '/audit-logs?cursor=x')).status).toBe(422);
});

it('of worlds and of every tenant is open to operators', async () => {
  const id = await newWorld(api, { name: 'Audited', seed: 'foretells prices', tickMs: 500 });
  await admin('POST', `/worlds/${id}/commands`, { command: 'speed', tickMs: 100 });
  expect((await admin('GET', `/audit-logs?subject=${id}`)).body.data).toMatchObject([
    { actor: 'admin', action: 'world.commanded', details: { command: 'speed', tickMs: 100 } },
    { actor: 'admin', action: 'world.created', details: { name: 'Audited', tickMs: 500 } },
  ]);
  expect((await admin('GET', `/audit-logs?tenantId=${tenant.id}`)).body.data).toEqual(await logs());
  expect(JSON.stringify(await logs())).not.toContain(id);
});
