import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inflateRawSync } from 'node:zlib';
import { agentActions, createEvent, deadLetterTopic, derivedId, encodeEvent } from '@tickwire/contracts';
import { PostgresEventLog, type NewRecord, type Queryable } from '@tickwire/event-log';
import { createWorld, type TickInput, type TickResult } from '@tickwire/market';
import { createPool } from '@tickwire/persistence';
import { pino } from 'pino';
import { freePorts } from '../exactly-once/free-ports.js';
import { StandaloneProcess } from '../exactly-once/standalone-process.js';
import { ApiCalls, provisionTenant } from './api-calls.js';

export interface SteppedPlan {
  seed: string;
  companies: number;
  shards: number;
  agents: readonly string[];
}

const UNREACHED_MS = 60_000;

/** A world whose clock stands, in a system of its own that can be killed: it moves by the api's `stepped` alone. */
export class SteppedWorld {
  private system!: StandaloneProcess;
  private pool!: ReturnType<typeof createPool>;
  private admin!: ApiCalls;
  private worldId = '';
  private agentIds: string[] = [];

  private constructor(private readonly plan: SteppedPlan) {}

  static async start(plan: SteppedPlan): Promise<SteppedWorld> {
    const world = new SteppedWorld(plan);
    const dataDir = mkdtempSync(path.join(tmpdir(), 'tickwire-worlds-'));
    world.system = new StandaloneProcess(dataDir, await freePorts(4), ['--no-demo']);
    await world.restart();
    await world.provision();
    return world;
  }

  get database(): Queryable {
    return this.pool as unknown as Queryable;
  }

  /** The tick that the database holds. */
  async tick(): Promise<number> {
    const { rows } = await this.database.query<{ tick: string }>(
      `SELECT "tick" FROM "world_state" WHERE "world_id" = $1`,
      [this.worldId],
    );
    return Number(rows[0]?.tick ?? 0);
  }

  /** The last tick that was closed before this moment of the wall's clock. */
  async lastClosedBefore(ms: number): Promise<number> {
    const { rows } = await this.database.query<{ tick: string }>(
      `SELECT coalesce(max("tick"), 0) AS "tick" FROM "world_input" WHERE "world_id" = $1 AND "closed_at" < $2`,
      [this.worldId, new Date(ms)],
    );
    return Number(rows[0]!.tick);
  }

  /**
   * Puts the agents' answers to the latest tick on the log, as the dispatcher would, and waits until the world has them
   * in its inbox: topics are read apart, so an order to step could otherwise overtake them.
   * @param answers by the agents' places in the plan
   */
  async answer(answers: readonly (readonly object[])[]): Promise<void> {
    const tick = await this.tick();
    const records = answers.flatMap((actions, agent) =>
      actions.length > 0 ? [this.answerOf(agent, tick, actions)] : [],
    );
    // What is no event is buried by the reader, once it and all that lies before it has been read.
    const probe: NewRecord = { topic: agentActions.topic, key: this.worldId, value: 'probe' };
    await this.awaitBurial(() => this.withLog((log) => log.append([...records, probe])));
  }

  /** Orders `ticks` steps; resolves when the api has taken the order. */
  async order(ticks: number): Promise<void> {
    await this.admin.post(`admin/worlds/${this.worldId}/commands`, { command: 'stepped', ticks });
  }

  /** Waits until the tick is closed. */
  async reach(tick: number): Promise<void> {
    const until = performance.now() + UNREACHED_MS;
    for (let at = await this.tick(); at < tick; at = await this.tick()) {
      if (performance.now() > until) throw new Error(`The world stands at tick ${at}, not ${tick}`);
      await sleep(5);
    }
  }

  /** SIGKILL between an answer and the order to step, and a start after which the answers are in the inbox again. */
  async killWithAnswersWaiting(): Promise<void> {
    await this.awaitBurial(async () => {
      await this.kill();
      await this.restart();
    });
  }

  /** SIGKILL; the database goes on alone, so that what had been committed can be looked at. */
  kill(): Promise<void> {
    return this.system.kill();
  }

