import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ActionResult, TickWebhook } from '@tickwire/contracts';
import { signTick } from '@tickwire/signing';
import { eventually } from '@tickwire/testing';
import { AgentServer } from '../agents/agent-server.js';
import { freePorts } from '../exactly-once/free-ports.js';
import { StandaloneProcess } from '../exactly-once/standalone-process.js';
import { ApiCalls, provisionTenant } from '../worlds/api-calls.js';
import { guideExamples, type GuideExample } from './guide-examples.js';
import { GuideReader } from './guide-reader.js';
import type { RunningExample } from './running-example.js';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const GUIDE = readFileSync(`${ROOT}docs/guides/agents.md`, 'utf8');
const EXAMPLES = guideExamples(GUIDE);
/** A day of the world's market lasts 390 ticks: over three minutes in which orders are filled at once. */
const TICK_MS = 500;
/** For what has to come on a busy machine, however slow. */
const PATIENCE_MS = 60_000;
/** What a bad signature looks like that has the right form. */
const FORGED = `sha256=${'0'.repeat(64)}`;

interface Counters {
  webhookSuccessCount: number;
  webhookFailures: number;
  lastWebhookTick: number | null;
}
interface Delivery {
  outcome: string;
  actions: number;
}

let system: StandaloneProcess;
let admin: ApiCalls;
let apiUrl: string;
let apiKey: string;
let tenant: ApiCalls;
beforeAll(async () => {
  const dataDir = mkdtempSync(path.join(tmpdir(), 'tickwire-agents-guide-'));
  system = new StandaloneProcess(dataDir, await freePorts(4), ['--no-demo']);
  const dev = await system.start();
  apiUrl = dev.apiUrl;
  admin = new ApiCalls(apiUrl, dev.adminToken);
  ({ apiKey } = await provisionTenant(admin, 'Agents of the guide'));
  tenant = new ApiCalls(apiUrl, apiKey);
}, 120_000);
afterAll(() => system?.remove(), 60_000);

async function newWorld(tickMs: number): Promise<string> {
  const world = { name: 'Exchange', seed: 'guides', companies: 20, tickMs };
  return (await admin.post<{ id: string }>('admin/worlds', world)).id;
}

/** Resolves when the agent has got its last callback. */
async function pause(agentId: string): Promise<void> {
  const answer = await fetch(`${apiUrl}/api/v1/agents/${agentId}`, {
    method: 'PATCH',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ status: 'paused' }),
  });
  if (!answer.ok) throw new Error(`Pausing was answered ${answer.status}`);
  const newest = (): Promise<{ data: Delivery[] }> => tenant.get(`agents/${agentId}/deliveries?limit=1`);
  await eventually(newest, ({ data: [delivery] }) => delivery?.outcome === 'skipped', PATIENCE_MS);
}

/** The only example with this mark. */
function marked(mark: string): GuideExample {
  const [example, ...more] = EXAMPLES.filter((each) => each.mark === mark);
  if (example === undefined || more.length > 0) throw new Error(`There is not exactly one example marked ${mark}`);
  return example;
}

