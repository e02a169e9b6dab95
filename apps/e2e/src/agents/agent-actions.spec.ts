import { randomBytes } from 'node:crypto';
import { ApiConfig, startApi } from '@tickwire/api';
import {
  agentActions,
  createEvent,
  deadLetterTopic,
  derivedId,
  encodeEvent,
  type ActionResult,
  type AgentOrder,
  type AppName,
} from '@tickwire/contracts';
import { ExecutionConfig, startExecution } from '@tickwire/execution';
import type { RunningApp } from '@tickwire/runtime';
import { eventually, recordsOf, testHost, type TestHost } from '@tickwire/testing';
import { startTickDispatcher, TickDispatcherConfig } from '@tickwire/tick-dispatcher';
import { ApiCalls, provisionTenant } from '../worlds/api-calls.js';

interface Accepted {
  clientId: string;
  acceptedActions: number;
  tick: number;
}

interface Registered {
  agentId: string;
  apiKey: string;
}

interface Inbox {
  tick: number | null;
  actionResults: ActionResult[];
}

const ADMIN_TOKEN = `tw_admin_${'0'.repeat(27)}`;
const SECRETS_KEYS = `spec:${randomBytes(32).toString('base64')}`;

// A clock that moves by command alone: what arrives before which tick is then no matter of luck.
describe('an agent without a callback', () => {
  const stops: (() => Promise<void>)[] = [];
  let host: TestHost;
  let admin: ApiCalls;
  let tenant: ApiCalls;
  let worldId: string;
  let symbol: string;
  let agent: Registered;
  let own: ApiCalls;

  const start = async (app: AppName, begin: (host: TestHost) => Promise<RunningApp>): Promise<RunningApp> => {
    const each = await host.another(app);
    stops.push(() => each.close());
    const running = await begin(each);
    stops.push(() => running.stop());
    return running;
  };

  beforeAll(async () => {
    host = await testHost('api');
    const base = { DATABASE_URL: host.database.connectionString, EVENT_LOG: 'postgres', SECRETS_KEYS };
    const apiConfig = Object.assign(new ApiConfig(), {
      ...base,
      API_PORT: 0,
      API_HOST: '127.0.0.1',
      ADMIN_TOKEN,
      API_KEY_PEPPER: 'a pepper for the spec',
      STATUS_TOKEN_KEY: 'a status token key for the spec of actions',
    });
    const { url } = await start('api', (each) => startApi(apiConfig, each));
    const worlds = Object.assign(new ExecutionConfig(), { ...base, ROLE: 'worlds' });
    await start('execution', (each) => startExecution(worlds, each));
    const dispatcher = Object.assign(new TickDispatcherConfig(), base);
    await start('tick-dispatcher', (each) => startTickDispatcher(dispatcher, each));
    admin = new ApiCalls(url!, ADMIN_TOKEN);
    tenant = new ApiCalls(url!, (await provisionTenant(admin, 'Actions')).apiKey);
    const world = { name: 'Stepped', seed: 'actions-spec', companies: 5, tickMs: 0 };
    worldId = (await admin.post<{ id: string }>('admin/worlds', world)).id;
    agent = await tenant.post<Registered>('agents', { worldId, name: 'poller', role: 'quant' });
    own = new ApiCalls(url!, agent.apiKey);
    await step();
    symbol = (await own.get<{ data: { symbol: string }[] }>(`worlds/${worldId}/instruments`)).data[0]!.symbol;
  }, 120_000);

  afterAll(async () => {
    for (const stop of stops.reverse()) await stop();
    await host?.close();
  }, 60_000);

  const inbox = () => own.get<Inbox>(`agents/${agent.agentId}/inbox`);
  const openOrders = async () => (await own.get<{ data: AgentOrder[] }>(`agents/${agent.agentId}/orders`)).data;
  const sharesOwned = async () => {
    const { view } = await own.get<{ view: { portfolio: { positions: { shares: number }[] } } }>(
      `agents/${agent.agentId}`,
    );
    return view.portfolio.positions.reduce((sum, { shares }) => sum + shares, 0);
  };
  const send = (clientId: string, actions: object[], as = own) =>
    as.post<Accepted>(`agents/${agent.agentId}/actions`, { clientId, actions });
  const buy = (quantity: number, terms: object = {}) => ({ type: 'BUY', payload: { symbol, quantity, ...terms } });

  /** Closes one tick. @returns the results that the inbox gained by it, once it shows the tick */
  async function step(): Promise<ActionResult[]> {
    const before = await inbox();
    await admin.post(`admin/worlds/${worldId}/commands`, { command: 'stepped', ticks: 1 });
    const tick = (before.tick ?? 0) + 1;
    const after = await eventually(inbox, (seen) => seen.tick === tick, 40_000);
    const known = new Set(before.actionResults.map(({ id }) => id));
    return after.actionResults.filter(({ id }) => !known.has(id));
  }

  /**
   * Waits until the world has all that was appended to its topic of actions in its inbox: topics are read apart, so an
   * order to step could otherwise overtake them. What is no event is buried by the reader, after all that lies before it.
   */
  async function readByWorld(): Promise<void> {
    const buried = async () => (await recordsOf(host.log, deadLetterTopic(agentActions.topic))).length;
    const before = await buried();
    await host.log.append([{ topic: agentActions.topic, key: worldId, value: 'no event' }]);
    await eventually(buried, (now) => now > before, 40_000);
  }

  it('trades through the api and finds the results in its inbox, and its open orders', async () => {
    const { tick } = await inbox();
    const answer = await send('first', [
      buy(5),
      buy(7, { orderType: 'LIMIT', price: 1 }),
      { type: 'CANCEL_ORDER', payload: { orderId: 'nobody-has-this' } },
    ]);
    expect(answer).toEqual({ clientId: 'first', agentId: agent.agentId, acceptedActions: 3, tick });
    await readByWorld();
    const results = await step();
    expect(results.map(({ action, success }) => [action, success])).toEqual([
      ['BUY', true],
      ['BUY', true],
      ['CANCEL_ORDER', false],
    ]);
    expect(await sharesOwned()).toBe(5);
    const [order, ...others] = await openOrders();
    expect([order, others]).toEqual([expect.objectContaining({ symbol, quantity: 7, price: 1, status: 'open' }), []]);
    await send('cancel', [{ type: 'CANCEL_ORDER', payload: { orderId: order!.id } }]);
    await readByWorld();
    expect(await step()).toMatchObject([{ action: 'CANCEL_ORDER', success: true }]);
    expect(await openOrders()).toEqual([]);
  }, 120_000);

  it('acts once however often a request is sent, before the tick and after it, by whomever and with whatever', async () => {
    const owned = await sharesOwned();
    const first = await send('once', [buy(3)]);
    expect(await send('once', [buy(3)])).toEqual(first);
    await send('once', [buy(400)], tenant);
    await readByWorld();
    expect(await step()).toMatchObject([{ action: 'BUY', success: true, data: { quantity: 3 } }]);
    await send('once', [buy(3)]);
    await readByWorld();
    expect(await step()).toEqual([]);
    expect(await sharesOwned()).toBe(owned + 3);
  }, 120_000);

  it('has ten actions a tick over requests and callback answers together', async () => {
    const owned = await sharesOwned();
    const { tick } = await inbox();
    const answered = createEvent(agentActions, {
      id: derivedId(`${agent.agentId}/${tick}`, 'actions', 'callback'),
      source: 'tick-dispatcher',
      subject: agent.agentId,
      timeMs: Date.now(),
      data: {
        worldId,
        agentId: agent.agentId,
        tick: tick!,
        channel: 'callback',
        actions: Array.from({ length: 4 }, () => buy(1)),
        receivedAt: new Date().toISOString(),
      },
    });
    await send('three', [buy(1), buy(1), buy(1)]);
    // As the dispatcher would append it; this agent has no callback to answer.
    await host.log.append([encodeEvent(agentActions, answered)]);
    await send(
      'five',
      Array.from({ length: 5 }, () => buy(1)),
    );
    await readByWorld();
    const results = await step();
    expect(results.map(({ success, message }) => (success ? 'done' : message))).toEqual([
      ...Array.from({ length: 10 }, () => 'done'),
      'LIMIT_EXCEEDED',
      'LIMIT_EXCEEDED',
    ]);
    expect(await sharesOwned()).toBe(owned + 10);
    await send('next', [buy(1)]);
    await readByWorld();
    expect(await step()).toMatchObject([{ success: true }]);
  }, 120_000);
});
