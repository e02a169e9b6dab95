import { percentile } from '../../latencies.js';
import type { Arrived } from '../receivers/arrivals.js';

/** What a stretch with ticks by the clock tells of the callbacks that count. Times from the close of their tick, ms. */
export interface PacedFigures {
  callbacks: number;
  /** To when the body was composed, right before its request. */
  sentP50Ms: number;
  sentP99Ms: number;
  /** To when the receiver had the head of the request. A callback that never came counts as infinitely late. */
  p50Ms: number;
  p99Ms: number;
  /** To the last callback of a tick, over the ticks: the middle one, and the worst. */
  lastP50Ms: number;
  lastMaxMs: number;
  /** Share that was received before the next tick was due. */
  insideShare: number;
  /** Share that was never received: superseded, unless something failed. */
  missingShare: number;
}

/**
 * @param closedAtMs of each tick, in their order; a later stretch of the same kind may follow with its own
 * @param tickMs     from tick to tick
 * @param counts     which agents count: those that do not hang
 */
export function pacedFigures(
  stretches: readonly { arrived: Arrived; closedAtMs: readonly number[] }[],
  tickMs: number,
  counts: (agent: number) => boolean,
): PacedFigures {
  const received: number[] = [];
  const sent: number[] = [];
  const last: number[] = [];
  for (const { arrived, closedAtMs } of stretches) {
    const { agents, ticks, receivedAtMs, sentAtMs } = arrived;
    closedAtMs.forEach((closedMs, nth) => {
      let lastMs = 0;
      for (let agent = 0; agent < agents; agent += 1) {
        if (!counts(agent)) continue;
        const place = agent * ticks + nth;
        const ms = sinceClose(receivedAtMs[place]!, closedMs);
        received.push(ms);
        sent.push(sinceClose(sentAtMs[place]!, closedMs));
        if (Number.isFinite(ms)) lastMs = Math.max(lastMs, ms);
      }
      last.push(lastMs);
    });
  }
  const sorted = Float64Array.from(received).sort();
  const sortedSent = Float64Array.from(sent).sort();
  const sortedLast = Float64Array.from(last).sort();
  const share = (fits: (ms: number) => boolean): number => received.filter(fits).length / received.length;
  return {
    callbacks: received.length,
    sentP50Ms: percentile(sortedSent, 0.5),
    sentP99Ms: percentile(sortedSent, 0.99),
    p50Ms: percentile(sorted, 0.5),
    p99Ms: percentile(sorted, 0.99),
    lastP50Ms: percentile(sortedLast, 0.5),
    lastMaxMs: sortedLast.at(-1) ?? NaN,
    insideShare: share((ms) => ms <= tickMs),
    missingShare: share((ms) => ms === Infinity),
  };
}

/** A close is told in whole milliseconds, so that a quick callback may seem to come before it. */
function sinceClose(atMs: number, closedMs: number): number {
  return Number.isNaN(atMs) ? Infinity : Math.max(0, atMs - closedMs);
}