describe.each(['agent.mts', 'agent.py'])('docs/guides/agents.md, followed to %s', (program) => {
  let reader: GuideReader;
  let agent: RunningExample | undefined;
  let callbackUrl: string;
  /** Failed deliveries until it listened. */
  let failures: number;

  const isForAnother = ({ mark, code }: GuideExample): boolean =>
    /^agent\./.test(mark) ? mark !== program : mark === 'starts' && !code.includes(program);
  const steps = EXAMPLES.filter((example) => example.language !== 'json' && !isForAnother(example));
  const isStart = ({ mark }: GuideExample): boolean => mark === 'starts';

  const counters = (): Promise<Counters> => tenant.get(`agents/${reader.variable('AGENT_ID')}`);
  const deliveredMore = async (count: number): Promise<Counters> => {
    const before = await counters();
    return eventually(
      counters,
      ({ webhookSuccessCount }) => webhookSuccessCount >= before.webhookSuccessCount + count,
      PATIENCE_MS,
    );
  };
  const start = async (example: GuideExample): Promise<RunningExample> => {
    const started = (agent = reader.start(example));
    await eventually(() => started.lines(/^listening on/).length, Boolean, PATIENCE_MS);
    return started;
  };
  const send = async (body: Buffer | string, headers: Record<string, string>) => {
    const answer = await fetch(callbackUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: body.toString(),
    });
    return { status: answer.status, text: await answer.text() };
  };

  beforeAll(async () => {
    const port = String(await freePorts(1));
    callbackUrl = `http://127.0.0.1:${port}/ticks`;
    const given = { apiUrl, apiKey, worldId: await newWorld(TICK_MS) };
    reader = new GuideReader(given, `${ROOT}docs`, { AGENT_PORT: port });
  });
  afterAll(async () => {
    await agent?.stop('SIGKILL');
    reader?.remove();
  });

  it.each(steps)(
    '$title',
    async (example) => {
      if (/^agent\./.test(example.mark)) return reader.save(example, example.mark);
      if (isStart(example)) {
        await start(example);
        // What comes next in the guide is done to an agent that trades.
        await eventually(() => agent!.lines(/ done: /).length, Boolean, PATIENCE_MS);
        failures = (await deliveredMore(1)).webhookFailures;
        return;
      }
      const printed = await reader.follow(example);
      if (example.code.includes('tick.signature'))
        expect(printed).toContain(example.language === 'bash' ? 'The signature holds.' : 'X-WallStreetSim-Signature');
      for (const [header] of printed.matchAll(/^X-WallStreetSim-[\w-]+/gim)) expect(GUIDE).toContain(`| \`${header}\``);
    },
    150_000,
  );

  it('answers ticks with actions that the world carries out', async () => {
    const { positions } = (
      await tenant.get<{ view: Pick<TickWebhook, 'portfolio'> }>(`agents/${reader.variable('AGENT_ID')}`)
    ).view.portfolio;
    expect(positions.length).toBeGreaterThan(0);
    expect(agent!.lines(/: BUY done: Order (filled|accepted).* \{.*"orderId":/).length).toBeGreaterThan(0);
    const { data } = await tenant.get<{ data: Delivery[] }>(`agents/${reader.variable('AGENT_ID')}/deliveries`);
    expect(data.filter(({ outcome, actions }) => outcome === 'delivered' && actions > 0).length).toBeGreaterThan(0);
  });

  it('goes on with its old secret after the rotation, and with the new one once it is started again', async () => {
    // The guide has asked for a test after the rotation.
    await eventually(() => agent!.lines(/: a test$/).length, Boolean, PATIENCE_MS);
    // A 401 would have been a failure.
    expect((await deliveredMore(3)).webhookFailures).toBe(failures);
    expect(await agent!.stop('SIGTERM')).toBe(0);
    await start(steps.find(isStart)!);
    await eventually(
      () => agent!.lines(/: worth /).length,
      (count) => count >= 3,
      PATIENCE_MS,
    );
    await deliveredMore(1);
  }, 200_000);

  it('takes a callback under either signature of a rotation, and refuses every other with 401', async () => {
    // From here on only the test calls.
    await pause(reader.variable('AGENT_ID'));
    const body = reader.read('tick.json');
    const [right, other] = ['AGENT_SECRET', 'AGENT_KEY'].map((name) => signTick(body, reader.variable(name)));
    const given = async (signature?: string, previous?: string): Promise<number> => {
      const headers = {
        'x-wallstreetsim-delivery': randomUUID(),
        ...(signature !== undefined && { 'x-wallstreetsim-signature': signature }),
        ...(previous !== undefined && { 'x-wallstreetsim-signature-previous': previous }),
      };
      return (await send(body, headers)).status;
    };
    expect([await given(right), await given(right, other), await given(other, right)]).toEqual([200, 200, 200]);
    const before = agent!.output;
    for (const forged of [other, FORGED, right!.slice(0, -1), `${right}0`, right!.slice('sha256='.length), ''])
      expect([await given(forged), await given(forged, forged)]).toEqual([401, 401]);
    expect(await given()).toBe(401);
    expect((await send(`${body.toString()} `, { 'x-wallstreetsim-signature': right! })).status).toBe(401);
    expect(agent!.output).toBe(before);
  });

  it('answers a delivery that comes again as before, and acts on it once', async () => {
    const secret = reader.variable('AGENT_SECRET');
    const tick = JSON.parse(reader.read('tick.json').toString()) as TickWebhook;
    tick.world.marketOpen = true;
    const { symbol, price } = tick.market.watchlist[0]!;
    const deliver = (number: number, quoted: number, delivery: string, headers: Record<string, string> = {}) => {
      const quote = { ...tick.market.watchlist[0]!, price: quoted };
      const body = JSON.stringify({ ...tick, tick: number, market: { ...tick.market, watchlist: [quote] } });
      const signature = signTick(Buffer.from(body), secret);
      return send(body, { 'x-wallstreetsim-signature': signature, 'x-wallstreetsim-delivery': delivery, ...headers });
    };
    // High for as long as the average looks back, so that the fall is below it, and the tick after it as well.
    for (let n = 1; n <= 5; n += 1) await deliver(1_000_000 + n, price, randomUUID());
    const delivery = randomUUID();
    const first = await deliver(1_000_006, price / 2, delivery);
    expect(JSON.parse(first.text)).toMatchObject({ actions: [{ type: 'BUY', payload: { symbol, quantity: 10 } }] });
    const again = await deliver(1_000_006, price / 2, delivery, { 'x-wallstreetsim-attempt': '2' });
    expect(again).toEqual(first);
    expect(agent!.lines(/^tick 1000006: worth/)).toHaveLength(1);
    expect(agent!.lines(/^tick 1000006: again/)).toHaveLength(1);
    // A test is answered with nothing, and what it brings is not learned from.
    const tested = await deliver(1_000_007, price / 2, randomUUID(), { 'x-wallstreetsim-test': 'true' });
    expect(JSON.parse(tested.text)).toEqual({ actions: [] });
  });

  it('ends on SIGTERM', async () => {
    expect(await agent!.stop('SIGTERM')).toBe(0);
  });
});

