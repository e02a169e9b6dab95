import { randomUUID } from 'node:crypto';
import { agentDelivery, type AgentDelivery } from '@tickwire/contracts';
import { testDatabase, type TestDatabase } from '@tickwire/testing';
import {
  eventRecord,
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

interface NewAgent {
  agentId: string;
  apiKey: string;
}

async function newAgent(): Promise<NewAgent> {
  const body = { worldId: world, name: 'momentum', role: 'quant' };
  return (await api.call('POST', '/agents', { key: tenant.key, body })).body as NewAgent;
}

/** The agent's callbacks from tick 0 on, a second apart. */
const settle = (agentId: string, ends: readonly Partial<AgentDelivery>[], from = 0): Promise<void> =>
  api.log.append(
    ends.map((end, n) =>
      eventRecord(agentDelivery, randomUUID(), {
        worldId: world,
        agentId,
        tick: from + n,
        settledAt: new Date(Date.UTC(2026, 10, 22, 8) + (from + n) * 1_000).toISOString(),
        ...end,
      }),
    ),
  );
const deliveries = (agentId: string, query = '', key = tenant.key) =>
  api.call('GET', `/agents/${agentId}/deliveries${query}`, { key });
const agentAt = (agentId: string, tick: number) =>
  until(async () => {
    const { body } = await api.call('GET', `/agents/${agentId}`, { key: tenant.key });
    return body.lastWebhookTick === tick && body;
  });

const FAILED = {
  outcome: 'failed',
  attempts: 4,
  statusCode: 503,
  responseTimeMs: 7,
  error: 'HTTP 503',
  actions: 0,
} as const;
const SKIPPED = {
  outcome: 'skipped',
  attempts: 0,
  circuitBreakerSkipped: true,
  statusCode: undefined,
  responseTimeMs: undefined,
  actions: 0,
} as const;

describe('the log of deliveries', () => {
  it('tells how each tick’s callback ended, newest first', async () => {
    const { agentId } = await newAgent();
    expect((await deliveries(agentId)).body).toEqual({ data: [], nextCursor: null });
    await settle(agentId, [{}, FAILED, SKIPPED]);
    await agentAt(agentId, 2);
    expect((await deliveries(agentId)).body).toEqual({
      data: [
        {
          tick: 2,
          outcome: 'skipped',
          attempts: 0,
          statusCode: null,
          responseTimeMs: null,
          error: null,
          actions: 0,
          circuitBreakerSkipped: true,
          settledAt: '2026-11-22T08:00:02.000Z',
        },
        {
          tick: 1,
          outcome: 'failed',
          attempts: 4,
          statusCode: 503,
          responseTimeMs: 7,
          error: 'HTTP 503',
          actions: 0,
          circuitBreakerSkipped: false,
          settledAt: '2026-11-22T08:00:01.000Z',
        },
        {
          tick: 0,
          outcome: 'delivered',
          attempts: 1,
          statusCode: 200,
          responseTimeMs: 12.4,
          error: null,
          actions: 1,
          circuitBreakerSkipped: false,
          settledAt: '2026-11-22T08:00:00.000Z',
        },
      ],
      nextCursor: null,
    });
  });

  it('is paged without gap or repetition while new deliveries come in, and filtered by outcome', async () => {
    const { agentId } = await newAgent();
    await settle(agentId, [{}, FAILED, {}, FAILED, {}, FAILED, {}]);
    await agentAt(agentId, 6);
    const pages = async (query: string): Promise<number[][]> => {
      const seen: number[][] = [];
      let cursor: string | null = null;
      do {
        const { body } = await deliveries(agentId, `?${query}${cursor === null ? '' : `&cursor=${cursor}`}`);
        seen.push(body.data.map(({ tick }: { tick: number }) => tick));
        cursor = body.nextCursor as string | null;
        if (seen.length === 1 && !query.includes('outcome')) {
          await settle(agentId, [{}], 7);
          await agentAt(agentId, 7);
        }
      } while (cursor !== null);
      return seen;
    };
    expect(await pages('limit=3')).toEqual([[6, 5, 4], [3, 2, 1], [0]]);
    expect(await pages('limit=2&outcome=failed')).toEqual([[5, 3], [1]]);
    expect(await pages('outcome=superseded')).toEqual([[]]);
  });

  it.each([
    ['cursor=x', '/cursor'],
    ['cursor=-1', '/cursor'],
    ['cursor=99999999999999999999', '/cursor'],
    ['outcome=lost', '/outcome'],
    ['limit=0', '/limit'],
  ])('refuses ?%s', async (query, pointer) => {
    const { agentId } = await newAgent();
    const refused = await deliveries(agentId, `?${query}`);
    expect([refused.status, refused.body.errors[0].pointer]).toEqual([422, pointer]);
  });

  it('is shown to the agent’s own key, and to no other agent or tenant', async () => {
    const [one, two] = [await newAgent(), await newAgent()];
    await settle(one.agentId, [{}]);
    await agentAt(one.agentId, 0);
    expect((await deliveries(one.agentId, '', one.apiKey)).body.data).toHaveLength(1);
    const stranger = await newTenant(api, 'Stranger');
    for (const key of [two.apiKey, stranger.key]) {
      expect(await deliveries(one.agentId, '', key)).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
    }
    expect((await deliveries('agt_none')).status).toBe(404);
  });
});

describe('an agent', () => {
  it('has no percentiles before its first delivery, and is ok', async () => {
    const { agentId } = await newAgent();
    const { body } = await api.call('GET', `/agents/${agentId}`, { key: tenant.key });
    expect(body).toMatchObject({ p50Ms: null, p99Ms: null, health: 'ok' });
    expect(Object.keys(body)).not.toContain('responseWindow');
  });

  it('shows its percentiles, and is slow, unresponsive and well again', async () => {
    const { agentId } = await newAgent();
    await settle(agentId, Array<Partial<AgentDelivery>>(19).fill({ responseTimeMs: 100 }));
    const fast = await agentAt(agentId, 18);
    expect(fast).toMatchObject({ health: 'ok' });
    for (const told of [fast.p50Ms, fast.p99Ms]) expect(Math.abs(told - 100)).toBeLessThan(3);

    await settle(agentId, [{ responseTimeMs: 2_500 }], 19);
    const slow = await agentAt(agentId, 19);
    expect(slow).toMatchObject({ health: 'slow' });
    expect(Math.abs(slow.p50Ms - 100)).toBeLessThan(3);
    expect(Math.abs(slow.p99Ms - 2_500)).toBeLessThan(75);

    await settle(agentId, [FAILED, FAILED, FAILED, FAILED], 20);
    expect(await agentAt(agentId, 23)).toMatchObject({ health: 'slow', p99Ms: slow.p99Ms });
    await settle(agentId, [FAILED], 24);
    expect(await agentAt(agentId, 24)).toMatchObject({ health: 'unresponsive' });
    await settle(agentId, Array<Partial<AgentDelivery>>(200).fill({ responseTimeMs: 100 }), 25);
    expect(await agentAt(agentId, 224)).toMatchObject({ health: 'ok' });
  });

  it('is unresponsive while its breaker is open', async () => {
    const { agentId } = await newAgent();
    await settle(agentId, [{}, SKIPPED, { ...SKIPPED, outcome: 'superseded', circuitBreakerSkipped: undefined }]);
    expect(await agentAt(agentId, 2)).toMatchObject({ health: 'unresponsive', webhookFailures: 0 });
    await settle(agentId, [FAILED], 3);
    expect(await agentAt(agentId, 3)).toMatchObject({ health: 'ok' });
  });

  it('is not unresponsive because its owner has paused it', async () => {
    const { agentId } = await newAgent();
    await settle(agentId, [{}, { ...SKIPPED, circuitBreakerSkipped: undefined }]);
    expect(await agentAt(agentId, 1)).toMatchObject({ health: 'ok', webhookSkipped: 1 });
    expect((await deliveries(agentId)).body.data[0]).toMatchObject({
      outcome: 'skipped',
      circuitBreakerSkipped: false,
    });
  });
});
