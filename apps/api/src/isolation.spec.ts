import { randomUUID } from 'node:crypto';
import type { Type } from '@nestjs/common';
import { agentActions, agentControl, signalEventId, webhookReceived, webhookSuspicious } from '@tickwire/contracts';
import { testDatabase, type TestDatabase } from '@tickwire/testing';
import { routesOf } from '../fixtures/routes.js';
import {
  eventRecord,
  newAccount,
  newTenant,
  newWorld,
  runApi,
  until,
  type RunningTestApi,
  type TestTenant,
} from '../fixtures/running-api.js';
import { ApiModule } from './api.module.js';
import { ApiConfig } from './index.js';

/** What each tenant has, made with the same names and external ids. */
interface Belongings {
  account: string;
  bot: string;
  key: string;
  secret: string;
  endpoint: string;
  agent: string;
  webhookId: string;
  alertToken: string;
  issuer: string;
  suspicion: string;
  restriction: string;
}

let database: TestDatabase;
let api: RunningTestApi;
let world: string;
const tenants: (TestTenant & { has: Belongings })[] = [];

beforeAll(async () => {
  database = await testDatabase();
  api = await runApi(database);
  world = await newWorld(api);
  for (const name of ['Acme', 'Acme']) {
    const tenant = await newTenant(api, name);
    const make = async (path: string, body: object) => (await api.call('POST', path, { key: tenant.key, body })).body;
    const suspicion = randomUUID();
    await api.call('PATCH', '/settings', { key: tenant.key, body: { suspicion: { replay_storm: 'quarantine' } } });
    const account = await newAccount(api, tenant, world, 'A-1');
    const webhookId = signalEventId(tenant.id, account, 's-1');
    await api.log.append([
      eventRecord(webhookReceived, webhookId, { webhookId, tenantId: tenant.id, accountId: account, signalId: 's-1' }),
      eventRecord(webhookSuspicious, suspicion, {
        suspicionId: suspicion,
        tenantId: tenant.id,
        pattern: 'replay_storm',
        suspect: { kind: 'nonce', id: 'n-1' },
        detectedAt: new Date().toISOString(),
      }),
    ]);
    const bot = (await make('/bots', { name: 'bot' })).id;
    const ofTenant = await until(async () => {
      const { rows } = await api.pool.query<{ id: string }>('SELECT id FROM restriction WHERE tenant_id = $1', [
        tenant.id,
      ]);
      return rows[0]?.id;
    });
    tenants.push({
      ...tenant,
      has: {
        account,
        webhookId,
        suspicion,
        restriction: ofTenant,
        bot,
        key: (await make('/api-keys', { name: 'key', scopes: ['read'] })).id,
        secret: (await make('/signing-secrets', {})).id,
        alertToken: (await make('/alert-tokens', { botId: bot, accountId: account })).id,
        issuer: (await make('/jwt-issuers', { issuer: 'idp', audience: 'us', secret: 'x'.repeat(32) })).id,
        endpoint: (await make('/webhook-endpoints', { url: 'https://hooks.example.com/' })).id,
        agent: (await make('/agents', { worldId: world, name: 'agent', role: 'quant' })).agentId,
      },
    });
  }
  await until(async () => (await api.pool.query('SELECT FROM lifecycle_event')).rowCount === 2);
});

afterAll(async () => {
  await api.close();
  await database.drop();
});

const ROUTES: [method: string, path: (has: Belongings) => string, body?: object][] = [
  ['GET', ({ account }) => `/accounts/${account}`],
  ['PATCH', ({ account }) => `/accounts/${account}`, { status: 'suspended' }],
  ['GET', ({ account }) => `/accounts/${account}/fills`],
  ['GET', ({ account }) => `/accounts/${account}/orders`],
  ['GET', ({ account }) => `/accounts/${account}/positions`],
  ['PATCH', ({ bot }) => `/bots/${bot}`, { name: 'stolen' }],
  ['DELETE', ({ key }) => `/api-keys/${key}`],
  ['POST', ({ secret }) => `/signing-secrets/${secret}/rotate`, {}],
  ['DELETE', ({ secret }) => `/signing-secrets/${secret}`],
  ['PATCH', ({ alertToken }) => `/alert-tokens/${alertToken}`, { name: 'stolen' }],
  ['DELETE', ({ alertToken }) => `/alert-tokens/${alertToken}`],
  ['DELETE', ({ issuer }) => `/jwt-issuers/${issuer}`],
  ['DELETE', ({ restriction }) => `/restrictions/${restriction}`],
  ['GET', ({ endpoint }) => `/webhook-endpoints/${endpoint}`],
  ['PATCH', ({ endpoint }) => `/webhook-endpoints/${endpoint}`, { url: 'https://thief.example.com/' }],
  ['GET', ({ endpoint }) => `/webhook-endpoints/${endpoint}/deliveries`],
  ['DELETE', ({ endpoint }) => `/webhook-endpoints/${endpoint}`],
  ['GET', ({ agent }) => `/agents/${agent}`],
  ['GET', ({ agent }) => `/agents/${agent}/inbox`],
  ['PATCH', ({ agent }) => `/agents/${agent}`, { status: 'paused' }],
  ['POST', ({ agent }) => `/agents/${agent}/rotate`, {}],
  ['POST', ({ agent }) => `/agents/${agent}/rotate-key`, {}],
  ['POST', ({ agent }) => `/agents/${agent}/test`],
  ['POST', ({ agent }) => `/agents/${agent}/breaker/reset`],
  ['GET', ({ agent }) => `/agents/${agent}/deliveries`],
  ['GET', ({ agent }) => `/agents/${agent}/orders`],
  ['POST', ({ agent }) => `/agents/${agent}/actions`, { clientId: 'c-1', actions: [{ type: 'BUY' }] }],
  ['GET', ({ webhookId }) => `/signals/${webhookId}`],
  ['GET', ({ account }) => `/signals?signalId=s-1&accountId=${account}`],
];

