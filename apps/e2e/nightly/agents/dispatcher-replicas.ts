import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { localSecrets } from '@tickwire/standalone';
import type { KafkaSystem } from '../../src/exactly-once/kafka-system.js';

const MAIN = fileURLToPath(new URL('../../../tick-dispatcher/dist/main.js', import.meta.url));
/** What the event log says when a group has shared its partitions out. */
const JOINED = '"joined the group"';
const READY_WITHIN_MS = 60_000;

/** Replicas of the tick dispatcher that share the shards, in place of the deployment's only one. */
export class DispatcherReplicas {
  private readonly children: (ChildProcess | undefined)[];
  /** Replicas that ended and were not killed by us. */
  readonly deaths: string[] = [];

  private constructor(
    private readonly system: KafkaSystem,
    private readonly count: number,
  ) {
    this.children = Array.from({ length: count }, () => undefined);
  }

  static async start(system: KafkaSystem, count: number): Promise<DispatcherReplicas> {
    await system.deployment.kill('tick-dispatcher');
    const replicas = new DispatcherReplicas(system, count);
    for (let replica = 0; replica < count; replica += 1) replicas.spawn(replica);
    await replicas.ready();
    return replicas;
  }

  /** The first has the place of the one it replaces, the others are behind all that is deployed. */
  managementPort(replica: number): number {
    const { deployment } = this.system;
    return replica === 0
      ? deployment.managementPort('tick-dispatcher')
      : deployment.managementPort('ingress') + replica;
  }

  spawn(replica: number): void {
    const { dataDir, postgres, dev } = this.system;
    const child = spawn(process.execPath, [MAIN], {
      env: {
        ...process.env,
        ...localSecrets(dataDir),
        NODE_OPTIONS: '',
        LOG_LEVEL: 'info',
        DATABASE_URL: postgres.connectionString,
        EVENT_LOG: 'kafka',
        KAFKA_BROKERS: dev.kafkaBrokers!.join(','),
        KAFKA_REPLICATION_FACTOR: '1',
        KAFKA_MIN_INSYNC: '1',
        CALLBACK_ALLOW_CIDRS: '127.0.0.0/8',
        CALLBACK_ALLOW_HTTP: 'true',
        MANAGEMENT_PORT: String(this.managementPort(replica)),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const log = createWriteStream(this.logOf(replica), { flags: 'a' });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    this.children[replica] = child;
    child.once('exit', (code, signal) => {
      if (this.children[replica] === child) this.deaths.push(`replica ${replica} ended with ${signal ?? code}`);
    });
  }

  /** Ends one as a crash would. */
  async kill(replica: number): Promise<void> {
    await this.end(replica, 'SIGKILL');
  }

  /** Resolves when each is ready. */
  async ready(): Promise<void> {
    const until = performance.now() + READY_WITHIN_MS;
    for (let replica = 0; replica < this.count; replica += 1) {
      for (;;) {
        const answer = await fetch(`http://127.0.0.1:${this.managementPort(replica)}/readyz`).catch(() => undefined);
        await answer?.arrayBuffer();
        if (answer?.ok) break;
        if (performance.now() > until) throw new Error(`Dispatcher ${replica} is not ready`);
        await sleep(100);
      }
    }
  }

  /** When a replica was told which partitions it has, ms since the epoch, ascending. It is in their logs. */
  handovers(): number[] {
    const lines = this.children.flatMap((_, replica) => readFileSync(this.logOf(replica), 'utf8').split('\n'));
    return lines
      .filter((line) => line.includes(JOINED) && line.includes('"group":"tick-dispatcher"'))
      .map((line) => Date.parse((JSON.parse(line) as { time: string }).time))
      .sort((a, b) => a - b);
  }

  async stop(): Promise<void> {
    await Promise.all(this.children.map((_, replica) => this.end(replica, 'SIGTERM')));
  }

  private logOf(replica: number): string {
    return path.join(this.system.dataDir, 'logs', `tick-dispatcher-${replica}.log`);
  }

  private async end(replica: number, signal: NodeJS.Signals): Promise<void> {
    const child = this.children[replica];
    this.children[replica] = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill(signal);
    await exited;
  }
}
