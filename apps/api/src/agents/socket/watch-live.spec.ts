import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import {
  agentControl,
  agentDelivery,
  composeTickBody,
  marketTick,
  prepareTick,
  type AgentDelivery,
  type AgentTick,
  type MarketTick,
} from '@tickwire/contracts';
import type { EventLog } from '@tickwire/event-log';
import { testDatabase, type TestDatabase } from '@tickwire/testing';
import { WebSocket } from 'ws';
import {
  ADMIN_TOKEN,
  eventRecord,
  newTenant,
  newWorld,
  runApi,
  until,
  type ApiOptions,
  type RunningTestApi,
  type TestTenant,
} from '../../../fixtures/running-api.js';

const HEARTBEAT_SECONDS = 15;

let database: TestDatabase;
let api: RunningTestApi;
let tenant: TestTenant;
let world: string;
/** Subscriptions to ticks that are there to be watched live. */
let watching = 0;

beforeAll(async () => {
  database = await testDatabase();
  api = await runApi(database, { around: countingWatches });
  tenant = await newTenant(api);
  world = await newWorld(api);
});

afterAll(async () => {
  await api.close();
  await database.drop();
});

const open = new Set<WebSocket>();
afterEach(() => {
  for (const socket of open) socket.terminate();
  open.clear();
});