const LISTS = [
  ['/accounts', 'account', 'id'],
  ['/bots', 'bot', 'id'],
  ['/signing-secrets', 'secret', 'id'],
  ['/alert-tokens', 'alertToken', 'id'],
  ['/jwt-issuers', 'issuer', 'id'],
  ['/suspicions', 'suspicion', 'id'],
  ['/restrictions', 'restriction', 'id'],
  ['/webhook-endpoints', 'endpoint', 'id'],
  ['/agents', 'agent', 'agentId'],
] as const;

/** Routes with a test of their own below. */
const OWN_LISTS = ['GET /api-keys', 'GET /worlds/:id/agents', 'GET /events', 'GET /audit-logs', 'GET /settings'];
/** They name no object, and change or make the caller's own; what their bodies may refer to has tests below. */
const OWN_CHANGES = [
  'PATCH /settings',
  'POST /accounts',
  'POST /agents',
  'POST /alert-tokens',
  'POST /api-keys',
  'POST /bots',
  'POST /jwt-issuers',
  'POST /signing-secrets',
  'POST /webhook-endpoints',
];
/** For an agent’s own key alone; its spec tries the others. */
const OF_AGENTS = ['GET /agents/:id/socket'];
/** Markets are the same for everybody. */
const COMMON = ['GET /worlds/:id', 'GET /worlds/:id/instruments', 'GET /worlds/:id/leaderboard'];

describe('routes', () => {
  const all = routesOf(ApiModule.of(new ApiConfig(), {} as never).controllers as Type[]);
  const ofOperators = all.filter((route) => route.includes(' /admin/'));

  it('are all of them looked at here', () => {
    const placeholders = new Proxy({} as Belongings, { get: () => ':id' });
    const byId = ROUTES.map(([method, path]) => `${method} ${path(placeholders).replace(/\?.*/, '')}`);
    const lists = LISTS.map(([path]) => `GET ${path}`);
    const known = [...byId, ...lists, ...OWN_LISTS, ...OWN_CHANGES, ...OF_AGENTS, ...COMMON, ...ofOperators];
    expect([...known].sort()).toEqual([...all].sort());
  });

  it.each(ofOperators)('%s is closed to tenants', async (route) => {
    const [method, path] = route.split(' ') as [string, string];
    const [one, two] = tenants;
    const answer = await api.call(method, path.replace(':id', two!.id), { key: one!.key });
    expect(answer).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
  });
});

