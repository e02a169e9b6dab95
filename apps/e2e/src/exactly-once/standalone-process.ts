import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { DevFile } from '@tickwire/standalone';

const MAIN = fileURLToPath(new URL('../../../standalone/dist/main.js', import.meta.url));

/** `npm start` without npm: the standalone system as a process that can be killed. */
export class StandaloneProcess {
  private child: ChildProcess | undefined;
  output = '';

  constructor(
    private readonly dataDir: string,
    private readonly port: number,
    private readonly extra: readonly string[] = [],
  ) {}

  /** Resolves once the system says that it runs. */
  async start(timeoutMs = 90_000): Promise<DevFile> {
    const devFile = path.join(this.dataDir, 'dev.json');
    this.output = '';
    const child = spawn(
      process.execPath,
      [MAIN, '--data-dir', this.dataDir, '--port', String(this.port), ...this.extra],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, NODE_OPTIONS: '' },
      },
    );
    this.child = child;
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    const until = performance.now() + timeoutMs;
    while (!this.output.includes('Tickwire is running')) {
      if (child.exitCode !== null || performance.now() > until)
        throw new Error(`The system did not start:\n${this.output.slice(-3_000)}`);
      await sleep(50);
    }
    return JSON.parse(readFileSync(devFile, 'utf8')) as DevFile;
  }

  get databaseUrl(): string {
    return readFileSync(path.join(this.dataDir, 'postgres.url'), 'utf8');
  }

  /** SIGKILL, as a crash: the database's processes live on as orphans. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  /** SIGKILL of the process and of its database. */
  async killWithDatabase(): Promise<void> {
    const pidFile = path.join(this.dataDir, 'postgres/postmaster.pid');
    const pid = existsSync(pidFile) ? Number(readFileSync(pidFile, 'utf8').split('\n')[0]) : 0;
    const killed = this.end('SIGKILL');
    if (pid > 0) process.kill(pid, 'SIGKILL');
    await killed;
  }

  async stop(): Promise<void> {
    await this.end('SIGTERM');
  }

  /** Stops and deletes the data. */
  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const { child } = this;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill(signal);
    await exited;
  }
}
