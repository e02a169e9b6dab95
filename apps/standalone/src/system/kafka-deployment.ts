import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream, mkdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Environment } from './environment.js';

/** A process of the deployment: an app, or one role of it. */
export const DEPLOYED = [
  'api',
  'execution-worlds',
  'execution-accounts',
  'validator',
  'tick-dispatcher',
  'notifier',
  'ingress',
] as const;
export type Deployed = (typeof DEPLOYED)[number];

const APPS = fileURLToPath(new URL('../../../', import.meta.url));
const READY_TIMEOUT_MS = 60_000;

export interface DeploymentOptions {
  env: Environment;
  /** Where each process' log goes, a file each. */
  logDir: string;
  /** Management ports are taken from here on, one a process. */
  managementBase: number;
  /** Said when a process ends that nobody stopped. */
  onExit?(name: Deployed, code: number | null, signal: NodeJS.Signals | null): void;
}

/**
 * As in docker-compose.yml and k8s. These keep some 35 MB and read and write all the time; with a nursery larger than what such
 * a heap may grow by, V8 marks all of it about once a second (ADR 21).
 */
const NURSERY = '--max-semi-space-size=16';
const WITH_NURSERY: readonly Deployed[] = ['api', 'execution-accounts', 'validator', 'notifier'];
/**
 * V8 helps itself with four threads in each process, however few processors there are; here seven processes, a broker and a
 * database share them, and a collection that waits for the last of its helpers stops its app meanwhile.
 */
export const HELPER_THREADS = `--v8-pool-size=${Math.min(4, Math.max(1, availableParallelism() - 1))}`;

/** Every app as a process of its own, as in production: started, watched, killed and restarted one by one. */
export class Deployment {
  private readonly children = new Map<Deployed, ChildProcess>();

  constructor(private readonly options: DeploymentOptions) {
    mkdirSync(options.logDir, { recursive: true });
  }

  /** Starts all, the api first; resolves when each answers that it is ready. */
  async start(onProgress: (line: string) => void = () => undefined): Promise<void> {
    await this.startOne('api');
    onProgress('api is ready');
    const others = DEPLOYED.filter((name) => name !== 'api');
    await Promise.all(others.map((name) => this.startOne(name)));
    onProgress(`${others.join(', ')} are ready`);
  }

  async startOne(name: Deployed): Promise<void> {
    this.spawn(name);
    await this.ready(name);
  }

  /** Starts without waiting until it is ready. */
  spawn(name: Deployed): void {
    const app = name.startsWith('execution') ? 'execution' : name;
    const role: Environment = app === 'execution' ? { ROLE: name.slice('execution-'.length) } : {};
    const child = spawn(process.execPath, [path.join(APPS, app, 'dist/main.js')], {
      env: {
        ...process.env,
        ...this.options.env,
        ...role,
        MANAGEMENT_PORT: String(this.managementPort(name)),
        NODE_OPTIONS: this.nodeOptions(name),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const file = createWriteStream(path.join(this.options.logDir, `${name}.log`), { flags: 'a' });
    child.stdout.pipe(file, { end: false });
    child.stderr.pipe(file, { end: false });
    this.children.set(name, child);
    child.once('exit', (code, signal) => {
      if (this.children.get(name) !== child) return;
      this.children.delete(name);
      this.options.onExit?.(name, code, signal);
    });
  }

  private nodeOptions(name: Deployed): string {
    const given = this.options.env['NODE_OPTIONS'] ?? process.env['NODE_OPTIONS'] ?? '';
    // What the caller gives comes last, and so wins.
    return [HELPER_THREADS, ...(WITH_NURSERY.includes(name) ? [NURSERY] : []), given].join(' ').trim();
  }

  async ready(name: Deployed): Promise<void> {
    const until = performance.now() + READY_TIMEOUT_MS;
    for (;;) {
      const answer = await fetch(`http://127.0.0.1:${this.managementPort(name)}/readyz`).catch(() => undefined);
      await answer?.arrayBuffer();
      if (answer?.ok) return;
      if (!this.children.has(name)) throw new Error(`${name} ended while starting.\n${this.lastWords(name)}`);
      if (performance.now() > until) {
        throw new Error(`${name} is not ready after ${READY_TIMEOUT_MS / 1000} s.\n${this.lastWords(name)}`);
      }
      await sleep(50);
    }
  }

  private lastWords(name: Deployed): string {
    const file = path.join(this.options.logDir, `${name}.log`);
    return `Its log, ${file}, ends:\n${readFileSync(file, 'utf8').slice(-2_000)}`;
  }

  managementPort(name: Deployed): number {
    return this.options.managementBase + DEPLOYED.indexOf(name);
  }

  /** Ends a process as a crash would. */
  async kill(name: Deployed): Promise<void> {
    await this.end(name, 'SIGKILL');
  }

  async stop(): Promise<void> {
    for (const name of [...DEPLOYED].reverse()) await this.end(name, 'SIGTERM');
  }

  private async end(name: Deployed, signal: NodeJS.Signals): Promise<void> {
    const child = this.children.get(name);
    if (!child) return;
    this.children.delete(name);
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill(signal);
    await exited;
  }
}
