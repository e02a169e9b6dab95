import { median } from './figures.js';

/** One second's look at a process, bytes. */
export interface MemorySample {
  atMs: number;
  rss: number;
  heapUsed: number;
}

export interface MemoryTrend {
  name: string;
  /** Medians of resident memory, MB: of the span after the warm-up and of the last one. */
  earlyMb: number;
  lateMb: number;
  /** Of the heap in use since the warm-up, least squares, MB a minute. */
  heapSlope: number;
  flat: boolean;
}

const EVERY_MS = 1_000;
const MB = 1024 * 1024;
/** A process may end with this much more than it had, whichever is more: garbage is collected when there is need, not at once. */
const GROWTH = { ratio: 1.3, mb: 60 };

/** Asks each process for its memory each second. One that is away is not asked again until the next second. */
export class MemoryWatch {
  private readonly samples = new Map<string, MemorySample[]>();
  private readonly timer: NodeJS.Timeout;

  /** @param ports management ports, by the processes' names */
  constructor(private readonly ports: ReadonlyMap<string, number>) {
    for (const name of ports.keys()) this.samples.set(name, []);
    this.timer = setInterval(() => void this.look(), EVERY_MS);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** @param fromMs when the warm-up ended @param spanMs how long the two spans are that are compared */
  trends(fromMs: number, toMs: number, spanMs: number): MemoryTrend[] {
    return [...this.samples].map(([name, samples]) => trendOf(name, samples, fromMs, toMs, spanMs));
  }

  private async look(): Promise<void> {
    await Promise.all(
      [...this.ports].map(async ([name, port]) => {
        const signal = AbortSignal.timeout(EVERY_MS);
        const text = await fetch(`http://127.0.0.1:${port}/metrics`, { signal })
          .then((answer) => answer.text())
          .catch(() => undefined);
        if (text === undefined) return;
        const rss = gauge(text, 'process_resident_memory_bytes');
        const heapUsed = gauge(text, 'nodejs_heap_size_used_bytes');
        this.samples.get(name)!.push({ atMs: Date.now(), rss, heapUsed });
      }),
    );
  }
}

/** What the samples of a process say. Without samples in one of the spans nothing is proven, and it is not flat. */
export function trendOf(
  name: string,
  samples: readonly MemorySample[],
  fromMs: number,
  toMs: number,
  spanMs: number,
): MemoryTrend {
  const within = (from: number, to: number): MemorySample[] => samples.filter(({ atMs }) => atMs >= from && atMs < to);
  const rssOf = (from: number, to: number): number => median(within(from, to).map(({ rss }) => rss)) / MB;
  const earlyMb = rssOf(fromMs, fromMs + spanMs);
  const lateMb = rssOf(toMs - spanMs, toMs);
  const heapSlope = slope(within(fromMs, toMs).map(({ atMs, heapUsed }) => [atMs / 60_000, heapUsed / MB]));
  return { name, earlyMb, lateMb, heapSlope, flat: lateMb <= Math.max(GROWTH.ratio * earlyMb, earlyMb + GROWTH.mb) };
}

function gauge(text: string, name: string): number {
  return Number(new RegExp(`^${name}(?:\\{[^}]*\\})? ([\\d.e+]+)$`, 'm').exec(text)?.[1]);
}

/** Of the line that fits the points best, least squares; NaN for fewer than two. */
function slope(points: readonly (readonly [number, number])[]): number {
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / points.length;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / points.length;
  const covariance = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  return covariance / points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
}
