import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { KafkaEventLog, PostgresEventLog, type EventLog, type LogSink } from '@tickwire/event-log';
import type { EncodedEvent } from '@tickwire/contracts';
import { createPool, migrate, startEmbeddedPostgres } from '@tickwire/persistence';
import { environmentOf, HELPER_THREADS, localSecrets, startKafkaAndRedis } from '@tickwire/standalone';
import type { Pool } from 'pg';
import { freePorts } from '../../../exactly-once/free-ports.js';
import { MeasuredProcess } from '../../ingress/processes/measured-process.js';
import { ServedProcess } from '../processes/served-process.js';
import type { TicksOptions } from '../options.js';
import { BenchWorld, closedAt, type ClosedTick } from '../world/bench-world.js';
import { registerAgents } from './agent-rows.js';
import { postgresCpuUs } from './postgres-cpu.js';

/** A world that the dispatcher knows, with the secrets of its agents by their index. */
export interface RegisteredWorld {
  world: BenchWorld;
  secrets: string[];
}

const DISPATCHER = fileURLToPath(new URL('../../../../../tick-dispatcher/dist/main.js', import.meta.url));
const ANSWERS = {
  none: { actions: [] },
  buy: { actions: [{ type: 'BUY', payload: { symbol: 'NVLT', quantity: 1, orderType: 'MARKET' } }] },
};
const SILENT: LogSink = { info: () => undefined, warn: () => undefined, error: () => undefined };
/** As of a database that has run for a while: else all commits wait each time a segment of its log is made. */
const LOG_AHEAD_MB = 512;
/** Without a single agent settled. */
const STALLED_MS = 30_000;

/** The tick dispatcher as deployed, with what it needs; receivers; and a publisher in the place of execution. */
export class DispatcherSystem {
  private dispatching: MeasuredProcess | undefined;

  private constructor(
    readonly origins: readonly string[],
    readonly receivers: ServedProcess<'receivers'>,
    private readonly pool: Pool,
    private readonly eventLog: EventLog,
    private readonly postgresDir: string,
    private readonly sealingKeys: string,
    private readonly startProcess: () => Promise<MeasuredProcess>,
    private readonly stops: (() => Promise<unknown>)[],
  ) {}

  /** @param dataDir keeps data and the output of the dispatcher */
  static async start(
    log: 'kafka' | 'postgres',
    dataDir: string,
    options: Pick<TicksOptions, 'origins' | 'connections' | 'answers'>,
    say: (line: string) => void,
  ): Promise<DispatcherSystem> {
    await mkdir(dataDir, { recursive: true });
    const stops: (() => Promise<unknown>)[] = [];
    try {
      const postgresDir = join(dataDir, 'postgres');
      const postgres = await startEmbeddedPostgres({ dataDir: postgresDir, logAheadMb: LOG_AHEAD_MB });
      stops.push(() => postgres.stop());
      const { connectionString } = postgres;
      await migrate(connectionString);
      const kafka = log === 'kafka' ? await startKafkaAndRedis(dataDir, say) : undefined;
      if (kafka) stops.push(() => kafka.stop());
      const answer = JSON.stringify(ANSWERS[options.answers]);
      const receivers = await ServedProcess.start('receivers', { origins: options.origins, answer });
      stops.push(() => receivers.stop());

      const port = await freePorts(3);
      const secrets = localSecrets(dataDir);
      const env = {
        ...environmentOf({
          databaseUrl: connectionString,
          secrets,
          ports: { ingress: port + 1, api: port + 2, management: port, demo: port },
          logLevel: 'warn',
          kafka,
        }),
        MANAGEMENT_PORT: String(port),
        MAX_IN_FLIGHT_PER_ORIGIN: String(options.connections),
        NODE_OPTIONS: HELPER_THREADS, // as `start:kafka` runs it, and the peers here
      };
      const startProcess = (): Promise<MeasuredProcess> =>
        MeasuredProcess.start({
          name: 'tick-dispatcher',
          entry: DISPATCHER,
          env,
          readyUrl: `http://127.0.0.1:${port}/readyz`,
          logFile: join(dataDir, 'tick-dispatcher.log'),
        });
      // The first start makes the topics.
      await (await startProcess()).stop();

      const pool = createPool({ connectionString, applicationName: 'bench publisher', max: 4 });
      stops.push(() => pool.end());
      const eventLog = kafka
        ? await KafkaEventLog.connect({ brokers: kafka.brokers, clientId: 'bench-publisher', log: SILENT })
        : await PostgresEventLog.connect({ pool, connectionString, clientId: 'bench-publisher', log: SILENT });
      stops.push(() => eventLog.close());
      // Without them the dispatcher would read every agent's row at every tick.
      const address = { postgresUrl: connectionString, kafkaBrokers: kafka?.brokers };
      const heartbeats = await ServedProcess.start('heartbeats', address);
      stops.push(() => heartbeats.stop());
      const origins = await receivers.call('origins');
      return new DispatcherSystem(
        origins,
        receivers,
        pool,
        eventLog,
        postgresDir,
        secrets.SECRETS_KEYS,
        startProcess,
        stops,
      );
    } catch (error) {
      await stopAll(stops);
      throw error;
    }
  }

  get dispatcher(): MeasuredProcess {
    return this.dispatching!;
  }

  /** A new process, with nothing of earlier parts in its memory. */
  async startDispatcher(): Promise<void> {
    await this.dispatching?.stop();
    this.dispatching = await this.startProcess();
  }

  /** @param name new for each */
  async register(name: string, agents: number): Promise<RegisteredWorld> {
    const world = new BenchWorld(`wld_${name}`, agents);
    const { pool, sealingKeys, origins } = this;
    const secrets = await registerAgents(pool, sealingKeys, world, origins);
    return { world, secrets };
  }

  /** Closes a tick now. @returns when, wall clock ms; `acknowledged` resolves when the log has it */
  publish(tick: ClosedTick): { closedAtMs: number; acknowledged: Promise<void> } {
    const closedAtMs = Date.now();
    return { closedAtMs, acknowledged: this.append(closedAt(tick, closedAtMs)) };
  }

  /** Resolves when the log has them. */
  append(records: readonly EncodedEvent[]): Promise<void> {
    return this.eventLog.append(records);
  }

  /** Waits until everything of a world is stored as settled up to this tick. @throws Error that says how many agents are */
  async settled({ worldId, agentIds }: BenchWorld, tick: number): Promise<void> {
    let before = -1;
    let since = performance.now();
    for (;;) {
      const { rows } = await this.pool.query<{ agents: string }>(
        `SELECT count(*) AS "agents" FROM "agent_dispatch" WHERE "world_id" = $1 AND "settled_tick" >= $2`,
        [worldId, tick],
      );
      const settled = Number(rows[0]!.agents);
      if (settled >= agentIds.length) return;
      if (settled > before) since = performance.now();
      before = settled;
      if (performance.now() - since > STALLED_MS)
        throw new Error(`Tick ${tick} is settled for ${settled} of ${agentIds.length} agents, and for no more of them`);
      await sleep(25);
    }
  }

  /** µs; NaN where it cannot be told. */
  postgresCpuUs(): Promise<number> {
    return postgresCpuUs(this.postgresDir);
  }

  async stop(): Promise<void> {
    // What hangs would hold up its orderly end.
    await this.receivers.call('release').catch(() => undefined);
    await this.dispatching?.stop();
    await stopAll(this.stops);
  }
}

async function stopAll(stops: (() => Promise<unknown>)[]): Promise<void> {
  for (const each of stops.splice(0).reverse()) await each();
}
