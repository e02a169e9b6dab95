import { randomUUID } from 'node:crypto';
import { agentActions, marketTick, type AgentOrder, type AgentTick } from '@tickwire/contracts';
import { LogUnavailable, type EventLog } from '@tickwire/event-log';
import { testDatabase, type TestDatabase } from '@tickwire/testing';
import {
  eventRecord,
  newTenant,
  newWorld,
  runApi,
  until,
  type Answer,
  type RunningTestApi,
  type TestTenant,
} from '../../../fixtures/running-api.js';

interface NewAgent {
  agentId: string;
  apiKey: string;
}

const BUY = { type: 'BUY', payload: { symbol: 'NVLT', quantity: 5 } };
const TICK = 7;

let database: TestDatabase;
let api: RunningTestApi;
let tenant: TestTenant;
let world: string;
let agent: NewAgent;
/** How many appends of actions from now on reach the log without its acknowledgement coming back. */
let lostAnswers = 0;

const losingAnswers = (inner: EventLog): EventLog =>
  new Proxy(inner, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (name !== 'append') return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      return async (records: Parameters<EventLog['append']>[0]) => {
        await target.append(records);
        if (lostAnswers === 0 || records[0]?.topic !== agentActions.topic) return;
        lostAnswers -= 1;
        throw new LogUnavailable('no answer');
      };
    },
  });

beforeAll(async () => {
  database = await testDatabase();
  api = await runApi(database, { around: losingAnswers });
  tenant = await newTenant(api);
  world = await newWorld(api);
});

afterAll(async () => {
  await api.close();
  await database.drop();
});

beforeEach(async () => {
  agent = await registered();
  await ticked(agent, TICK);
});

async function registered({ key } = tenant): Promise<NewAgent> {
  const body = { worldId: world, name: 'momentum', role: 'quant' };
  return (await api.call('POST', '/agents', { key, body })).body as NewAgent;
}

/** A tick that brings the agent `change`; resolves once the API shows it. */
async function ticked({ agentId, apiKey }: NewAgent, tick: number, change: Partial<AgentTick> = {}): Promise<void> {
  const own: AgentTick = { agentId, funds: [50_000, 0, 50_000, 50_000], ...change };
  await api.log.append([eventRecord(marketTick, randomUUID(), { worldId: world, tick, agents: [own] })]);
  await until(async () => {
    const { body } = await api.call('GET', `/agents/${agentId}`, { key: apiKey });
    return body.view?.tick === tick;
  });
}

const send = ({ agentId }: NewAgent, body: unknown, key = agent.apiKey): Promise<Answer> =>
  api.call('POST', `/agents/${agentId}/actions`, { key, body });
const recorded = async ({ agentId }: NewAgent) =>
  (await api.appended(agentActions)).filter(({ data }) => data.agentId === agentId);

