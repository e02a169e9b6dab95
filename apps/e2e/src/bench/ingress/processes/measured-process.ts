import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import type { FromProbe, ToProbe } from './probe.js';

export interface MeasuredProcessOptions {
  /** In messages. */
  name: string;
  /** The module to run. */
  entry: string;
  env: Record<string, string>;
  /** Answers 200 once the process can be used. */
  readyUrl: string;
  /** Where its output goes. */
  logFile: string;
}

const PROBE = new URL('probe.js', import.meta.url).href;
const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 30_000;

/** A process whose processor time is the bench's figure. Ours and the peer are both started and asked this way. */
export class MeasuredProcess {
  private constructor(
    private readonly options: MeasuredProcessOptions,
    private readonly child: ChildProcess,
  ) {}

  /** Resolves when it is ready. @throws Error with the end of its output where it ends first or takes too long */
  static async start(options: MeasuredProcessOptions): Promise<MeasuredProcess> {
    const { name, entry, env, logFile } = options;
    if (!existsSync(entry)) throw new Error(`${entry} is not there: npm run build`);
    const fd = openSync(logFile, 'a', 0o600);
    // In a process group of its own: Ctrl-C is for the bench, which stops it in order.
    const child = spawn(process.execPath, ['--import', PROBE, entry], {
      env: { ...process.env, ...env, BENCH_PROBE: '1' },
      stdio: ['ignore', fd, fd, 'ipc'],
      detached: true,
    });
    closeSync(fd);
    const started = new MeasuredProcess(options, child);
    try {
      await started.ready();
      return started;
    } catch (error) {
      child.kill('SIGKILL');
      const lastWords = readFileSync(logFile, 'utf8').slice(-2_000);
      throw new Error(`${name}: ${(error as Error).message}; its output ends:\n${lastWords}`, { cause: error });
    }
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** User and system time since its start, of all its threads, µs. */
  async cpuUs(): Promise<number> {
    const answer = await this.ask({ ask: 'cpu' });
    return 'cpuUs' in answer ? answer.cpuUs : NaN;
  }

  /** Records a CPU profile of its main thread while `work` runs, as V8 writes it (`.cpuprofile`). */
  async profiled<T>(file: string, work: () => Promise<T>): Promise<T> {
    await this.ask({ ask: 'start profile' });
    const result = await work();
    await this.ask({ ask: 'end profile', file });
    return result;
  }

  /** Lets it drain; insists after some seconds. */
  async stop(): Promise<void> {
    if (this.ended()) return;
    const exited = new Promise((resolve) => this.child.once('exit', resolve));
    const timer = setTimeout(() => this.child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    this.child.kill('SIGTERM');
    await exited;
    clearTimeout(timer);
  }

  private ended(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  private async ready(): Promise<void> {
    const until = performance.now() + READY_TIMEOUT_MS;
    while (!(await isReady(this.options.readyUrl))) {
      if (this.ended()) throw new Error('it ended while it started');
      if (performance.now() > until) throw new Error(`it was not ready after ${READY_TIMEOUT_MS / 1_000} s`);
      await sleep(50);
    }
  }

  private ask(message: ToProbe): Promise<FromProbe> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        this.child.off('message', onMessage);
        this.child.off('exit', onExit);
      };
      const onMessage = (answer: FromProbe): void => {
        settle();
        if ('failure' in answer) reject(new Error(`${this.options.name}: ${answer.failure}`));
        else resolve(answer);
      };
      const onExit = (): void => {
        settle();
        reject(new Error(`${this.options.name} has ended; see ${this.options.logFile}`));
      };
      if (this.ended()) return onExit();
      this.child.on('message', onMessage);
      this.child.on('exit', onExit);
      this.child.send(message);
    });
  }
}

async function isReady(url: string): Promise<boolean> {
  try {
    const answer = await request(url);
    await answer.body.dump();
    return answer.statusCode === 200;
  } catch {
    return false; // nobody listens there yet
  }
}