  /** SIGKILL of the process and of its database. */
  killWithDatabase(): Promise<void> {
    return this.system.killWithDatabase();
  }

  async restart(): Promise<void> {
    const dev = await this.system.start();
    await this.pool?.end();
    // A restart may have moved the database to another port.
    this.pool = createPool({ connectionString: this.system.databaseUrl, applicationName: 'worlds-spec', max: 2 });
    this.pool.on('error', () => undefined); // killed by us
    this.admin = new ApiCalls(dev.apiUrl, dev.adminToken);
  }

  async remove(): Promise<void> {
    await this.pool?.end();
    await this.system.remove();
  }

  /**
   * Replays what the world has recorded in a world of neutral ids and times. Ids are drawn at registration and the
   * closing time is the wall's; state and hash hold both. All else has to be equal in two runs of the same actions.
   * @returns the results of all ticks, from the first
   */
  async neutralReplay(): Promise<TickResult[]> {
    const { seed, companies, shards } = this.plan;
    const { rows } = await this.database.query<{ records: Buffer }>(
      `SELECT "records" FROM "world_input" WHERE "world_id" = $1 ORDER BY "tick"`,
      [this.worldId],
    );
    const world = createWorld({ worldId: 'wld_neutral', seed, companies, shards, tickMs: 10 });
    const neutral = this.agentIds.map((id, n) => [id, `agt_neutral_${n}`] as const);
    return rows.map(({ records }, index) => {
      let text = inflateRawSync(records).toString();
      for (const [id, name] of neutral) text = text.replaceAll(id, name);
      const input = JSON.parse(text) as Omit<TickInput, 'closedAtMs'>;
      return world.step({ ...input, closedAtMs: (index + 1) * 1_000 });
    });
  }

  private answerOf(agent: number, tick: number, actions: readonly object[]): NewRecord {
    const agentId = this.agentIds[agent]!;
    const { worldId } = this;
    const receivedAt = new Date().toISOString();
    const event = createEvent(agentActions, {
      id: derivedId(`${agentId}/${tick}`, 'actions'),
      source: 'tick-dispatcher',
      subject: agentId,
      timeMs: Date.now(),
      data: { worldId, agentId, tick, channel: 'callback', actions: [...actions], receivedAt },
    });
    return encodeEvent(agentActions, event);
  }

  /** Runs `act` and waits until it has brought one more dead letter of the world's. */
  private async awaitBurial(act: () => Promise<void>): Promise<void> {
    const buried = (): Promise<number> =>
      this.withLog(async (log) => {
        const bounds = await log.bounds([deadLetterTopic(agentActions.topic)]);
        return bounds.reduce((sum, { start, end }) => sum + end - start, 0);
      });
    const before = await buried();
    await act();
    const until = performance.now() + UNREACHED_MS;
    while ((await buried()) === before) {
      if (performance.now() > until) throw new Error('The world has not read what lies on its topic');
      await sleep(50);
    }
  }

  private async withLog<T>(use: (log: PostgresEventLog) => Promise<T>): Promise<T> {
    const log = await PostgresEventLog.connect({
      pool: this.pool,
      connectionString: this.system.databaseUrl,
      clientId: 'worlds-spec',
      log: pino({ level: 'silent' }),
    });
    return use(log).finally(() => log.close());
  }

  private async provision(): Promise<void> {
    const { agents, ...settings } = this.plan;
    const tenant = await provisionTenant(this.admin, 'Worlds');
    const { id } = await this.admin.post<{ id: string }>('admin/worlds', { name: 'Stepped', tickMs: 0, ...settings });
    this.worldId = id;
    const api = new ApiCalls(this.admin.apiUrl, tenant.apiKey);
    for (const name of agents) {
      // Without a callback: their answers are the test's to give.
      const agent = await api.post<{ agentId: string }>('agents', { worldId: id, name, role: 'quant' });
      this.agentIds.push(agent.agentId);
    }
    // The order to step comes after the registrations on the same topic.
    await this.order(1);
    await this.reach(1);
  }
}
