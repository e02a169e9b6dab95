import { setTimeout as sleep } from 'node:timers/promises';
import { BARE_TOPICS } from '../bare/bare-records.js';
import { latenciesOf, type LoadResult } from '../latencies.js';
import type { Senders } from '../load/signed-signals.js';
import type { BenchSystem } from '../system/bench-system.js';
import { openKafkaTap } from '../taps/kafka-tap.js';
import { openPostgresTap } from '../taps/postgres-tap.js';
import type { OnRecord, RecordTap } from '../taps/record-tap.js';
import { WorkerProcess } from '../workers/worker-process.js';
import { Executions } from './executions.js';

export type Subject = 'tickwire' | 'bare';

export interface MeasuredRun {
  /** Accepted to executed, ms, of the measured seconds; Infinity for what was never executed. */
  latencies: number[];
  /** Requests without a 202, warm-up included. */
  refused: number;
  refusals: Record<string, number>;
  /** Accepted, then refused by the pipeline. */
  failed: Record<string, number>;
  worstDelayMs: number;
  /** How long after the last arrival the last outcome came, ms: a backlog that grew shows here. */
  drainMs: number;
}

export interface RunPlan {
  subject: Subject;
  rate: number;
  /** Before what counts. */
  warmUpSeconds: number;
  seconds: number;
}

/** What all runs against one system share. */
export interface Bench {
  system: BenchSystem;
  /** Absent for bare runs alone. */
  senders?: Senders;
  accounts: number;
  connections: number;
}

/** A tap each. Where nothing is expected nothing is asked for all the time. */
const TAPPED: Record<Subject, { topics: string[]; isTimed: boolean }[]> = {
  tickwire: [
    { topics: ['webhook.trade_executed'], isTimed: true },
    { topics: ['webhook.completed', 'webhook.failed'], isTimed: false },
  ],
  bare: [{ topics: [BARE_TOPICS.executed], isTimed: true }],
};
/** After the last arrival, without any outcome in between, the rest is given up. */
const SILENCE_MS = 5_000;
let runs = 0;

/** One run: load by the clock on one side, the outcomes read off the log on the other. */
export async function measure(bench: Bench, plan: RunPlan): Promise<MeasuredRun> {
  const run = `b${Date.now().toString(36)}x${(runs += 1)}`;
  const open = { run, ratePerSecond: plan.rate, seconds: plan.warmUpSeconds + plan.seconds };
  const executions = new Executions(run, Math.round(open.ratePerSecond * open.seconds));
  const taps = await Promise.all(
    TAPPED[plan.subject].map(({ topics, isTimed }) =>
      openTap(bench.system, topics, isTimed, (_topic, value, atMs) => executions.see(value, atMs)),
    ),
  );
  const workers: { stop(): Promise<void> }[] = [];
  try {
    const load = await startLoad(bench, plan.subject, open, workers);
    const result = await load.run();
    const drainMs = await drained(executions, result);
    return {
      latencies: latenciesOf(result, executions.executedAtMs, Math.round(plan.rate * plan.warmUpSeconds)),
      refused: Object.values(result.refused).reduce((sum, count) => sum + count, 0),
      refusals: result.refused,
      failed: executions.failed,
      worstDelayMs: result.worstDelayMs,
      drainMs,
    };
  } finally {
    await Promise.all(workers.map((worker) => worker.stop()));
    await Promise.all(taps.map((tap) => tap.close()));
  }
}

interface Load {
  run(): Promise<LoadResult>;
}

async function startLoad(
  { system, senders, accounts, connections }: Bench,
  subject: Subject,
  open: { run: string; ratePerSecond: number; seconds: number },
  workers: { stop(): Promise<void> }[],
): Promise<Load> {
  const kept = <W extends { stop(): Promise<void> }>(worker: W): W => {
    workers.push(worker);
    return worker;
  };
  const { postgresUrl, kafkaBrokers: brokers, tickwire } = system;
  if (subject === 'tickwire') {
    if (!tickwire || !senders) throw new Error('There is no Tickwire to send to');
    return kept(
      await WorkerProcess.start('http-load', { ...open, ingressUrl: tickwire.ingressUrl, senders, connections }),
    );
  }
  if (system.log === 'postgres')
    return kept(await WorkerProcess.start('postgres-loop', { ...open, postgresUrl, accounts }));
  if (!brokers) throw new Error('The system has no brokers');
  for (const stage of ['validate', 'execute'] as const) {
    kept(await WorkerProcess.start('kafka-stage', { run: open.run, brokers, stage, postgresUrl }));
  }
  return kept(await WorkerProcess.start('kafka-load', { ...open, brokers, accounts }));
}

/** Waits for the outcomes of what was accepted. @returns how long that took, ms */
async function drained(executions: Executions, { acceptedAtMs }: LoadResult): Promise<number> {
  const accepted = acceptedAtMs.reduce((count, at) => count + (Number.isNaN(at) ? 0 : 1), 0);
  const startMs = performance.now();
  let seen = executions.settled;
  let seenMs = startMs;
  while (executions.settled < accepted && performance.now() - seenMs < SILENCE_MS) {
    await sleep(20);
    if (executions.settled > seen) {
      seen = executions.settled;
      seenMs = performance.now();
    }
  }
  return seenMs - startMs;
}

function openTap(
  system: BenchSystem,
  topics: readonly string[],
  isTimed: boolean,
  onRecord: OnRecord,
): Promise<RecordTap> {
  return system.log === 'kafka'
    ? openKafkaTap(system.kafkaBrokers ?? [], topics, onRecord)
    : openPostgresTap(system.postgresUrl, topics, isTimed, onRecord);
}
