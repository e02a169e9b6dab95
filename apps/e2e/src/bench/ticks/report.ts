import { rounded, type BenchLine } from '../report.js';
import { renderTable, type Column } from '../table.js';
import { limitOf, type Busy } from './figures/busy.js';
import type { PacedFigures } from './figures/paced-figures.js';
import type { Part } from './options.js';
import type { MaximumStretches } from './parts/maximum.js';
import type { PeerStretch } from './peers/prepared-callbacks.js';

type Log = 'kafka' | 'postgres';

/** As fast as it goes, in a world of one size. CPU is µs of a process for each callback. */
export interface MaximumFigures {
  log: Log;
  agents: number;
  cpuUs: number;
  /** For information: of the database that ours writes to, and on the embedded log reads from. */
  postgresCpuUs: number;
  undiciCpuUs: number;
  gotCpuUs: number;
  perSecond: number;
  undiciPerSecond: number;
  gotPerSecond: number;
}

/** With ticks by the clock. */
export interface ClockFigures extends PacedFigures {
  log: Log;
  part: Exclude<Part, 'cpu'>;
  agents: number;
  /** Of them; the other figures leave these out. */
  hanging: number;
  busy: Busy;
  worstDelayMs: number;
}

export interface TicksFigures {
  maximum: MaximumFigures[];
  clock: ClockFigures[];
}

/** The world that the bars were set for. */
const HEADLINE_AGENTS = 1_000;

const MAXIMUM_COLUMNS: readonly Column<MaximumFigures>[] = [
  ['log', ({ log }) => log],
  ['agents', ({ agents }) => String(agents)],
  ['CPU us', ({ cpuUs }) => number(cpuUs, 1)],
  ['undici CPU us', ({ undiciCpuUs }) => number(undiciCpuUs, 1)],
  ['ratio', (figures) => number(ratioOf(figures), 2)],
  ['got CPU us', ({ gotCpuUs }) => number(gotCpuUs, 1)],
  ['callbacks/s', ({ perSecond }) => number(perSecond, 0)],
  ['undici/s', ({ undiciPerSecond }) => number(undiciPerSecond, 0)],
  ['got/s', ({ gotPerSecond }) => number(gotPerSecond, 0)],
  ['x got', (figures) => number(timesGot(figures), 2)],
  ['Postgres CPU us', ({ postgresCpuUs }) => number(postgresCpuUs, 1)],
];

const CLOCK_COLUMNS: readonly Column<ClockFigures>[] = [
  ['log', ({ log }) => log],
  ['part', ({ part }) => part],
  ['agents', ({ agents }) => String(agents)],
  ['hanging', ({ hanging }) => String(hanging)],
  ['sent p50 ms', ({ sentP50Ms }) => number(sentP50Ms, 1)],
  ['sent p99', ({ sentP99Ms }) => number(sentP99Ms, 1)],
  ['received p50 ms', ({ p50Ms }) => number(p50Ms, 1)],
  ['received p99', ({ p99Ms }) => number(p99Ms, 1)],
  ['last p50 ms', ({ lastP50Ms }) => number(lastP50Ms, 1)],
  ['last max', ({ lastMaxMs }) => number(lastMaxMs, 1)],
  ['in tick %', ({ insideShare }) => number(insideShare * 100, 2)],
  ['missing %', ({ missingShare }) => number(missingShare * 100, 2)],
  ['publisher late ms', ({ worstDelayMs }) => number(worstDelayMs, 1)],
];

/** All rounds count alike for each callback in them. */
export function maximumFigures(log: Log, { agents, ours, undici, got }: MaximumStretches): MaximumFigures {
  return {
    log,
    agents,
    cpuUs: cpuPerCallback(ours),
    postgresCpuUs: total(ours, ({ postgresCpuUs }) => postgresCpuUs) / total(ours, ({ sent }) => sent),
    undiciCpuUs: cpuPerCallback(undici),
    gotCpuUs: cpuPerCallback(got),
    perSecond: perSecond(ours),
    undiciPerSecond: perSecond(undici),
    gotPerSecond: perSecond(got),
  };
}

export function renderFigures({ maximum, clock }: TicksFigures): string {
  const sections: string[] = [];
  if (maximum.length > 0) sections.push(renderTable(MAXIMUM_COLUMNS, maximum));
  if (clock.length > 0) sections.push(renderTable(CLOCK_COLUMNS, clock));
  for (const figures of clock) if (figures.part === 'ten-thousand') sections.push(limitSentence(figures));
  for (const { log, p99Ratio } of isolationsOf(clock))
    sections.push(`${log}: p99 of the others is ${number(p99Ratio, 2)} times what it is without those that hang`);
  return sections.join('\n\n');
}