describe('actions of an agent', () => {
  it('are one record on the log when they are answered 202, whether the agent or its tenant sends them', async () => {
    const actions = [BUY, { type: 'CANCEL_ORDER', payload: { orderId: 'ord_1' } }];
    const answer = await send(agent, { clientId: 'c-1', actions });
    expect([answer.status, answer.body]).toEqual([
      202,
      { clientId: 'c-1', agentId: agent.agentId, acceptedActions: 2, tick: TICK },
    ]);
    expect((await send(agent, { clientId: 'c-2', actions: [BUY] }, tenant.key)).status).toBe(202);
    const records = await recorded(agent);
    expect(records.map(({ data }) => data.clientId)).toEqual(['c-1', 'c-2']);
    expect(records[0]).toMatchObject({
      source: '/tickwire/api',
      subject: agent.agentId,
      tenantid: tenant.id,
      data: { worldId: world, agentId: agent.agentId, tick: TICK, channel: 'api', clientId: 'c-1', actions },
    });
  });

  it('sent again have the id that they had, and those of another client id or agent have another', async () => {
    const other = await registered();
    await ticked(other, TICK);
    for (const clientId of ['c-1', 'c-1', 'c-2']) await send(agent, { clientId, actions: [BUY] });
    await send(other, { clientId: 'c-1', actions: [BUY] }, other.apiKey);
    const [first, again, second] = (await recorded(agent)).map(({ id }) => id);
    const [foreign] = (await recorded(other)).map(({ id }) => id);
    expect(again).toBe(first);
    expect(new Set([first, second, foreign]).size).toBe(3);
  });

  it('are unknown where the log does not acknowledge, and sent again they are the same record', async () => {
    lostAnswers = 1;
    const request = { clientId: 'c-1', actions: [BUY] };
    const lost = await send(agent, request);
    expect([lost.status, lost.body.code, lost.headers.get('retry-after')]).toEqual([503, 'LOG_UNAVAILABLE', '1']);
    expect((await send(agent, request)).status).toBe(202);
    const [first, again] = (await recorded(agent)).map(({ id }) => id);
    expect(again).toBe(first);
  });

  it('are refused before the agent’s first tick, when its world could drop them', async () => {
    const fresh = await registered();
    const early = await send(fresh, { clientId: 'c-1', actions: [BUY] }, fresh.apiKey);
    expect([early.status, early.body.code, early.headers.get('retry-after')]).toEqual([409, 'CONFLICT', '1']);
    expect(await recorded(fresh)).toEqual([]);
    await ticked(fresh, 1);
    expect((await send(fresh, { clientId: 'c-1', actions: [BUY] }, fresh.apiKey)).status).toBe(202);
  });

  it('are taken from an agent whose callbacks are paused, and refused from one that operators have stopped', async () => {
    await api.call('PATCH', `/agents/${agent.agentId}`, { key: tenant.key, body: { status: 'paused' } });
    expect((await send(agent, { clientId: 'c-1', actions: [BUY] })).status).toBe(202);
    await api.pool.query(`UPDATE "agent" SET "status" = 'suspended' WHERE "id" = $1`, [agent.agentId]);
    expect(await send(agent, { clientId: 'c-2', actions: [BUY] })).toMatchObject({ status: 409 });
    expect(await recorded(agent)).toHaveLength(1);
  });

  it('are ten requests a second for each agent, and whoever sends more is told when to come again', async () => {
    const other = await registered();
    await ticked(other, TICK);
    // The present stands, so that no allowance comes back while the requests are sent.
    let nowMs = Date.now();
    api.host.now = () => nowMs;
    try {
      const statuses: number[] = [];
      for (let n = 0; n < 10; n += 1) {
        statuses.push((await send(agent, { clientId: `c-${n}`, actions: [BUY] })).status);
      }
      expect(statuses).toEqual(Array.from({ length: 10 }, () => 202));
      const refused = await send(agent, { clientId: 'c-10', actions: [BUY] });
      expect([refused.status, refused.body.code, refused.headers.get('retry-after')]).toEqual([
        429,
        'RATE_LIMITED',
        '1',
      ]);
      expect((await send(other, { clientId: 'c-10', actions: [BUY] }, other.apiKey)).status).toBe(202);
      expect(await recorded(agent)).toHaveLength(10);
      nowMs += 100;
      expect((await send(agent, { clientId: 'c-10', actions: [BUY] })).status).toBe(202);
    } finally {
      api.host.now = Date.now;
    }
  });

  it('are taken a hundred requests a tick, so that a world that stands is not filled with what waits for it', async () => {
    let nowMs = Date.now();
    api.host.now = () => (nowMs += 1_000);
    try {
      const statuses: number[] = [];
      for (let n = 0; n < 101; n += 1) {
        statuses.push((await send(agent, { clientId: `c-${n}`, actions: [BUY] })).status);
      }
      expect(statuses).toEqual([...Array.from({ length: 100 }, () => 202), 429]);
      expect(await recorded(agent)).toHaveLength(100);
      await ticked(agent, TICK + 1);
      expect((await send(agent, { clientId: 'c-100', actions: [BUY] })).status).toBe(202);
    } finally {
      api.host.now = Date.now;
    }
  });

  it('are nobody else’s to send', async () => {
    const other = await registered();
    const stranger = await newTenant(api, 'Other');
    const readOnly = await api.call('POST', '/api-keys', { key: tenant.key, body: { name: 'r', scopes: ['read'] } });
    const request = { clientId: 'c-1', actions: [BUY] };
    expect(await send(agent, request, other.apiKey)).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
    expect(await send(agent, request, stranger.key)).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
    expect(await send(agent, request, readOnly.body.key as string)).toMatchObject({ status: 403 });
    expect(await recorded(agent)).toEqual([]);
  });
});

