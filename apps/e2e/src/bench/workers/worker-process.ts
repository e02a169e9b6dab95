import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { FromWorker, PlanOf, ResultOf, Role, ToWorker } from './bench-worker.js';

const ENTRY = fileURLToPath(new URL('bench-worker.js', import.meta.url));
const STOP_TIMEOUT_MS = 5_000;

/** A worker of the bench, seen from its parent. */
export class WorkerProcess<R extends Role> {
  private constructor(
    private readonly role: R,
    private readonly child: ChildProcess,
  ) {}

  /** Resolves when the worker has prepared its plan. @throws Error with what went wrong in the worker */
  static async start<R extends Role>(role: R, plan: PlanOf<R>): Promise<WorkerProcess<R>> {
    const child = fork(ENTRY, ['bench-worker'], {
      serialization: 'advanced',
      // Helpers of a collection here would take the processors from what is measured.
      execArgv: ['--v8-pool-size=1'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const worker = new WorkerProcess(role, child);
    try {
      await worker.ask({ role, plan });
      return worker;
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    }
  }

  async run(): Promise<ResultOf<R>> {
    const answer = await this.ask({ run: true });
    return (answer as { result: ResultOf<R> }).result;
  }

  /** Lets it close what it has open; insists after some seconds. */
  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = new Promise((resolve) => this.child.once('exit', resolve));
    const timer = setTimeout(() => this.child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    this.child.send({ stop: true } satisfies ToWorker);
    await exited;
    clearTimeout(timer);
  }

  private ask(message: ToWorker): Promise<FromWorker> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        this.child.off('message', onMessage);
        this.child.off('exit', onExit);
      };
      const onMessage = (answer: FromWorker): void => {
        settle();
        if ('failure' in answer) reject(new Error(`${this.role}: ${answer.failure}`));
        else resolve(answer);
      };
      const onExit = (code: number | null, signal: string | null): void => {
        settle();
        reject(new Error(`${this.role} ended (${signal ?? `code ${code}`})`));
      };
      this.child.on('message', onMessage);
      this.child.on('exit', onExit);
      this.child.send(message);
    });
  }
}
