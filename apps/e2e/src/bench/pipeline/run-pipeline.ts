import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBareKafkaTopics } from '../bare/kafka-loop.js';
import { ensureBarePostgresTopics } from '../bare/postgres-loop.js';
import { summarise, type LatencySummary } from '../latencies.js';
import { benchLine, headlineOf, renderTable, type RunFigures } from '../report.js';
import type { Output } from '../run-bench.js';
import { startBareSystem } from '../system/bare-system.js';
import { provisionSenders } from '../system/bench-tenant.js';
import { startSystem } from '../system/started-system.js';
import { measure, type Bench, type MeasuredRun, type Subject } from './measure.js';
import type { PipelineOptions } from './options.js';
import { findSustainedRate } from './sustained-rate.js';

/** Of the ramp to the sustained maximum: six steps of 8 s reach 7.6 times the first rate. */
const RAMP = { startRate: 1_000, factor: 1.5, mostSteps: 6 };
const RAMP_SECONDS = 6;
const RAMP_WARM_UP_SECONDS = 2;

/** Runs the bench from start to end; what it started is stopped again, whatever happens. */
export async function runPipeline(options: PipelineOptions, output: Output, stopped: AbortSignal): Promise<void> {
  const folder = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'tickwire-bench-')));
  const figures: RunFigures[] = [];
  try {
    for (const log of options.logs) figures.push(...(await runOn(log, join(folder, log), options, output, stopped)));
  } finally {
    if (options.dataDir === undefined) await rm(folder, { recursive: true, force: true });
  }
  output.print(renderTable(figures));
  output.print(JSON.stringify(benchLine(figures, headlineOf(figures)!)));
}

async function runOn(
  log: 'kafka' | 'postgres',
  dataDir: string,
  options: PipelineOptions,
  output: Output,
  stopped: AbortSignal,
): Promise<RunFigures[]> {
  const { accounts, connections, bareOnly } = options;
  output.progress(`${log}: starting ${bareOnly ? 'the log and the database' : 'Tickwire'} in ${dataDir}`);
  const system = await (bareOnly ? startBareSystem : startSystem)(log, dataDir);
  try {
    if (system.kafkaBrokers) await ensureBareKafkaTopics(system.kafkaBrokers);
    else await ensureBarePostgresTopics(system.postgresUrl);
    const bench: Bench = { system, accounts, connections };
    if (system.tickwire) {
      output.progress(`${log}: making a tenant with ${accounts} accounts`);
      bench.senders = await provisionSenders(system.tickwire, accounts);
    }
    await settle(bench, options, output, stopped);
    const figures: RunFigures[] = [];
    for (const rate of options.rates) figures.push(await measureRate(bench, rate, options, output, stopped));
    if (!bareOnly && options.max) {
      const maxPerSecond = await sustainedOf(bench, output, stopped);
      for (const figure of figures) figure.maxPerSecond = maxPerSecond;
    }
    return figures;
  } finally {
    output.progress(`${log}: stopping`);
    await system.stop();
  }
}

/** By ours: it has everything warm that the bare loop uses, but for processes that the bare loop starts anew each time. */
async function settle(bench: Bench, options: PipelineOptions, output: Output, stopped: AbortSignal): Promise<void> {
  const { settleSeconds: seconds, rates, bareOnly } = options;
  if (seconds === 0) return;
  stopped.throwIfAborted();
  output.progress(`${bench.system.log}: settling for ${seconds} s`);
  const subject = bareOnly ? 'bare' : 'tickwire';
  await measure(bench, { subject, rate: Math.min(...rates), warmUpSeconds: 0, seconds });
}

/** Bare and ours in turns, so that what the machine does meanwhile meets both. */
async function measureRate(
  bench: Bench,
  rate: number,
  { rounds, seconds, warmUpSeconds, bareOnly }: PipelineOptions,
  output: Output,
  stopped: AbortSignal,
): Promise<RunFigures> {
  const subjects: Subject[] = bareOnly ? ['bare'] : ['bare', 'tickwire'];
  const measured: Record<Subject, MeasuredRun[]> = { bare: [], tickwire: [] };
  for (let round = 1; round <= rounds; round += 1) {
    for (const subject of subjects) {
      stopped.throwIfAborted();
      const run = await measure(bench, { subject, rate, warmUpSeconds, seconds: seconds / rounds });
      measured[subject].push(run);
      output.progress(`${bench.system.log} ${rate}/s round ${round}/${rounds} ${subject.padEnd(8)} ${sentence(run)}`);
    }
  }
  const ours = together(measured.tickwire);
  const bare = together(measured.bare);
  return {
    log: bench.system.log,
    rate,
    p50Ms: ours.p50Ms,
    p99Ms: ours.p99Ms,
    bareP50Ms: bare.p50Ms,
    bareP99Ms: bare.p99Ms,
    accepted: bareOnly ? bare.accepted : ours.accepted,
    refused: sum(measured[bareOnly ? 'bare' : 'tickwire'].map(({ refused }) => refused)),
    missing: bareOnly ? bare.missing : ours.missing,
    worstDelayMs: Math.max(...[...measured.bare, ...measured.tickwire].map(({ worstDelayMs }) => worstDelayMs)),
  };
}

function sustainedOf(bench: Bench, output: Output, stopped: AbortSignal): Promise<number | undefined> {
  return findSustainedRate(RAMP, async (rate) => {
    stopped.throwIfAborted();
    const run = await measure(bench, {
      subject: 'tickwire',
      rate,
      warmUpSeconds: RAMP_WARM_UP_SECONDS,
      seconds: RAMP_SECONDS,
    });
    output.progress(`${bench.system.log} ramp ${rate}/s ${sentence(run)}, drained in ${run.drainMs.toFixed(0)} ms`);
    return { ...summarise(run.latencies), refused: run.refused, drainMs: run.drainMs, worstDelayMs: run.worstDelayMs };
  });
}

function together(runs: readonly MeasuredRun[]): LatencySummary {
  return summarise(runs.flatMap(({ latencies }) => latencies));
}

function sentence({ latencies, refused, refusals, failed, worstDelayMs }: MeasuredRun): string {
  const { p50Ms, p99Ms, maxMs, accepted, missing } = summarise(latencies);
  const trouble = { ...refusals, ...failed };
  return (
    `p50 ${p50Ms.toFixed(1)} p99 ${p99Ms.toFixed(1)} max ${maxMs.toFixed(0)} ms, ${accepted} accepted, ${refused} refused, ` +
    `${missing} missing, generator ${worstDelayMs.toFixed(1)} ms late` +
    (Object.keys(trouble).length > 0 ? ` ${JSON.stringify(trouble)}` : '')
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
