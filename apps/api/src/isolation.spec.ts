import { testDatabase, type TestDatabase } from '@tickwire/testing';
import { signalEventId, webhookReceived } from '@tickwire/contracts';
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

/** What each tenant has, made with the same names and external ids. */
interface Belongings {
  account: string;
  bot: string;
  key: string;
  secret: string;
  endpoint: string;
  agent: string;
  webhookId: string;
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
    const account = await newAccount(api, tenant, world, 'A-1');
    const webhookId = signalEventId(tenant.id, account, 's-1');
    await api.log.append([
      eventRecord(webhookReceived, webhookId, { webhookId, tenantId: tenant.id, accountId: account, signalId: 's-1' }),
    ]);
    tenants.push({
      ...tenant,
      has: {
        account,
        webhookId,
        bot: (await make('/bots', { name: 'bot' })).id,
        key: (await make('/api-keys', { name: 'key', scopes: ['read'] })).id,
        secret: (await make('/signing-secrets', {})).id,
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
  ['POST', ({ secret }) => `/signing-secrets/${secret}/revoke`, {}],
  ['GET', ({ endpoint }) => `/webhook-endpoints/${endpoint}`],
  ['PATCH', ({ endpoint }) => `/webhook-endpoints/${endpoint}`, { url: 'https://thief.example.com/' }],
  ['GET', ({ endpoint }) => `/webhook-endpoints/${endpoint}/deliveries`],
  ['DELETE', ({ endpoint }) => `/webhook-endpoints/${endpoint}`],
  ['GET', ({ agent }) => `/agents/${agent}`],
  ['GET', ({ agent }) => `/agents/${agent}/inbox`],
  ['GET', ({ webhookId }) => `/signals/${webhookId}`],
  ['GET', ({ account }) => `/signals?signalId=s-1&accountId=${account}`],
];

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
    const bots = (await api.call('GET', '/bots', { key })).body.data;
    expect(bots.map((bot: { name: string }) => bot.name)).toEqual(['bot']);
  });

  it('bots and secrets cannot be tied to them', async () => {
    const [one, two] = tenants;
    const bot = await api.call('POST', '/bots', { key: one!.key, body: { name: 'x', accountIds: [two!.has.account] } });
    const secret = await api.call('POST', '/signing-secrets', { key: one!.key, body: { botId: two!.has.bot } });
    const change = await api.call('PATCH', `/bots/${one!.has.bot}`, {
      key: one!.key,
      body: { accountIds: [two!.has.account] },
    });
    expect([bot.status, secret.status, change.status]).toEqual([422, 422, 422]);
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
  it.each([
    ['/accounts', 'account', 'id'],
    ['/bots', 'bot', 'id'],
    ['/signing-secrets', 'secret', 'id'],
    ['/webhook-endpoints', 'endpoint', 'id'],
    ['/agents', 'agent', 'agentId'],
  ] as const)('%s hold what is one’s own', async (path, name, field) => {
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
  };
}
