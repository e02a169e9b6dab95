import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { HELPER_THREADS } from '@tickwire/standalone';
import type { FromProcess, PlanOf, Role, ServedBy, ToProcess } from './ticks-process.js';

const ENTRY = fileURLToPath(new URL('ticks-process.js', import.meta.url));

type Methods<R extends Role> = keyof ServedBy<R> & string;
type ArgumentsOf<F> = F extends (...args: infer A) => unknown ? A : never;
type AnswerOf<F> = F extends (...args: never[]) => infer T ? Awaited<T> : never;

interface Waiting {
  resolve: (result: unknown) => void;
  reject: (error: Error) => void;
}

/** A process of the bench, seen from its parent. */
export class ServedProcess<R extends Role> {
  private readonly waiting = new Map<number, Waiting>();
  private calls = 0;
  private end: Error | undefined;

  private constructor(
    readonly role: R,
    private readonly child: ChildProcess,
  ) {
    child.on('message', (answer: FromProcess) => {
      if ('ready' in answer) return;
      const { resolve, reject } = this.waiting.get(answer.id)!;
      this.waiting.delete(answer.id);
      if ('failure' in answer) reject(new Error(`${role}: ${answer.failure}`));
      else resolve(answer.result);
    });
    child.once('exit', (code, signal) => {
      this.end = new Error(`${role} ended (${signal ?? `code ${code}`})`);
      for (const { reject } of this.waiting.values()) reject(this.end);
    });
  }

  /** Resolves when it has prepared its plan. @throws Error when it ends before; its own words are on stderr */
  static async start<R extends Role>(role: R, plan: PlanOf<R>): Promise<ServedProcess<R>> {
    const child = fork(ENTRY, ['ticks-process'], {
      serialization: 'advanced',
      env: { ...process.env, NODE_OPTIONS: HELPER_THREADS },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const started = new ServedProcess<R>(role, child);
    await new Promise<void>((resolve, reject) => {
      child.once('message', () => resolve());
      child.once('exit', () => reject(started.end!));
      child.send({ role, plan } satisfies ToProcess);
    });
    return started;
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** Calls overlap as the caller likes. @throws Error with what went wrong in the process */
  call<M extends Methods<R>>(method: M, ...args: ArgumentsOf<ServedBy<R>[M]>): Promise<AnswerOf<ServedBy<R>[M]>> {
    const id = (this.calls += 1);
    return new Promise((resolve, reject) => {
      if (this.end) return reject(this.end);
      this.waiting.set(id, { resolve: resolve as Waiting['resolve'], reject });
      this.child.send({ id, call: method, args } satisfies ToProcess);
    });
  }

  /** It keeps nothing, so it is simply ended. */
  async stop(): Promise<void> {
    if (this.end) return;
    const exited = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGKILL');
    await exited;
  }
}