function countingWatches(log: EventLog): EventLog {
  const broadcast: EventLog['broadcast'] = async (options) => {
    const subscription = await log.broadcast(options);
    if (!options.topics.includes(marketTick.topic)) return subscription;
    watching += 1;
    const close = subscription.close.bind(subscription);
    subscription.close = () => {
      watching -= 1;
      return close();
    };
    return subscription;
  };
  return new Proxy(log, {
    get: (target, name) => {
      if (name === 'broadcast') return broadcast;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

interface NewAgent {
  agentId: string;
  apiKey: string;
  shard: number;
}

async function newAgent(change: object = {}): Promise<NewAgent> {
  const callbackUrl = 'https://agents.example.com/tick';
  const body = { worldId: world, name: 'momentum', role: 'quant', callbackUrl, ...change };
  return (await api.call('POST', '/agents', { key: tenant.key, body })).body as NewAgent;
}

type Frame = { type: string } & Record<string, unknown>;

interface Client {
  socket: WebSocket;
  /** As they came. */
  texts: string[];
  frames: Frame[];
  ended: Promise<{ code: number; reason: string }>;
}

interface ConnectOptions {
  headers?: Record<string, string>;
  protocols?: string[];
  autoPong?: boolean;
  at?: RunningTestApi;
}

function dial(path: string, key: string | undefined, options: ConnectOptions = {}): WebSocket {
  const { headers, protocols = [], autoPong, at = api } = options;
  const credential = key === undefined ? {} : { authorization: `Bearer ${key}` };
  const url = `${at.url.replace('http', 'ws')}/api/v1${path}`;
  const socket = new WebSocket(url, protocols, { headers: { ...credential, ...headers }, autoPong });
  open.add(socket);
  return socket;
}

/** Resolves with the `hello`. */
async function watch({ agentId, apiKey }: NewAgent, options: ConnectOptions & { key?: null } = {}): Promise<Client> {
  const socket = dial(`/agents/${agentId}/socket`, options.key === null ? undefined : apiKey, options);
  const texts: string[] = [];
  const frames: Frame[] = [];
  socket.on('message', (data: Buffer) => {
    texts.push(String(data));
    frames.push(JSON.parse(String(data)) as Frame);
  });
  const ended = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.once('close', (code: number, reason: Buffer) => resolve({ code, reason: String(reason) })),
  );
  await once(socket, 'open');
  await until(() => frames.length > 0);
  return { socket, texts, frames, ended };
}

/** The problem document that the handshake was refused with. */
async function refusal(path: string, key: string | undefined, options: ConnectOptions = {}) {
  const socket = dial(path, key, options);
  socket.on('error', () => undefined);
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
  const text = (await response.toArray()).join('');
  const { code } = JSON.parse(text) as { code: string };
  return { status: response.statusCode, code, headers: response.headers };
}

const own = (agentId: string, cash: number): AgentTick => ({
  agentId,
  funds: [cash, 0, cash, cash],
  messages: [],
  actionResults: [{ id: 'r_1', action: 'BUY', success: true, message: `for ${agentId}` }],
});
const tickOf = (tick: number, { shard }: NewAgent, agents: AgentTick[]): Partial<MarketTick> => ({
  worldId: world,
  shard,
  tick,
  part: 1,
  parts: 1,
  agents,
});
const close = (...ticks: Partial<MarketTick>[]): Promise<void> =>
  api.log.append(ticks.map((tick) => eventRecord(marketTick, randomUUID(), tick)));
const settle = (agentId: string, delivery: Partial<AgentDelivery>): Promise<void> =>
  api.log.append([eventRecord(agentDelivery, randomUUID(), { worldId: world, agentId, ...delivery })]);
const resetsOf = async (agentId: string) =>
  (await api.appended(agentControl)).filter(({ data }) => data.agentId === agentId).map(({ data }) => data);

describe('a connected agent', () => {
  it('is greeted, and gets each tick with the body that its callback would carry', async () => {
    const agent = await newAgent();
    const { frames, texts } = await watch(agent);
    expect(frames).toEqual([
      { type: 'hello', agentId: agent.agentId, worldId: world, heartbeatSeconds: HEARTBEAT_SECONDS },
    ]);
    const mine = own(agent.agentId, 1_000);
    await close(tickOf(7, agent, [own('agt_else', 5), mine]));
    await until(() => frames.length === 2);
    const { tick, body } = frames[1] as unknown as { tick: number; body: { timestamp: string } };
    const { closedAt, market, world: facts, news } = marketTick.sample;
    const prepared = prepareTick({ tick: 7, closedAt, market, world: facts, news });
    const sent = composeTickBody(prepared, mine, [], body.timestamp).body;
    expect([tick, texts[1]]).toEqual([7, `{"type":"tick","tick":7,"body":${sent}}`]);
    expect(Math.abs(Date.parse(body.timestamp) - Date.now())).toBeLessThan(60_000);
  });

  it('sees its own ticks and deliveries on all its sockets, and nothing of another', async () => {
    const [one, two] = [await newAgent(), await newAgent()];
    const [first, again, other] = [await watch(one), await watch(one), await watch(two)];
    await close(tickOf(1, one, [own(one.agentId, 1)]), tickOf(1, two, [own(two.agentId, 2)]), {
      ...tickOf(1, one, [own(one.agentId, 3)]),
      worldId: 'wld_else',
    });
    await settle(two.agentId, { tick: 1 });
    await settle(one.agentId, { tick: 1 });
    await close(tickOf(2, one, [own(one.agentId, 4)]), tickOf(2, two, [own(two.agentId, 5)]));
    const seen = ({ frames }: Client) =>
      frames.slice(1).map(({ type, tick, body }) => [type, tick, (body as { portfolio?: object })?.portfolio]);
    for (const { frames } of [first, again, other]) await until(() => frames.length === 4);
    for (const [client, { agentId }] of [
      [first, one],
      [again, one],
      [other, two],
    ] as const) {
      const portfolio = expect.objectContaining({ agentId }) as unknown;
      // Topics have no order between them.
      expect(seen(client).sort()).toEqual([
        ['delivery', 1, undefined],
        ['tick', 1, portfolio],
        ['tick', 2, portfolio],
      ]);
    }
  });

  it('gets a settled delivery as the route of deliveries shows it', async () => {
    const agent = await newAgent();
    const { frames } = await watch(agent);
    await settle(agent.agentId, { tick: 3, outcome: 'failed', attempts: 4, statusCode: undefined, error: 'timeout' });
    await until(() => frames.length === 2);
    const { data } = await until(async () => {
      const { body } = await api.call('GET', `/agents/${agent.agentId}/deliveries`, { key: agent.apiKey });
      return body.data.length === 1 && (body as { data: object[] });
    });
    expect(frames[1]).toEqual({ type: 'delivery', ...data[0] });
  });

  it('is not disturbed by a record that is no event', async () => {
    const agent = await newAgent();
    const { frames } = await watch(agent);
    await api.log.append([{ topic: marketTick.topic, key: `${world}:${agent.shard}`, value: '{"broken":' }]);
    await close(tickOf(9, agent, [own(agent.agentId, 1)]));
    await until(() => frames.length === 2);
    expect(frames[1]).toMatchObject({ type: 'tick', tick: 9 });
  });

  it('may send its key as a protocol, as browsers have to, and is answered with ours', async () => {
    const agent = await newAgent();
    const { socket } = await watch(agent, { key: null, protocols: ['tickwire.v1', agent.apiKey] });
    expect(socket.protocol).toBe('tickwire.v1');
  });

  it('costs a subscription while it is there, and none without it', async () => {
    await until(() => watching === 0);
    const agent = await newAgent();
    const [one, two] = [await watch(agent), await watch(agent)];
    expect(watching).toBe(1);
    for (const { socket, ended } of [one, two]) {
      expect(watching).toBe(1);
      socket.close();
      await ended;
    }
    await until(() => watching === 0);
  });
});

describe('connecting', () => {
  it('resets the breaker once, however often it is done in a row, and is audited', async () => {
    const agent = await newAgent();
    for (let n = 0; n < 3; n += 1) (await watch(agent)).socket.close();
    const { agentId, shard } = agent;
    const resets = await resetsOf(agentId);
    expect(resets).toEqual([
      expect.objectContaining({ worldId: world, shard, command: 'reset-breaker', reason: 'reconnected' }),
    ]);
    const { data } = (await api.call('GET', `/audit-logs?subject=${agentId}`, { key: tenant.key })).body;
    expect(data[0]).toMatchObject({
      actor: expect.stringMatching(/^key_/),
      action: 'agent.breaker_reset',
      details: { controlId: resets[0]!.controlId, reason: 'reconnected' },
    });
  });

  it('resets nothing for an agent without a callback', async () => {
    const agent = await newAgent({ callbackUrl: null });
    await watch(agent);
    expect(await resetsOf(agent.agentId)).toEqual([]);
  });
});

describe('a handshake is refused', () => {
  let agent: NewAgent;
  let path: string;
  beforeAll(async () => {
    agent = await newAgent();
    path = `/agents/${agent.agentId}/socket`;
  });
  afterAll(async () => expect(await resetsOf(agent.agentId)).toEqual([]));

  it('without a valid key of this very agent', async () => {
    const other = await newAgent();
    const wrong = agent.apiKey.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'));
    const answers = await Promise.all([
      refusal(path, undefined),
      refusal(`${path}?key=${agent.apiKey}`, undefined),
      refusal(path, wrong),
      refusal(path, tenant.key),
      refusal(path, ADMIN_TOKEN),
      refusal(path, other.apiKey),
      refusal('/agents/agt_none/socket', agent.apiKey),
      refusal(path, agent.apiKey, { headers: { 'x-api-key': agent.apiKey } }),
      refusal(path, agent.apiKey, { protocols: ['tickwire.v1', agent.apiKey] }),
    ]);
    expect(answers.map(({ status, code }) => [status, code])).toEqual([
      [401, 'UNAUTHENTICATED'],
      [401, 'UNAUTHENTICATED'],
      [401, 'UNAUTHENTICATED'],
      [403, 'FORBIDDEN'],
      [403, 'FORBIDDEN'],
      [404, 'NOT_FOUND'],
      [404, 'NOT_FOUND'],
      [400, 'AMBIGUOUS_CREDENTIALS'],
      [400, 'AMBIGUOUS_CREDENTIALS'],
    ]);
    for (const { headers } of answers) {
      expect(headers).toMatchObject({ 'content-type': expect.stringContaining('application/problem+json') });
      expect(headers['x-request-id']).toBeDefined();
    }
  });

  it('at any other path', async () => {
    expect(await refusal('/nothing/here/socket', agent.apiKey)).toMatchObject({ status: 404, code: 'NOT_FOUND' });
    expect(await refusal('/nothing', agent.apiKey)).toMatchObject({ status: 404, code: 'NOT_FOUND' });
  });

  it('to an agent that is not active', async () => {
    const paused = await newAgent();
    await api.call('PATCH', `/agents/${paused.agentId}`, { key: tenant.key, body: { status: 'paused' } });
    const answer = await refusal(`/agents/${paused.agentId}/socket`, paused.apiKey);
    expect(answer).toMatchObject({ status: 409, code: 'CONFLICT' });
  });

  it('where it is none: the route says what it wants', async () => {
    const { status, headers, body } = await api.call('GET', path, { key: agent.apiKey });
    expect([status, headers.get('upgrade'), body.code]).toEqual([426, 'websocket', 'BAD_REQUEST']);
    expect((await api.call('GET', path, { key: tenant.key })).status).toBe(403);
    expect((await api.call('GET', '/agents/agt_none/socket', { key: agent.apiKey })).status).toBe(404);
    const upgrade = { connection: 'Upgrade', upgrade: 'websocket' };
    const ask = (headers: Record<string, string>) => rawStatus(path, agent.apiKey, { ...upgrade, ...headers });
    const key = { 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' };
    const version = { 'sec-websocket-version': '13' };
    expect(await ask(key)).toBe(400);
    expect(await ask(version)).toBe(400);
    expect(await ask({ ...key, ...version, 'sec-websocket-protocol': 'a,,b' })).toBe(400);
  });

  it('and a request that would rather go on with something else is answered as it is', async () => {
    const h2c = { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABkAAQAAP__' };
    const form = { 'content-type': 'application/json' };
    expect(await rawStatus(`/agents/${agent.agentId}`, agent.apiKey, h2c)).toBe(200);
    expect(await rawStatus('/bots', tenant.key, { ...h2c, ...form }, '{"name":"bot"}')).toBe(201);
  });
});

/** The status of a request that no HTTP client would write. */
async function rawStatus(path: string, key: string, headers: Record<string, string>, body?: string): Promise<number> {
  const { hostname, port } = new URL(api.url);
  const socket = connect(Number(port), hostname);
  const length = body === undefined ? {} : { 'content-length': String(body.length) };
  const fields = Object.entries({ host: hostname, authorization: `Bearer ${key}`, ...headers, ...length });
  const head = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  socket.write(`${body === undefined ? 'GET' : 'POST'} /api/v1${path} HTTP/1.1\r\n${head}\r\n${body ?? ''}`);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return Number(/^HTTP\/1\.1 (\d+)/.exec(String(answer))![1]);
}

describe('a connection ends', () => {
  const changeKey = (change: string) => (agentId: string) =>
    api.pool.query(`UPDATE api_key SET ${change} WHERE agent_id = $1`, [agentId]);

  it.each<[string, number, (agentId: string) => Promise<unknown>]>([
    ['its key is revoked', 4401, changeKey('revoked_at = now()')],
    ['its key expires', 4401, changeKey('expires_at = now()')],
    [
      'its agent is paused',
      4403,
      (agentId) => api.call('PATCH', `/agents/${agentId}`, { key: tenant.key, body: { status: 'paused' } }),
    ],
  ])('when %s', async (_why, code, end) => {
    const [agent, bystander] = [await newAgent(), await newAgent()];
    const [mine, other] = [await watch(agent), await watch(bystander)];
    await end(agent.agentId);
    expect((await mine.ended).code).toBe(code);
    expect(other.socket.readyState).toBe(WebSocket.OPEN);
  });

  it('when it is spoken to', async () => {
    const { socket, ended } = await watch(await newAgent());
    socket.send('{}');
    expect((await ended).code).toBe(1008);
  });

  it('when more is sent than a ping can hold', async () => {
    const { socket, ended } = await watch(await newAgent());
    socket.send('x'.repeat(1_025));
    expect((await ended).code).toBe(1009);
  });
});

describe('on an instance of its own', () => {
  const started: RunningTestApi[] = [];
  const instance = async (config: ApiOptions['config']) => {
    const at = await runApi(database, { config });
    started.push(at);
    return at;
  };
  afterEach(async () => {
    for (const each of started.splice(0)) await each.close();
  });
  const gauge = async ({ host }: RunningTestApi) =>
    (await host.management.registry.getSingleMetric('tickwire_api_agent_sockets')!.get()).values[0]!.value;

  it('a peer that does not answer pings is cut off', async () => {
    const at = await instance({ AGENT_SOCKET_HEARTBEAT_SECONDS: 1 });
    const silent = await watch(await newAgent(), { at, autoPong: false });
    expect(silent.frames[0]).toMatchObject({ heartbeatSeconds: 1 });
    expect((await silent.ended).code).toBe(1006);
    await until(async () => (await gauge(at)) === 0);
  });

  it('only so many are let in for an agent and in all, until one leaves', async () => {
    const at = await instance({ AGENT_SOCKETS: 3, AGENT_SOCKETS_PER_AGENT: 2 });
    const [one, two] = [await newAgent(), await newAgent()];
    const [first] = [await watch(one, { at }), await watch(one, { at })];
    const again = await refusal(`/agents/${one.agentId}/socket`, one.apiKey, { at });
    expect(again).toMatchObject({ status: 429, code: 'RATE_LIMITED', headers: { 'retry-after': '10' } });
    await watch(two, { at });
    const full = await refusal(`/agents/${two.agentId}/socket`, two.apiKey, { at });
    expect(full).toMatchObject({ status: 503, code: 'UNAVAILABLE' });
    expect(await gauge(at)).toBe(3);
    first!.socket.close();
    await until(async () => (await gauge(at)) === 2);
    await until(() => watch(two, { at }).catch(() => undefined));
  });

  it('a stop ends all of them with 1001, also those that do not answer, and waits no longer than that', async () => {
    const at = await instance({});
    const [polite, deaf] = [await watch(await newAgent(), { at }), await watch(await newAgent(), { at })];
    deaf.socket.pause();
    await at.restart();
    expect((await polite.ended).code).toBe(1001);
    expect(await gauge(at)).toBe(0);
  });
});