describe('a request', () => {
  it('may hold a hundred actions with payloads, whatever these say', async () => {
    const order = { symbol: 'NVLT', quantity: -3, orderType: 'LIMIT', price: 'high', stopPrice: null };
    const actions = Array.from({ length: 100 }, () => ({ type: 'BUY', payload: order }));
    expect(await send(agent, { clientId: 'c-1', actions })).toMatchObject({
      status: 202,
      body: { acceptedActions: 100 },
    });
    expect((await recorded(agent))[0]?.data.actions).toEqual(actions);
  });

  it.each([
    ['nothing', {}, ['/clientId MATCHES', '/actions IS_ARRAY']],
    ['an empty list', { clientId: 'c', actions: [] }, ['/actions ARRAY_MIN_SIZE']],
    ['101 actions', { clientId: 'c', actions: Array(101).fill(BUY) }, ['/actions ARRAY_MAX_SIZE']],
    ['a client id of other characters', { clientId: 'c/1', actions: [BUY] }, ['/clientId MATCHES']],
    ['a client id of 65 characters', { clientId: 'c'.repeat(65), actions: [BUY] }, ['/clientId MATCHES']],
    ['a client id that is a number', { clientId: 1, actions: [BUY] }, ['/clientId MATCHES']],
    [
      'several faults',
      { clientId: '', actions: [BUY, null, {}, { type: 5 }, [], { type: '' }], 'a/b': 1, agentId: 'agt_other' },
      [
        '/clientId MATCHES',
        '/actions/1 NOT_AN_OBJECT',
        '/actions/2/type IS_STRING',
        '/actions/3/type IS_STRING',
        '/actions/4 NOT_AN_OBJECT',
        '/actions/5/type IS_STRING',
        '/a~1b UNKNOWN_FIELD',
        '/agentId UNKNOWN_FIELD',
      ],
    ],
    ['a list', [BUY], [' NOT_AN_OBJECT']],
  ])('with %s is 422 and names each wrong field', async (_, body, wrong) => {
    const refused = await send(agent, body);
    expect([refused.status, refused.body.code]).toEqual([422, 'SCHEMA']);
    const named = (refused.body.errors as { pointer: string; code: string }[]).map(
      (each) => `${each.pointer} ${each.code}`,
    );
    expect(named).toEqual(wrong);
    expect(await recorded(agent)).toEqual([]);
  });

  it('is JSON of at most 64 KiB, 32 levels deep', async () => {
    let deep: object = {};
    for (let level = 0; level < 32; level += 1) deep = { deep };
    const raw = async (contentType: string, body: string): Promise<number> => {
      const answer = await fetch(`${api.url}/api/v1/agents/${agent.agentId}/actions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${agent.apiKey}`, 'content-type': contentType },
        body,
      });
      return answer.status;
    };
    const long = { clientId: 'c', actions: [{ type: 'MESSAGE', payload: { content: 'x'.repeat(65_536) } }] };
    expect(await raw('application/json', JSON.stringify(long))).toBe(413);
    expect(await raw('application/json', JSON.stringify({ clientId: 'c', actions: [{ type: 'BUY', deep }] }))).toBe(
      400,
    );
    expect(await raw('application/json', '{"clientId":')).toBe(400);
    expect(await raw('text/plain', 'BUY')).toBe(415);
    expect(await recorded(agent)).toEqual([]);
  });
});

describe('open orders', () => {
  const order = (id: string, status: AgentOrder['status']): NonNullable<AgentTick['orders']>[number] => ({
    id,
    symbol: 'NVLT',
    side: 'BUY',
    type: 'LIMIT',
    quantity: 50,
    price: 140,
    status,
    filledQuantity: 0,
    tickSubmitted: 6,
    createdAt: '2026-11-22T07:59:58.000Z',
  });
  const list = (key: string) => api.call('GET', `/agents/${agent.agentId}/orders`, { key });

  it('are those that can still trade, all at once, for the agent and its tenant', async () => {
    const statuses = ['open', 'filled', 'partial', 'cancelled', 'pending', 'rejected'] as const;
    await ticked(agent, TICK + 1, { orders: statuses.map((status) => order(`ord_${status}`, status)) });
    for (const key of [agent.apiKey, tenant.key]) {
      const { status, body } = await list(key);
      expect([status, body.nextCursor]).toEqual([200, null]);
      expect(body.data).toEqual(
        (['open', 'partial', 'pending'] as const).map((each) => ({
          ...order(`ord_${each}`, each),
          agentId: agent.agentId,
        })),
      );
    }
  });

  it('are none before the agent’s first tick', async () => {
    const fresh = await registered();
    const { body } = await api.call('GET', `/agents/${fresh.agentId}/orders`, { key: fresh.apiKey });
    expect(body).toEqual({ data: [], nextCursor: null });
  });
});
