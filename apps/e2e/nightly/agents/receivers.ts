import { fork, type ChildProcess } from 'node:child_process';
import { createReadStream } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { SEED } from '../seed.js';
import type { Arrival } from './night-record.js';
import type { Order, ReceiverPlan, ReceiverReport } from './receiver.js';

const RECEIVER = fileURLToPath(new URL('receiver.ts', import.meta.url));
const LISTENS_WITHIN_MS = 20_000;

/** The agents' side: processes that take callbacks, each on a port, and write down what comes. */
export class Receivers {
  private readonly reports = new Map<ChildProcess, ReceiverReport>();

  private constructor(
    private readonly children: readonly ChildProcess[],
    private readonly plans: readonly ReceiverPlan[],
  ) {
    for (const child of children) child.on('message', (report) => this.reports.set(child, report as ReceiverReport));
  }

  /** @param ports a process each */
  static async start(ports: readonly number[], dataDir: string, symbols: string[]): Promise<Receivers> {
    const plans = ports.map((port) => ({ port, seed: SEED, file: path.join(dataDir, `arrivals-${port}`), symbols }));
    const children = plans.map((plan) =>
      fork(RECEIVER, [JSON.stringify(plan)], {
        execArgv: ['--no-warnings'],
        env: { ...process.env, NODE_OPTIONS: '' },
      }),
    );
    const receivers = new Receivers(children, plans);
    const listening = children.map(
      (child) =>
        new Promise<void>((resolve, reject) => {
          child.once('message', () => resolve());
          child.once('exit', (code) => reject(new Error(`A receiver ended with ${code}`)));
          setTimeout(() => reject(new Error('A receiver does not listen')), LISTENS_WITHIN_MS).unref();
        }),
    );
    await Promise.all(listening).catch(async (error: unknown) => {
      await receivers.stop();
      throw error;
    });
    return receivers;
  }

  /** As of the last second. */
  get report(): ReceiverReport {
    const all = [...this.reports.values()];
    return {
      arrivals: all.reduce((sum, { arrivals }) => sum + arrivals, 0),
      newestTick: Math.max(0, ...all.map(({ newestTick }) => newestTick)),
    };
  }

  /** From now on each callback is answered at once, without actions. */
  calm(): void {
    const order: Order = 'calm';
    for (const child of this.children) child.send(order);
  }

  /** Ends the processes; resolves when all their lines are in their files. */
  async stop(): Promise<void> {
    await Promise.all(
      this.children.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
        child.kill('SIGTERM');
        await exited;
      }),
    );
  }

  /** After `stop`: what came, by agent, in the order in which it came. */
  async arrivals(): Promise<Map<string, Arrival[]>> {
    const arrivals = new Map<string, Arrival[]>();
    for (const { file } of this.plans) {
      for await (const line of createInterface({ input: createReadStream(file) })) {
        const [atMs, composedAtMs, agentId, tick, attempt, deliveryId, taken, results] = line.split(' ') as [
          string,
          ...string[],
        ];
        const arrival: Arrival = {
          atMs: Number(atMs),
          composedAtMs: Number(composedAtMs),
          tick: Number(tick),
          attempt: Number(attempt),
          deliveryId: deliveryId!,
          taken: taken === '1',
          results: results ? results.split(',').map(readResult) : NONE,
        };
        const before = arrivals.get(agentId!);
        if (before) before.push(arrival);
        else arrivals.set(agentId!, [arrival]);
      }
    }
    return arrivals;
  }
}

const NONE: Arrival['results'] = [];

function readResult(text: string): Arrival['results'][number] {
  const [answeredTick, resultId] = text.split('=') as [string, string];
  return { answeredTick: Number(answeredTick), resultId };
}