describe('with the objects of another tenant', () => {
  it.each(ROUTES.map(([method, path, body]) => [`${method} ${path({} as Belongings)}`, method, path, body] as const))(
    '%s is 404, as if they were not there',
    async (_, method, path, body) => {
      const [one, two] = tenants;
      const foreign = await api.call(method, path(two!.has), { key: one!.key, body });
      expect(foreign).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
      const absent = await api.call(method, path(invented()), { key: one!.key, body });
      expect({ ...foreign.body, requestId: '' }).toEqual({ ...absent.body, requestId: '' });
    },
  );

  it('nothing of them has changed by that', async () => {
    const [, two] = tenants;
    const { has, key } = two!;
    expect((await api.call('GET', `/accounts/${has.account}`, { key })).body.status).toBe('active');
    expect((await api.call('GET', `/webhook-endpoints/${has.endpoint}`, { key })).body.version).toBe(1);
    expect((await api.call('GET', `/agents/${has.agent}`, { key })).body).toMatchObject({
      status: 'active',
      version: 1,
    });
    expect(await api.appended(agentControl)).toEqual([]);
    expect(await api.appended(agentActions)).toEqual([]);
    const only = async (path: string) => (await api.call('GET', path, { key })).body.data;
    expect(await only('/signing-secrets')).toMatchObject([{ id: has.secret, expiresAt: null, revokedAt: null }]);
    expect(await only('/alert-tokens')).toMatchObject([{ id: has.alertToken, name: '', revokedAt: null }]);
    expect(await only('/jwt-issuers')).toMatchObject([{ id: has.issuer, revokedAt: null }]);
    expect(await only('/restrictions')).toMatchObject([{ id: has.restriction, active: true }]);
    const bots = (await api.call('GET', '/bots', { key })).body.data;
    expect(bots.map((bot: { name: string }) => bot.name)).toEqual(['bot']);
  });

  it('bots, secrets, alert tokens and issuers cannot be tied to them', async () => {
    const [one, two] = tenants;
    const bot = await api.call('POST', '/bots', { key: one!.key, body: { name: 'x', accountIds: [two!.has.account] } });
    const secret = await api.call('POST', '/signing-secrets', { key: one!.key, body: { botId: two!.has.bot } });
    const change = await api.call('PATCH', `/bots/${one!.has.bot}`, {
      key: one!.key,
      body: { accountIds: [two!.has.account] },
    });
    expect([bot.status, secret.status, change.status]).toEqual([422, 422, 422]);
    const refusal = async (path: string, body: object) => {
      const refused = await api.call('POST', path, { key: one!.key, body });
      return [refused.status, refused.body.errors?.[0]?.pointer];
    };
    const { account, bot: own } = one!.has;
    const foreign = two!.has;
    expect(await refusal('/alert-tokens', { botId: foreign.bot, accountId: account })).toEqual([422, '/botId']);
    expect(await refusal('/alert-tokens', { botId: own, accountId: foreign.account })).toEqual([422, '/accountId']);
    const issuer = { issuer: 'other', audience: 'us', secret: 'x'.repeat(32), botId: foreign.bot };
    expect(await refusal('/jwt-issuers', issuer)).toEqual([422, '/botId']);
  });

  it('a tenant cannot be named in a body', async () => {
    const [one, two] = tenants;
    const refused = await api.call('POST', '/bots', { key: one!.key, body: { name: 'x', tenantId: two!.id } });
    expect([refused.status, refused.body.errors[0]]).toEqual([
      422,
      expect.objectContaining({ pointer: '/tenantId', code: 'UNKNOWN_FIELD' }),
    ]);
  });
});

describe('lists', () => {
  it.each(LISTS)('%s hold what is one’s own', async (path, name, field) => {
    for (const tenant of tenants) {
      const { data } = (await api.call('GET', path, { key: tenant.key })).body;
      expect(data.map((each: Record<string, string>) => each[field])).toEqual([tenant.has[name]]);
    }
  });

  it('of API keys, of a world’s agents and of events as well', async () => {
    for (const tenant of tenants) {
      const keys = (await api.call('GET', '/api-keys', { key: tenant.key })).body.data;
      expect(keys.map((each: { name: string }) => each.name)).toEqual(['key', 'bootstrap']);
      const agents = (await api.call('GET', `/worlds/${world}/agents`, { key: tenant.key })).body.data;
      expect(agents.map((each: { agentId: string }) => each.agentId)).toEqual([tenant.has.agent]);
      const events = (await api.call('GET', '/events', { key: tenant.key })).body.data;
      expect(events.map(({ event }: { event: { id: string } }) => event.id)).toEqual([tenant.has.webhookId]);
    }
  });

  it('of the audit hold the changes of one’s own, and settings are one’s own', async () => {
    const [one, two] = tenants;
    const subjects = async ({ key }: TestTenant) =>
      (await api.call('GET', '/audit-logs?limit=200', { key })).body.data.map(
        ({ subject }: { subject: string }) => subject,
      );
    expect(await subjects(one!)).toContain(one!.has.bot);
    for (const foreign of [two!.id, ...Object.values(two!.has)]) expect(await subjects(one!)).not.toContain(foreign);
    expect((await api.call('GET', `/audit-logs?subject=${two!.has.bot}`, { key: one!.key })).body.data).toEqual([]);
    await api.call('PATCH', '/settings', { key: one!.key, body: { precheck: 'enforce' } });
    expect((await api.call('GET', '/settings', { key: two!.key })).body.precheck).toBe('annotate');
  });

  it('find an external id that both have in one’s own accounts only', async () => {
    for (const tenant of tenants) {
      const { data } = (await api.call('GET', '/accounts?externalId=A-1', { key: tenant.key })).body;
      expect(data.map((each: { id: string }) => each.id)).toEqual([tenant.has.account]);
      const status = (await api.call('GET', '/signals?signalId=s-1&accountId=A-1', { key: tenant.key })).body;
      expect([status.webhookId, status.status]).toEqual([tenant.has.webhookId, 'received']);
    }
  });
});

function invented(): Belongings {
  return {
    account: 'acc_none',
    bot: 'bot_none',
    key: 'key_none',
    secret: 'sec_none',
    endpoint: 'whe_none',
    agent: 'agt_none',
    webhookId: '0190a000-0000-5000-8000-000000000000',
    alertToken: 'alt_none',
    issuer: 'iss_none',
    suspicion: '0190a000-0000-5000-8000-000000000000',
    restriction: 'rst_none',
  };
}
