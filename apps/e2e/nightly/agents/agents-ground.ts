import { setTimeout as sleep } from 'node:timers/promises';
import { DEPLOYED } from '@tickwire/standalone';
import { freePorts } from '../../src/exactly-once/free-ports.js';
import { KafkaSystem } from '../../src/exactly-once/kafka-system.js';
import { ApiCalls } from '../../src/worlds/api-calls.js';
import { DispatcherReplicas } from './dispatcher-replicas.js';
import { MemoryWatch } from './memory-watch.js';
import { readNightLog } from './night-log.js';
import type { Kill, NightRecord } from './night-record.js';
import { Receivers } from './receivers.js';
import { SettledWatch } from './settled-watch.js';

const DISPATCHERS = 2;
const RECEIVERS = 2;
/** Registrations of a world are made one after the other; some under way keep the api busy between them. */
const REGISTERED_AT_ONCE = 16;
/** Of so many agents one never answers, and one has no receiver at all. */
const DEAD_ONE_IN = 200;
const SETTLED_WITHIN_MS = 180_000;

interface Registered {
  agentId: string;
  shard: number;
}

export interface AgentsPlan {
  agents: number;
  tickMs: number;
}

/** The deployment on Kafka with two tick dispatchers, a world full of agents, and somebody who writes down what they are sent. */
export class AgentsGround {
  /** How long the registration of all agents took, ms. */
  registeredMs = 0;
  private readonly kills: Kill[] = [];
  private readonly shards = new Map<string, number>();
  private readonly stops: (() => Promise<void>)[] = [];
  private admin!: ApiCalls;
  dispatchers!: DispatcherReplicas;
  receivers!: Receivers;
  memory!: MemoryWatch;
  settled!: SettledWatch;

  private constructor(private readonly system: KafkaSystem) {}

  static async prepare(plan: AgentsPlan): Promise<AgentsGround> {
    const system = await KafkaSystem.start({ tickMs: plan.tickMs });
    const ground = new AgentsGround(system);
    ground.stops.push(() => system.remove());
    try {
      await ground.settle(plan);
      return ground;
    } catch (error) {
      await ground.remove();
      throw error;
    }
  }

  get worldId(): string {
    return this.system.dev.worldId!;
  }

  /** SIGKILL, and a successor at once. */
  async replace(victim: number): Promise<void> {
    this.kills.push({ atMs: Date.now(), victim });
    await this.dispatchers.kill(victim);
    this.dispatchers.spawn(victim);
  }

  /** Ends the night: the world stands, every agent is settled, and what is left behind is read. */
  async finish(): Promise<NightRecord> {
    const { worldId, settled, receivers } = this;
    await this.admin.post(`admin/worlds/${worldId}/commands`, { command: 'paused' });
    const lastTick = await this.standstill();
    const until = performance.now() + SETTLED_WITHIN_MS;
    for (;;) {
      const tick = await settled.settledByAll(this.shards.size);
      if (tick >= lastTick) break;
      if (performance.now() > until) throw new Error(`Not every agent is settled: tick ${tick} of ${lastTick}`);
      await sleep(500);
    }
    const carried = await settled.carried();
    await receivers.stop();
    const [log, arrivals] = [await readNightLog(this.system.dev.kafkaBrokers!, worldId), await receivers.arrivals()];
    const agents = [...this.shards].map(([agentId, shard]) => {
      const told = log.get(agentId);
      if (!told) throw new Error(`The log knows nothing of ${agentId}`);
      if (told.lastTick !== lastTick)
        throw new Error(`The log's last tick is ${told.lastTick}, the world's ${lastTick}`);
      const seen = { settledSeen: settled.seen(agentId), carried: carried.get(agentId) ?? new Set<string>() };
      return [agentId, { ...told, ...seen, shard, arrivals: arrivals.get(agentId) ?? [] }] as const;
    });
    return { worldId, lastTick, kills: this.kills, handovers: this.dispatchers.handovers(), agents: new Map(agents) };
  }

  async remove(): Promise<void> {
    for (const stop of this.stops.splice(0).reverse()) await stop().catch(() => undefined);
  }

  private async settle({ agents }: AgentsPlan): Promise<void> {
    const { dev, deployment, postgres, dataDir } = this.system;
    this.admin = new ApiCalls(dev.apiUrl, dev.adminToken);
    this.dispatchers = await DispatcherReplicas.start(this.system, DISPATCHERS);
    this.stops.push(() => this.dispatchers.stop());
    const tenant = new ApiCalls(dev.apiUrl, dev.apiKey!);
    const { data } = await tenant.get<{ data: { symbol: string }[] }>(`worlds/${this.worldId}/instruments`);
    const first = await freePorts(RECEIVERS + 1);
    const ports = Array.from({ length: RECEIVERS }, (_, n) => first + n);
    this.receivers = await Receivers.start(
      ports,
      dataDir,
      data.map(({ symbol }) => symbol),
    );
    this.stops.push(() => this.receivers.stop());
    await this.register(tenant, agents, ports, first + RECEIVERS);
    this.settled = new SettledWatch(postgres.connectionString, this.worldId);
    this.stops.push(() => this.settled.close());
    const names = DEPLOYED.filter((name) => name !== 'tick-dispatcher');
    this.memory = new MemoryWatch(
      new Map<string, number>([
        ...names.map((name) => [name, deployment.managementPort(name)] as const),
        ...Array.from(
          { length: DISPATCHERS },
          (_, n) => [`tick-dispatcher ${n}`, this.dispatchers.managementPort(n)] as const,
        ),
      ]),
    );
    this.stops.push(async () => this.memory.stop());
  }

  /** @param nobody a port where no one listens */
  private async register(tenant: ApiCalls, count: number, ports: readonly number[], nobody: number): Promise<void> {
    const beganAt = performance.now();
    let next = 0;
    const one = async (): Promise<void> => {
      while (next < count) {
        const n = next++;
        const port = n % DEAD_ONE_IN === DEAD_ONE_IN - 1 ? nobody : ports[n % ports.length]!;
        const path = n % DEAD_ONE_IN === DEAD_ONE_IN / 2 - 1 ? 'deaf' : `agents/${n}`;
        const { agentId, shard } = await tenant.post<Registered>('agents', {
          worldId: this.worldId,
          name: `agent-${n}`,
          role: 'quant',
          callbackUrl: `http://127.0.0.1:${port}/${path}`,
        });
        this.shards.set(agentId, shard);
      }
    };
    await Promise.all(Array.from({ length: REGISTERED_AT_ONCE }, one));
    this.registeredMs = performance.now() - beganAt;
  }

  /** @returns the last tick of the world, once it closes no more */
  private async standstill(): Promise<number> {
    const until = performance.now() + SETTLED_WITHIN_MS;
    let tick = await this.settled.worldTick();
    for (let quiet = 0; quiet < 5;) {
      await sleep(1_000);
      const now = await this.settled.worldTick();
      quiet = now === tick ? quiet + 1 : 0;
      tick = now;
      if (performance.now() > until) throw new Error('The world was paused and closes ticks');
    }
    return tick;
  }
}
