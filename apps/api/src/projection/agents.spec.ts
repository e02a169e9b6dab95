import {
  agentDelivery,
  marketQuote,
  marketTick,
  worldControl,
  type AgentDelivery,
  type AgentTick,
  type MarketTick,
} from '@tickwire/contracts';
import { partitionOfKey } from '@tickwire/event-log';
import { testDatabase, type TestDatabase } from '@tickwire/testing';
import { randomUUID } from 'node:crypto';
import {
  box,
  eventRecord,
  newAccount,
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
let world: string;

beforeAll(async () => {
  database = await testDatabase();
  api = await runApi(database);
  tenant = await newTenant(api);
  world = await newWorld(api);
});

afterAll(async () => {
  await api.close();
  await database.drop();
});

const register = (change: object = {}) =>
  api.call('POST', '/agents', {
    key: tenant.key,
    body: { worldId: world, name: 'momentum', role: 'quant', ...change },
  });
const newAgent = async (): Promise<string> => (await register()).body.agentId as string;
const get = async (path: string) => (await api.call('GET', path, { key: tenant.key })).body;

describe('registration', () => {
  it('tells the world under its next version, and shows key and secret once', async () => {
    const before = (await get(`/worlds/${world}`)).version;
    const { status, body } = await register({ callbackUrl: 'https://agents.example.com/tick' });
    expect(before).toBeUndefined();
    expect([status, body]).toEqual([
      201,
      expect.objectContaining({
        worldId: world,
        signed: true,
        status: 'active',
        callbackUrl: 'https://agents.example.com/tick',
      }),
    ]);
    expect(body.shard).toBe(partitionOfKey(body.agentId, 16));
    const { rows } = await api.pool.query<{ sealed: string }>(
      'SELECT sealed_webhook_secret AS sealed FROM agent WHERE id = $1',
      [body.agentId],
    );
    expect(box.open(rows[0]!.sealed, [body.agentId])).toBe(body.webhookSecret);
    const shown = await get(`/agents/${body.agentId}`);
    expect([shown.apiKey, shown.webhookSecret]).toEqual([undefined, undefined]);
    const controls = (await api.appended(worldControl))
      .filter(({ data }) => data.worldId === world)
      .map(({ data }) => data);
    expect(controls.at(-1)).toEqual({
      worldId: world,
      command: 'agent-registered',
      agentId: body.agentId,
      role: 'quant',
      name: 'momentum',
      version: controls.length,
    });
  });

  it('takes the caller’s secret, or none', async () => {
    const given = (await register({ webhookSecret: 'a secret of the caller'.replaceAll(' ', '-') })).body;
    expect([given.signed, given.webhookSecret]).toEqual([true, undefined]);
    const none = (await register({ webhookSecret: null })).body;
    expect([none.signed, none.webhookSecret]).toEqual([false, undefined]);
  });

  it.each([
    [{ worldId: 'wld_none' }, '/worldId'],
    [{ role: 'spectator' }, '/role'],
    [{ callbackUrl: 'https://127.0.0.1/' }, '/callbackUrl'],
    [{ webhookSecret: 'short' }, '/webhookSecret'],
    [{ shard: 1 }, '/shard'],
  ])('is refused with %j', async (change, pointer) => {
    const refused = await register(change);
    expect([refused.status, refused.body.errors[0].pointer]).toEqual([422, pointer]);
  });
});

describe('settled callbacks', () => {
  const delivery = (agentId: string, tick: number, change: Partial<AgentDelivery> = {}) =>
    eventRecord(agentDelivery, randomUUID(), {
      worldId: world,
      agentId,
      tick,
      outcome: 'delivered',
      error: undefined,
      responseTimeMs: undefined,
      ...change,
    });
  const counters = async (agentId: string, lastWebhookTick: number) =>
    until(async () => {
      const agent = await get(`/agents/${agentId}`);
      return agent.lastWebhookTick === lastWebhookTick && agent;
    });

  it('are counted under the seed’s names', async () => {
    const agentId = await newAgent();
    expect(await get(`/agents/${agentId}`)).toMatchObject({
      webhookFailures: 0,
      webhookSuccessCount: 0,
      lastWebhookError: null,
      avgResponseTimeMs: null,
      view: null,
    });
    await api.log.append([
      delivery(agentId, 0, { responseTimeMs: 10, settledAt: '2026-11-22T08:00:00.000Z' }),
      delivery(agentId, 1, { outcome: 'failed', error: 'HTTP 500', responseTimeMs: 900 }),
      delivery(agentId, 2, { outcome: 'superseded', attempts: 0 }),
      delivery(agentId, 3, { outcome: 'skipped', circuitBreakerSkipped: true, attempts: 0 }),
      delivery(agentId, 4, { responseTimeMs: 20, settledAt: '2026-11-22T08:00:04.000Z' }),
    ]);
    expect(await counters(agentId, 4)).toMatchObject({
      webhookSuccessCount: 2,
      webhookFailures: 1,
      webhookSuperseded: 1,
      webhookSkipped: 1,
      lastWebhookError: 'HTTP 500',
      lastWebhookSuccessAt: '2026-11-22T08:00:04.000Z',
      lastResponseTimeMs: 20,
      avgResponseTimeMs: 15,
    });
  });

  it('are counted once, however often they come, in one batch or in several', async () => {
    const agentId = await newAgent();
    await api.log.append([delivery(agentId, 0), delivery(agentId, 0), delivery(agentId, 1)]);
    await counters(agentId, 1);
    await api.log.append([delivery(agentId, 0), delivery(agentId, 1), delivery(agentId, 2)]);
    expect((await counters(agentId, 2)).webhookSuccessCount).toBe(3);
  });
});

describe('ticks', () => {
  const quote = { ...marketTick.sample.market.watchlist[0]!, symbol: 'NVLT', price: 150.5 };
  const tickRecord = (tick: number, agents: AgentTick[], change: Partial<MarketTick> = {}) =>
    eventRecord(marketTick, randomUUID(), {
      worldId: world,
      tick,
      closedAt: new Date(Date.UTC(2026, 0, 1) + tick * 1_000).toISOString(),
      market: {
        indices: [{ name: 'MARKET', value: 1_000 + tick, change: 1 }],
        watchlist: [{ ...quote, price: 100 + tick }],
      },
      world: { ...marketTick.sample.world, currentTick: tick },
      agents,
      ...change,
    });
  const worldAt = (tick: number) => until(async () => (await get(`/worlds/${world}`)).state?.currentTick === tick);

  it('make the world and its instruments visible, and only newer ones replace them', async () => {
    expect(await get(`/worlds/${world}/instruments`)).toEqual({ data: [], nextCursor: null });
    await api.log.append([tickRecord(10, []), tickRecord(11, [], { shard: 4 }), tickRecord(10, [], { shard: 5 })]);
    await worldAt(11);
    expect((await get(`/worlds/${world}/instruments`)).data).toEqual([
      { symbol: 'NVLT', name: quote.name, sector: quote.sector, price: '111', priceDecimals: 2, quantityDecimals: 0 },
    ]);
    await api.restart(); // forgets what it has written: the row says it
    const agentId = await newAgent();
    await api.log.append([tickRecord(9, [{ agentId, funds: [1, 0, 1, 1] }])]);
    await until(async () => (await get(`/agents/${agentId}`)).view !== null);
    expect((await get(`/worlds/${world}`)).state.currentTick).toBe(11);
    await api.log.append([tickRecord(12, [])]);
    await worldAt(12);
    expect((await get(`/worlds/${world}`)).state.indices).toEqual([{ name: 'MARKET', value: 1_012, change: 1 }]);
    expect((await api.call('GET', '/worlds/wld_none', { key: tenant.key })).status).toBe(404);
  });

  it('give each agent its own latest part, with what it holds at the newest prices', async () => {
    const agentId = await newAgent();
    await api.log.append([
      tickRecord(20, [{ agentId, funds: [500, 0, 500, 800], positions: [['NVLT', 3, 100]] }]),
      tickRecord(19, [{ agentId, funds: [1, 1, 1, 1] }], { shard: 4 }),
    ]);
    const { view } = await until(async () => {
      const agent = await get(`/agents/${agentId}`);
      return agent.view?.tick === 20 && agent;
    });
    expect(view.portfolio).toMatchObject({
      agentId,
      cash: 500,
      positions: [expect.objectContaining({ shares: 3, currentPrice: 120, unrealizedPnL: 60 })],
    });
  });

  it('fill the inbox with what is carried and what is new, each item once, even with texts that no database holds', async () => {
    const agentId = await newAgent();
    const message = (id: string, content: string) => ({
      id,
      fromAgentId: 'agt_x',
      toAgentId: agentId,
      content,
      tick: 30,
      createdAt: '2026-01-01T00:00:00.000Z',
    });
    expect(await get(`/agents/${agentId}/inbox`)).toMatchObject({
      agentId,
      tick: null,
      messages: [],
      actionResults: [],
    });
    const carried = [
      { list: 'actionResults', item: { id: 'ar_1', action: 'BUY', success: true } },
      { list: 'messages', item: message('m1', 'carried') },
    ];
    await api.pool.query(`INSERT INTO agent_dispatch (agent_id, world_id, shard, carried) VALUES ($1, $2, 0, $3)`, [
      agentId,
      world,
      JSON.stringify(carried),
    ]);
    await api.log.append([
      tickRecord(30, [
        {
          agentId,
          funds: [1, 0, 1, 1],
          messages: [message('m1', 'carried'), message('m2', 'a\0b\ud800')],
          actionResults: [{ id: 'ar_2', action: 'SELL', success: false }],
        },
      ]),
    ]);
    const inbox = await until(async () => {
      const body = await get(`/agents/${agentId}/inbox`);
      return body.tick === 30 && body;
    });
    expect(inbox.messages.map((each: { id: string; content: string }) => [each.id, each.content])).toEqual([
      ['m1', 'carried'],
      ['m2', 'a\ufffdb\ufffd'],
    ]);
    expect(inbox.actionResults.map((each: { id: string }) => each.id)).toEqual(['ar_1', 'ar_2']);
  });
});

it('values open positions at the latest quote that was heard', async () => {
  const source = await newWorld(api);
  const account = await newAccount(api, tenant, source);
  await api.pool.query(
    `INSERT INTO exec_account (account_id, tenant_id, partition, status, directory_version, currency, quote_source, initial_balance, balance, version, updated_at)
     VALUES ($1, $2, 0, 'active', 1, 'USD', $3, 100000, 100000, 1, now())`,
    [account, tenant.id, source],
  );
  await api.pool.query(`INSERT INTO exec_position VALUES ($1, 'NVLT', 10, 100000, 0), ($1, 'SHRT', -10, -10000, 0)`, [
    account,
  ]);
  const quotes = (bid: string) => [
    { symbol: 'NVLT', bid, ask: '200' },
    { symbol: 'SHRT', bid: '1', ask: '9.5' },
  ];
  await api.log.append([
    eventRecord(marketQuote, randomUUID(), { source, step: 5, quoteId: `${source}:5`, quotes: quotes('101.25') }),
  ]);
  // 1000.00 + 10 x (101.25 - 100.00) + 10 x (10.00 - 9.50)
  await until(async () => (await get(`/accounts/${account}`)).state.equity === '1017.5');
  await api.log.append([
    eventRecord(marketQuote, randomUUID(), { source, step: 4, quoteId: `${source}:4`, quotes: quotes('1') }),
  ]);
  await api.log.append([
    eventRecord(marketQuote, randomUUID(), { source, step: 6, quoteId: `${source}:6`, quotes: quotes('102.25') }),
  ]);
  await until(async () => (await get(`/accounts/${account}`)).state.equity === '1027.5');
});
