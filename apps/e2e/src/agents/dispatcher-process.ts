import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePorts } from '../exactly-once/free-ports.js';

const MAIN = fileURLToPath(new URL('../../../tick-dispatcher/dist/main.js', import.meta.url));
const START_TIMEOUT_MS = 60_000;

/** One replica of the tick dispatcher, on a Postgres log, as a process that can be killed. */
export class DispatcherProcess {
  private output = '';

  private constructor(private readonly child: ChildProcess) {
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
  }

  /** Resolves once it is ready. @throws Error with the end of its output if it is not within a minute */
  static async start(databaseUrl: string, settings: Record<string, string> = {}): Promise<DispatcherProcess> {
    const port = await freePorts(1);
    const env = {
      ...process.env,
      NODE_OPTIONS: '',
      DATABASE_URL: databaseUrl,
      EVENT_LOG: 'postgres',
      SECRETS_KEYS: `k1:${Buffer.alloc(32, 7).toString('base64')}`,
      MANAGEMENT_PORT: String(port),
      CALLBACK_ALLOW_CIDRS: '127.0.0.1',
      CALLBACK_ALLOW_HTTP: 'true',
      LOG_LEVEL: 'warn',
      ...settings,
    };
    const replica = new DispatcherProcess(spawn(process.execPath, [MAIN], { env, stdio: ['ignore', 'pipe', 'pipe'] }));
    const until = performance.now() + START_TIMEOUT_MS;
    while (!(await isReady(port))) {
      if (replica.child.exitCode !== null || performance.now() > until) {
        await replica.kill();
        throw new Error(`The dispatcher did not start:\n${replica.output.slice(-3_000)}`);
      }
      await sleep(50);
    }
    return replica;
  }

  /** SIGKILL: no socket is closed in order, no lease given back. */
  async kill(): Promise<void> {
    const { child } = this;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGKILL');
    await exited;
  }
}

async function isReady(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/readyz`)).ok;
  } catch {
    return false; // not listening yet
  }
}
