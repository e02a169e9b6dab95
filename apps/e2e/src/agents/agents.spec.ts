import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { DevFile } from '@tickwire/standalone';
import { eventually } from '@tickwire/testing';
import { freePorts } from '../exactly-once/free-ports.js';
import { StandaloneProcess } from '../exactly-once/standalone-process.js';
import { ApiCalls, provisionTenant } from '../worlds/api-calls.js';
import { AgentServer, signatureHolds, type Decide, type HeardTick, type Manner } from './agent-server.js';

interface Registered {
  agentId: string;
  webhookSecret: string;
}

interface AgentAnswer {
  webhookSuccessCount: number;
  webhookSuperseded: number;
  webhookFailures: number;
}

const TICKS = 40;
/** The world's clock, ms. */
const TICK_MS = 200;
/** How long one attempt may take: whoever waits for an agent that hangs waits so long. */
const ATTEMPT_MS = 5_000;
const HEALTHY = ['ada', 'ben', 'cleo', 'dov', 'eve', 'finn'];
const TROUBLE: Record<string, Manner> = {
  hanging: 'hangs',
  stalling: 'stalls',
  dripping: 'drips',
  flooding: 'floods',
  garbled: 'garbles',
  resetting: 'resets',
};

describe('agents of all manners', () => {
  let system: StandaloneProcess;
  let dev: DevFile;
  let admin: ApiCalls;
  let tenant: ApiCalls;
  let agents: AgentServer;
  const registered = new Map<string, Registered>();

  const register = async (worldId: string, name: string, manner: Manner, decide?: Decide): Promise<Registered> => {
    const callbackUrl = agents.add(name, manner, decide);
    const agent = await tenant.post<Registered>('agents', { worldId, name, role: 'quant', callbackUrl });
    registered.set(name, agent);
    return agent;
  };
  const counters = (name: string) => tenant.get<AgentAnswer>(`agents/${registered.get(name)!.agentId}`);

  beforeAll(async () => {
    const dataDir = mkdtempSync(path.join(tmpdir(), 'tickwire-agents-'));
    system = new StandaloneProcess(dataDir, await freePorts(4), ['--tick-ms', String(TICK_MS)]);
    dev = await system.start();
    admin = new ApiCalls(dev.apiUrl, dev.adminToken);
    tenant = new ApiCalls(dev.apiUrl, (await provisionTenant(admin, 'Agents')).apiKey);
    agents = await AgentServer.listen();
  }, 120_000);

  afterAll(async () => {
    await system?.remove();
    await agents?.close();
  }, 60_000);

  describe('in a world whose clock runs', () => {
    const sinceTrouble = (name: string): readonly HeardTick[] => agents.heard(name).slice(0, TICKS);

    beforeAll(async () => {
      // Trouble comes first, so that whoever registers later has it around from the first tick on.
      for (const [name, manner] of Object.entries(TROUBLE)) await register(dev.worldId!, name, manner);
      const refused = `http://127.0.0.1:${await freePorts(1)}/nobody`;
      const body = { worldId: dev.worldId, name: 'refusing', role: 'quant', callbackUrl: refused };
      registered.set('refusing', await tenant.post<Registered>('agents', body));
      for (const name of HEALTHY) await register(dev.worldId!, name, 'answers');
      const enough = () => HEALTHY.every((name) => agents.heard(name).length >= TICKS);
      await eventually(enough, Boolean, 60_000);
    }, 90_000);

    it('brings a healthy agent every tick, once and in order, whatever its neighbours do', async () => {
      for (const name of HEALTHY) {
        const heard = sinceTrouble(name);
        const first = heard[0]!.tick;
        expect(heard.map(({ tick }) => tick)).toEqual(Array.from({ length: TICKS }, (_, n) => first + n));
        expect(heard.every(({ attempt }) => attempt === 1)).toBe(true);
        expect(heard.every(({ tick, payload }) => payload.tick === tick && payload.world.currentTick === tick)).toBe(
          true,
        );
        expect(await counters(name)).toMatchObject({ webhookSuperseded: 0, webhookFailures: 0 });
      }
    });

    it('holds the clock for nobody: no tick takes as long as an agent that hangs', () => {
      const closed = sinceTrouble('ada').map(({ payload }) => Date.parse(String(payload.world.lastTickAt)));
      const gaps = closed.slice(1).map((at, n) => at - closed[n]!);
      expect(Math.max(...gaps)).toBeLessThan(ATTEMPT_MS / 2);
      expect(Math.min(...gaps)).toBeGreaterThan(0);
      // It held its first callback all that time, or a second one after the first had timed out.
      expect(agents.heard('hanging').length).toBeLessThan(TICKS / 4);
    });

    it('counts what the troubled did: failures where no answer came whole, a success for garbage with status 200', async () => {
      for (const name of ['hanging', 'stalling', 'dripping', 'flooding', 'resetting', 'refusing']) {
        const { webhookFailures } = await eventually(() => counters(name), (seen) => seen.webhookFailures > 0);
        expect(webhookFailures).toBeGreaterThan(0);
        expect((await counters(name)).webhookSuccessCount).toBe(0);
      }
      const garbled = await counters('garbled');
      expect(garbled).toMatchObject({ webhookFailures: 0, lastWebhookError: expect.stringContaining('JSON') as string });
      expect(garbled.webhookSuccessCount).toBeGreaterThan(TICKS / 2);
    }, 30_000);

    it('sends bodies that survive parsing and writing byte for byte, below 100 kB, under a signature that holds', () => {
      for (const name of HEALTHY) {
        const { webhookSecret, agentId } = registered.get(name)!;
        for (const { body, signature, payload } of sinceTrouble(name)) {
          expect(JSON.stringify(JSON.parse(body))).toBe(body);
          expect(Buffer.byteLength(body)).toBeLessThan(100_000);
          expect(signatureHolds(body, signature, webhookSecret)).toBe(true);
          expect(signatureHolds(`${body} `, signature, webhookSecret)).toBe(false);
          expect(payload.portfolio.agentId).toBe(agentId);
        }
      }
    });
  });

  // A clock that moves by command alone: what arrives before which tick is then no matter of luck.
  describe('in a world that is stepped', () => {
    let worldId: string;
    let answers: object[] = [];

    /** Closes one tick and returns the trader's callback, once its answer is in the log. */
    const step = async (): Promise<HeardTick> => {
      const before = (await counters('trader')).webhookSuccessCount;
      await admin.post(`admin/worlds/${worldId}/commands`, { command: 'stepped', ticks: 1 });
      await eventually(() => counters('trader'), (seen) => seen.webhookSuccessCount === before + 1);
      return agents.heard('trader').at(-1)!;
    };

    beforeAll(async () => {
      const world = { name: 'Stepped', seed: 'agents-spec', companies: 20, tickMs: 0 };
      worldId = (await admin.post<{ id: string }>('admin/worlds', world)).id;
      await register(worldId, 'trader', 'answers', () => answers);
    });

    it('brings the results of an answer with the very next tick, and the fills and orders that they made', async () => {
      const first = await step();
      expect(first.payload).toMatchObject({ tick: 1, orders: [], actionResults: [], portfolio: { positions: [] } });
      const [bought, wanted] = first.payload.market.watchlist;
      const low = Number((wanted!.price * 0.9).toFixed(2));
      answers = [
        { type: 'BUY', payload: { symbol: bought!.symbol, quantity: 5 } },
        { type: 'BUY', payload: { symbol: wanted!.symbol, quantity: 7, orderType: 'LIMIT', price: low } },
        { type: 'CANCEL_ORDER', payload: { orderId: 'nobody-has-this' } },
      ];
      // The answer to this tick is given now, so its results come with the next.
      const asked = await step();
      expect(asked.payload.actionResults).toEqual([]);
      answers = [];
      const { payload } = await step();
      expect(payload.tick).toBe(asked.tick + 1);
      expect(payload.actionResults.map(({ action, success }) => [action, success])).toEqual([
        ['BUY', true],
        ['BUY', true],
        ['CANCEL_ORDER', false],
      ]);
      expect(payload.portfolio.positions).toMatchObject([{ symbol: bought!.symbol, shares: 5 }]);
      expect(payload.portfolio.cash).toBeLessThan(first.payload.portfolio.cash);
      const open = payload.orders.filter(({ status }) => status === 'open');
      expect(open).toMatchObject([{ symbol: wanted!.symbol, side: 'BUY', type: 'LIMIT', quantity: 7, price: low }]);
      expect(payload.market.recentTrades).toMatchObject([{ symbol: bought!.symbol, quantity: 5, tick: payload.tick }]);
    }, 60_000);

    it('takes an open order back when the agent says CANCEL_ORDER', async () => {
      const { orders } = agents.heard('trader').at(-1)!.payload;
      const { id: orderId } = orders.find(({ status }) => status === 'open')!;
      answers = [{ type: 'CANCEL_ORDER', payload: { orderId } }];
      await step();
      answers = [];
      const { payload } = await step();
      expect(payload.actionResults).toMatchObject([{ action: 'CANCEL_ORDER', success: true }]);
      expect(payload.orders.filter(({ status }) => status === 'open' || status === 'partial')).toEqual([]);
      expect((await step()).payload.orders.some(({ id }) => id === orderId)).toBe(false);
    }, 60_000);
  });
});