/** `figure` and `baseline` are those of 1,000 agents, or of the world nearest to it; latencies likewise. */
export function ticksLine({ maximum, clock }: TicksFigures): BenchLine {
  const headline = nearest(maximum);
  const latency = nearest(clock.filter(({ part }) => part === 'latency'));
  return {
    bench: 'ticks',
    figure: rounded(headline?.cpuUs ?? NaN),
    unit: 'us',
    baseline: rounded(headline?.undiciCpuUs ?? NaN),
    ratio: headline === undefined ? null : thousandths(ratioOf(headline)),
    peers: [
      { name: 'bare undici loop', figure: rounded(headline?.undiciCpuUs ?? NaN) },
      { name: 'got', figure: rounded(headline?.gotCpuUs ?? NaN) },
    ],
    p50Ms: rounded(latency?.p50Ms ?? NaN),
    p99Ms: rounded(latency?.p99Ms ?? NaN),
    runs: [
      ...maximum.map((run) => ({
        part: 'cpu',
        ...pick(run, ['log', 'agents']),
        ratio: thousandths(ratioOf(run)),
        timesGotRate: thousandths(timesGot(run)),
        ...roundedAll(run, [
          'cpuUs',
          'undiciCpuUs',
          'gotCpuUs',
          'postgresCpuUs',
          'perSecond',
          'undiciPerSecond',
          'gotPerSecond',
        ]),
      })),
      ...clock.map((run) => ({
        ...pick(run, ['part', 'log', 'agents', 'hanging']),
        ...roundedAll(run, ['sentP50Ms', 'sentP99Ms', 'p50Ms', 'p99Ms', 'lastP50Ms', 'lastMaxMs', 'worstDelayMs']),
        insideShare: thousandths(run.insideShare),
        missingShare: thousandths(run.missingShare),
        dispatcherBusy: rounded(run.busy.dispatcher),
        postgresBusy: rounded(run.busy.postgres),
        ...(run.part === 'ten-thousand' ? { limit: limitOf(run.busy) } : {}),
      })),
      ...isolationsOf(clock).map(({ log, p99Ratio }) => ({
        part: 'isolation',
        log,
        p99Ratio: thousandths(p99Ratio),
      })),
    ],
  };
}

/** µs. */
export function cpuPerCallback(stretches: readonly PeerStretch[]): number {
  return total(stretches, ({ cpuUs }) => cpuUs) / total(stretches, ({ sent }) => sent);
}

function perSecond(stretches: readonly PeerStretch[]): number {
  return total(stretches, ({ sent }) => sent) / total(stretches, ({ seconds }) => seconds);
}

/** undici over ours: 1 is as cheap as a loop that keeps nothing. */
function ratioOf({ undiciCpuUs, cpuUs }: MaximumFigures): number {
  return undiciCpuUs / cpuUs;
}

function timesGot({ perSecond: ours, gotPerSecond }: MaximumFigures): number {
  return ours / gotPerSecond;
}

function isolationsOf(clock: readonly ClockFigures[]): { log: Log; p99Ratio: number }[] {
  const found = clock.filter(({ part }) => part === 'isolation');
  return found.flatMap(({ log, hanging, p99Ms }) => {
    const alone = found.find((other) => other.log === log && other.hanging === 0);
    return hanging > 0 && alone ? [{ log, p99Ratio: p99Ms / alone.p99Ms }] : [];
  });
}

function limitSentence({ log, agents, busy, insideShare, missingShare }: ClockFigures): string {
  const spent = Object.entries(busy).map(([name, cores]) => `${name} ${number(cores, 2)}`);
  return (
    `${log}, ${agents} agents: ${number(insideShare * 100, 2)} % inside the tick, ${number(missingShare * 100, 2)} % superseded\n` +
    `  processors busy: ${spent.join(', ')}\n  the limit: ${limitOf(busy)}`
  );
}

function nearest<T extends { agents: number }>(runs: readonly T[]): T | undefined {
  const distance = ({ agents }: T): number => Math.abs(Math.log(agents / HEADLINE_AGENTS));
  return runs.toSorted((a, b) => distance(a) - distance(b))[0];
}

function pick<T, K extends keyof T>(run: T, names: readonly K[]): Pick<T, K> {
  return Object.fromEntries(names.map((name) => [name, run[name]])) as Pick<T, K>;
}

function roundedAll<K extends string>(run: Record<K, number>, names: readonly K[]): Record<string, number | null> {
  return Object.fromEntries(names.map((name) => [name, rounded(run[name])]));
}

function thousandths(value: number): number | null {
  return Number.isFinite(value) ? Math.round(value * 1_000) / 1_000 : null;
}

function number(value: number, digits: number): string {
  return Number.isFinite(value) ? value.toFixed(digits) : '-';
}

function total<T>(stretches: readonly T[], of: (stretch: T) => number): number {
  return stretches.reduce((sum, stretch) => sum + of(stretch), 0);
}
