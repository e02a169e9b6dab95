import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { agentDelivery } from '@tickwire/contracts';
import { PostgresEventLog } from '@tickwire/event-log';
import { createPool } from '@tickwire/persistence';
import type { DevFile } from '@tickwire/standalone';
import { eventsOn, eventually } from '@tickwire/testing';
import { pino } from 'pino';
import { freePorts } from '../exactly-once/free-ports.js';
import { StandaloneProcess } from '../exactly-once/standalone-process.js';
import { ApiCalls, provisionTenant } from '../worlds/api-calls.js';
import { AgentServer, signatureHolds, type Decide, type HeardTick, type Manner } from './agent-server.js';

interface Registered {
  agentId: string;
  webhookSecret: string;
}

/** A stretch of ticks with trouble around from the first to the last. */
interface Round {
  tickMs: number;
  /** Its first tick. */
  from: number;
}

const TICKS = 30;
/** The world's clock at first, ms. */
const TICK_MS = 200;
/** How long one attempt may take: whoever waits for an agent that hangs waits so long. */
const ATTEMPT_MS = 5_000;
/** For what has to come on a busy machine, however slow. */
const PATIENCE_MS = 40_000;
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
  const counters = (name: string) =>
    tenant.get<{ webhookSuccessCount: number }>(`agents/${registered.get(name)!.agentId}`);

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
    let round: Round;
    const inRound = (name: string): readonly HeardTick[] =>
      agents.heard(name).filter(({ tick }) => tick >= round.from && tick < round.from + TICKS);

    /** Fresh trouble around the healthy; what was there before is skipped by its breakers after a while. */
    const play = async (tickMs: number): Promise<Round> => {
      const trouble = Object.keys(TROUBLE).map((name) => `${name}-${tickMs}`);
      for (const name of trouble) await register(dev.worldId!, name, TROUBLE[name.split('-')[0]!]!);
      const callbackUrl = `http://127.0.0.1:${await freePorts(1)}/nobody`;
      const refusing = { worldId: dev.worldId, name: 'refusing', role: 'quant', callbackUrl };
      registered.set(`refusing-${tickMs}`, await tenant.post<Registered>('agents', refusing));
      await eventually(() => trouble.every((name) => agents.heard(name).length > 0), Boolean, PATIENCE_MS);
      const from = Math.max(...HEALTHY.map((name) => agents.heard(name).at(-1)!.tick)) + 1;
      await eventually(() => HEALTHY.every((name) => agents.heard(name).at(-1)!.tick >= from + TICKS), Boolean, 90_000);
      return { tickMs, from };
    };
    const missed = (): number =>
      HEALTHY.reduce((sum, name) => sum + TICKS - new Set(inRound(name).map(({ tick }) => tick)).size, 0);

    beforeAll(async () => {
      for (const name of HEALTHY) await register(dev.worldId!, name, 'answers');
      await eventually(() => HEALTHY.every((name) => agents.heard(name).length > 0), Boolean, PATIENCE_MS);
      round = await play(TICK_MS);
      // A busy machine may need longer than a tick for the healthy alone. An agent that is waited for would be
      // waited for at any of these speeds.
      for (const tickMs of [2 * TICK_MS, 4 * TICK_MS]) {
        if (missed() === 0) break;
        await admin.post(`admin/worlds/${dev.worldId}/commands`, { command: 'speed', tickMs });
        round = await play(tickMs);
      }
    }, 400_000);

    it('brings a healthy agent every tick, once and in order, whatever its neighbours do', () => {
      for (const name of HEALTHY) {
        const heard = inRound(name);
        expect(heard.map(({ tick }) => tick)).toEqual(Array.from({ length: TICKS }, (_, n) => round.from + n));
        expect(heard.filter(({ attempt }) => attempt !== 1)).toEqual([]);
        for (const { tick, payload } of heard) expect([payload.tick, payload.world.currentTick]).toEqual([tick, tick]);
      }
    });

    it('holds the clock for nobody: no tick takes as long as an agent that hangs', () => {
      const closed = inRound('ada').map(({ payload }) => Date.parse(String(payload.world.lastTickAt)));
      const gaps = closed.slice(1).map((at, n) => at - closed[n]!);
      expect(Math.max(...gaps)).toBeLessThan(ATTEMPT_MS);
      expect(Math.min(...gaps)).toBeGreaterThan(0);
      // It held a callback all that time, then perhaps the next one.
      expect(inRound(`hanging-${round.tickMs}`).length).toBeLessThan(TICKS / 2);
    });

    it('records what the troubled did: failures where no answer came whole, a delivery for garbage with status 200', async () => {
      const pool = createPool({ connectionString: system.databaseUrl, applicationName: 'agents-spec', max: 1 });
      const log = await PostgresEventLog.connect({
        pool,
        connectionString: system.databaseUrl,
        clientId: 'agents-spec',
        log: pino({ level: 'silent' }),
      });
      const ends = async (name: string) => {
        const { agentId } = registered.get(`${name}-${round.tickMs}`)!;
        const all = (await eventsOn(log, agentDelivery)).map(({ data }) => data);
        return all.filter((each) => each.agentId === agentId && each.attempts > 0);
      };
      try {
        for (const name of ['hanging', 'stalling', 'dripping', 'flooding', 'resetting', 'refusing']) {
          const [first] = await eventually(
            () => ends(name),
            (seen) => seen.length > 0,
            PATIENCE_MS,
          );
          expect(first).toMatchObject({ outcome: 'failed', actions: 0, error: expect.stringMatching(/./) as string });
        }
        const counted = (name: string) =>
          tenant.get<{ webhookFailures: number }>(`agents/${registered.get(`${name}-${round.tickMs}`)!.agentId}`);
        await eventually(
          () => counted('hanging'),
          ({ webhookFailures }) => webhookFailures > 0,
          PATIENCE_MS,
        );
        const garbled = await ends('garbled');
        expect(garbled.length).toBeGreaterThan(TICKS / 2);
        for (const end of garbled)
          expect(end).toMatchObject({
            outcome: 'delivered',
            actions: 0,
            error: expect.stringContaining('JSON') as string,
          });
      } finally {
        await log.close();
        await pool.end();
      }
    }, 300_000);

    it('sends bodies that survive parsing and writing byte for byte, below 100 kB, under a signature that holds', () => {
      for (const name of HEALTHY) {
        const { webhookSecret, agentId } = registered.get(name)!;
        for (const { body, signature, payload } of inRound(name)) {
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
      await eventually(
        () => counters('trader'),
        (seen) => seen.webhookSuccessCount === before + 1,
        PATIENCE_MS,
      );
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
    }, 200_000);

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
    }, 200_000);
  });
});
