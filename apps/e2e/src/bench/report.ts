import { renderTable as render, type Column } from './table.js';

/** What one subject did at one rate. */
export interface RunFigures {
  log: 'kafka' | 'postgres';
  /** Signals per second. */
  rate: number;
  p50Ms: number;
  p99Ms: number;
  bareP50Ms: number;
  bareP99Ms: number;
  accepted: number;
  refused: number;
  missing: number;
  /** Of the generator itself: above some ms the figures say more about it than about the system. */
  worstDelayMs: number;
  /** The highest rate that was sustained on this log; undefined where it was not looked for. */
  maxPerSecond?: number;
}

/** The last line of a bench, as one JSON object. */
export interface BenchLine {
  bench: string;
  figure: number | null;
  unit: string;
  baseline: number | null;
  ratio: number | null;
  peers: { name: string; figure: number | null }[];
  p50Ms: number | null;
  p99Ms: number | null;
  runs: Record<string, string | number | null>[];
}

const COLUMNS: readonly Column<RunFigures>[] = [
  ['log', (run) => run.log],
  ['rate/s', (run) => String(run.rate)],
  ['p50 ms', (run) => milliseconds(run.p50Ms)],
  ['p99 ms', (run) => milliseconds(run.p99Ms)],
  ['bare p50', (run) => milliseconds(run.bareP50Ms)],
  ['bare p99', (run) => milliseconds(run.bareP99Ms)],
  ['ratio', (run) => (ratioOf(run) ?? NaN).toFixed(2)],
  ['accepted', (run) => String(run.accepted)],
  ['refused', (run) => String(run.refused)],
  ['missing', (run) => String(run.missing)],
  ['generator late ms', (run) => milliseconds(run.worstDelayMs)],
  ['max/s', (run) => (run.maxPerSecond === undefined ? '-' : String(run.maxPerSecond))],
];

export function renderTable(runs: readonly RunFigures[]): string {
  return render(COLUMNS, runs);
}

/** @param headline the run that `figure` and `baseline` speak of: Kafka at 500/s where it was run */
export function benchLine(runs: readonly RunFigures[], headline: RunFigures): BenchLine {
  return {
    bench: 'pipeline',
    figure: rounded(headline.p50Ms),
    unit: 'ms',
    baseline: rounded(headline.bareP50Ms),
    ratio: ratioOf(headline),
    peers: [{ name: 'bare three-hop loop', figure: rounded(headline.bareP50Ms) }],
    p50Ms: rounded(headline.p50Ms),
    p99Ms: rounded(headline.p99Ms),
    runs: runs.map((run) => ({
      log: run.log,
      rate: run.rate,
      p50Ms: rounded(run.p50Ms),
      p99Ms: rounded(run.p99Ms),
      ratio: ratioOf(run),
      maxPerSecond: run.maxPerSecond ?? null,
    })),
  };
}

/** Kafka at the lowest rate, or the embedded log at the highest: the rates that the bars were set at. */
export function headlineOf(runs: readonly RunFigures[]): RunFigures | undefined {
  const byRate = runs.toSorted((a, b) => a.rate - b.rate);
  return byRate.find(({ log }) => log === 'kafka') ?? byRate.at(-1);
}

/** Bare p50 over ours: 1 is as fast as no rules at all, below 1 slower. Null where one of them is not a number. */
function ratioOf({ bareP50Ms, p50Ms }: RunFigures): number | null {
  const ratio = bareP50Ms / p50Ms;
  return Number.isFinite(ratio) ? Math.round(ratio * 1_000) / 1_000 : null;
}

/** To two digits; JSON knows neither Infinity nor NaN. */
export function rounded(value: number): number | null {
  return Number.isFinite(value) ? Math.round(value * 100) / 100 : null;
}

function milliseconds(ms: number): string {
  return Number.isFinite(ms) ? ms.toFixed(1) : '-';
}