// A clock that moves by command alone: what arrives before which tick is then no matter of luck.
describe('docs/guides/agents.md, what it shows of ticks and answers', () => {
  let agents: AgentServer;
  let worldId: string;
  let reader: string;
  let other: string;
  let answers: Record<string, unknown[]> = {};
  /** The tick after the guide's answer. */
  let shown: TickWebhook;

  const register = async (name: string): Promise<string> => {
    const url = agents.add(name, 'answers', () => (answers[name] ?? []) as object[]);
    return (await tenant.post<{ agentId: string }>('agents', { worldId, name, role: 'quant', callbackUrl: url }))
      .agentId;
  };
  /** Closes a tick, which the agents answer. @returns what the guide's reader has got */
  const step = async (given: typeof answers = {}): Promise<TickWebhook> => {
    answers = given;
    const tick = (agents.heard('reader').at(-1)?.tick ?? 0) + 1;
    await admin.post(`admin/worlds/${worldId}/commands`, { command: 'stepped', ticks: 1 });
    // Counted once the answer is on the log.
    for (const agentId of [reader, other]) {
      const counted = (): Promise<Counters> => tenant.get(`agents/${agentId}`);
      await eventually(counted, ({ lastWebhookTick }) => lastWebhookTick === tick, PATIENCE_MS);
    }
    return agents.heard('reader').at(-1)!.payload;
  };

  beforeAll(async () => {
    agents = await AgentServer.listen();
    worldId = await newWorld(0);
    [reader, other] = [await register('reader'), await register('other')];
    await step();
    const resting = { type: 'BUY', payload: { symbol: 'PRA', quantity: 50, orderType: 'LIMIT', price: 6.5 } };
    await step({ reader: [resting] });
    // The guide cannot know the ids of this world.
    const ids = { ord: (await step()).orders[0]!.id, agt: other };
    const code = marked('answer').code.replace(/"(ord|agt)_[^"]*"/g, (_, kind: keyof typeof ids) => `"${ids[kind]}"`);
    const { actions } = JSON.parse(code) as { actions: object[] };
    const message = { type: 'MESSAGE', payload: { targetAgentId: reader, content: 'Selling XEN?' } };
    await step({ reader: actions, other: [message] });
    shown = await step();
  }, 200_000);
  afterAll(() => agents?.close());

  it('its tick has the form of a real one, cut as it says, and every field is explained', () => {
    const sample: unknown = JSON.parse(marked('tick').code);
    expect(cutLists(sample)).toEqual(sample);
    expect(formOf(sample)).toEqual(formOf(cutLists(shown)));
    for (const field of fieldsOf(shown)) expect(GUIDE).toMatch(new RegExp(`\`${field}(\\[\\])?\``));
  });

  it('its answer is carried out with the results that it shows', () => {
    const promised = JSON.parse(marked('results').code) as ActionResult[];
    const essence = ({ action, success, message, data }: ActionResult): unknown => ({
      action,
      success,
      message,
      data: formOf(data),
    });
    const [first, ...others] = shown.actionResults;
    expect([first!, ...others.slice(-2)].map(essence)).toEqual(promised.map(essence));
    expect(shown.actionResults.map(({ success }) => success)).toEqual(Array(7).fill(true));
    expect(shown.messages).toMatchObject([{ fromAgentId: other, toAgentId: reader }]);
  });

  it('lists the codes of refused actions', async () => {
    const order = (fields: object): object => ({ type: 'BUY', payload: { symbol: 'NOR', quantity: 1, ...fields } });
    const refused: [code: string, action: unknown][] = [
      ['INVALID_ACTION', 'BUY'],
      ['UNKNOWN_ACTION', { type: 'HOLD' }],
      ['UNSUPPORTED', { type: 'RUMOR', payload: { symbol: 'NOR', positive: true } }],
      ['UNKNOWN_SYMBOL', order({ symbol: 'NONE' })],
      ['INVALID_QUANTITY', order({ quantity: 1.5 })],
      ['INVALID_ORDER_TYPE', order({ orderType: 'ICEBERG' })],
      ['INVALID_PRICE', order({ orderType: 'LIMIT' })],
      ['INVALID_PRICE_INCREMENT', order({ orderType: 'LIMIT', price: 1.005 })],
      ['INSUFFICIENT_FUNDS', order({ quantity: 1_000_000, orderType: 'LIMIT', price: 1_000 })],
      ['INSUFFICIENT_SHARES', { type: 'SELL', symbol: 'NOR', quantity: 1 }],
      ['NO_SHORT_POSITION', { type: 'COVER', symbol: 'NOR', quantity: 1 }],
      ['CONFLICTING_ORDERS', { type: 'SHORT', symbol: 'XEN', quantity: 1 }],
      ['STOP_ALREADY_TRIGGERED', order({ orderType: 'STOP', stopPrice: 1 })],
      ['INVALID_ID', { type: 'CANCEL_ORDER' }],
      ['UNKNOWN_ORDER', { type: 'CANCEL_ORDER', payload: { orderId: 'ord_0_0' } }],
      ['UNKNOWN_AGENT', { type: 'MESSAGE', payload: { targetAgentId: 'agt_0', content: 'Anybody?' } }],
      ['INVALID_MESSAGE', { type: 'MESSAGE', payload: { targetAgentId: other, content: '' } }],
      ['SELF_MESSAGE', { type: 'MESSAGE', payload: { targetAgentId: reader, content: 'Sell.' } }],
    ];
    await step({ reader: refused.slice(0, 10).map(([, action]) => action) });
    const some = await step({ reader: [...refused.slice(10).map(([, action]) => action), 0, 0, 0] });
    const results = [...some.actionResults, ...(await step()).actionResults];
    expect(results.map(({ success, message }) => [success, message])).toEqual(
      [...refused.map(([code]) => code), 'INVALID_ACTION', 'INVALID_ACTION', 'LIMIT_EXCEEDED'].map((code) => [
        false,
        code,
      ]),
    );
    for (const { message } of results) expect(GUIDE).toContain(`\`${message}\``);
  }, 120_000);
});

/** The value with every list cut to its first entry. */
function cutLists(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(cutLists);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, cutLists(each)]));
}

/** Names in their order and types, without the values. */
function formOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(formOf);
  if (typeof value !== 'object' || value === null) return typeof value;
  return Object.entries(value).map(([name, each]) => [name, formOf(each)]);
}

/** Names of all fields, but those of what a result brings along. */
function fieldsOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(fieldsOf);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, each]) => [name, ...(name === 'data' ? [] : fieldsOf(each))]);
}
