import { percentile } from '../latencies.js';
import { rounded, type BenchLine } from '../report.js';
import { renderTable, type Column } from '../table.js';
import type { MeasuredStretch } from './measure.js';

/** What was measured on one log. */
export interface IngressFigures {
  log: 'kafka' | 'postgres';
  /** Processor time of the ingress process for each accepted signal, µs. */
  cpuUs: number;
  bareCpuUs: number;
  /** Accepted a second at saturation. */
  maxPerSecond: number;
  bareMaxPerSecond: number;
  /** Of the open loop. */
  rate: number;
  p50Ms: number;
  p99Ms: number;
  accepted: number;
  /** Answers of ours other than 202, by status. */
  refused: Record<string, number>;
  /** Of the generator in the open loop. */
  worstDelayMs: number;
}

export interface Measured {
  log: 'kafka' | 'postgres';
  /** Of each round. */
  ingress: readonly MeasuredStretch[];
  bare: readonly MeasuredStretch[];
  /** At half the maximum. */
  atHalf: MeasuredStretch;
  rate: number;
}

const COLUMNS: readonly Column<IngressFigures>[] = [
  ['log', ({ log }) => log],
  ['CPU us', ({ cpuUs }) => cpuUs.toFixed(1)],
  ['bare CPU us', ({ bareCpuUs }) => bareCpuUs.toFixed(1)],
  ['ratio', (figures) => ratioOf(figures)?.toFixed(2) ?? '-'],
  ['max/s', ({ maxPerSecond }) => maxPerSecond.toFixed(0)],
  ['bare max/s', ({ bareMaxPerSecond }) => bareMaxPerSecond.toFixed(0)],
  ['at rate/s', ({ rate }) => String(rate)],
  ['p50 ms', ({ p50Ms }) => p50Ms.toFixed(1)],
  ['p99 ms', ({ p99Ms }) => p99Ms.toFixed(1)],
  ['accepted', ({ accepted }) => String(accepted)],
  ['refused', ({ refused }) => refusals(refused)],
  ['generator late ms', ({ worstDelayMs }) => worstDelayMs.toFixed(1)],
];

/** All rounds count alike for each signal in them. */
export function figuresOf({ log, ingress, bare, atHalf, rate }: Measured): IngressFigures {
  const sorted = atHalf.latenciesMs.toSorted();
  const refused: Record<string, number> = {};
  for (const stretch of [...ingress, atHalf]) {
    for (const [status, count] of Object.entries(stretch.refused)) refused[status] = (refused[status] ?? 0) + count;
  }
  return {
    log,
    cpuUs: cpuPerSignal(ingress),
    bareCpuUs: cpuPerSignal(bare),
    maxPerSecond: perSecond(ingress),
    bareMaxPerSecond: perSecond(bare),
    rate,
    p50Ms: percentile(sorted, 0.5),
    p99Ms: percentile(sorted, 0.99),
    accepted: total([...ingress, atHalf], ({ accepted }) => accepted),
    refused,
    worstDelayMs: atHalf.worstDelayMs,
  };
}

/** µs. A refusal costs processor time too, and counts against the accepted. */
export function cpuPerSignal(stretches: readonly MeasuredStretch[]): number {
  return total(stretches, ({ cpuUs }) => cpuUs) / total(stretches, ({ accepted }) => accepted);
}

export function perSecond(stretches: readonly MeasuredStretch[]): number {
  return total(stretches, ({ accepted }) => accepted) / total(stretches, ({ seconds }) => seconds);
}

export function renderFigures(figures: readonly IngressFigures[]): string {
  return renderTable(COLUMNS, figures);
}

/** `figure`, `baseline` and latencies are those of Kafka and Redis, where they were measured. */
export function ingressLine(figures: readonly IngressFigures[]): BenchLine {
  const headline = figures.find(({ log }) => log === 'kafka') ?? figures.at(-1)!;
  return {
    bench: 'ingress',
    figure: rounded(headline.cpuUs),
    unit: 'us',
    baseline: rounded(headline.bareCpuUs),
    ratio: ratioOf(headline),
    peers: [{ name: 'bare Nest + Fastify route that verifies an HMAC', figure: rounded(headline.bareCpuUs) }],
    p50Ms: rounded(headline.p50Ms),
    p99Ms: rounded(headline.p99Ms),
    runs: figures.map((run) => ({
      log: run.log,
      cpuUs: rounded(run.cpuUs),
      bareCpuUs: rounded(run.bareCpuUs),
      ratio: ratioOf(run),
      maxPerSecond: rounded(run.maxPerSecond),
      p50Ms: rounded(run.p50Ms),
      p99Ms: rounded(run.p99Ms),
    })),
  };
}

export function refusals(refused: Readonly<Record<string, number>>): string {
  const kinds = Object.entries(refused);
  return kinds.length === 0 ? '0' : kinds.map(([status, count]) => `${count}x${status}`).join(' ');
}

/** Bare over ours: 1 is as cheap as a route that keeps nothing. Null where nothing was accepted. */
function ratioOf({ cpuUs, bareCpuUs }: IngressFigures): number | null {
  const ratio = bareCpuUs / cpuUs;
  return Number.isFinite(ratio) && Number.isFinite(cpuUs) ? Math.round(ratio * 1_000) / 1_000 : null;
}

function total(stretches: readonly MeasuredStretch[], of: (stretch: MeasuredStretch) => number): number {
  return stretches.reduce((sum, stretch) => sum + of(stretch), 0);
}
