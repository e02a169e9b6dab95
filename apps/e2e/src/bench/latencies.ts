/** What a load generator knows of each signal or record that it sent. Plain data: it crosses a process boundary. */
export interface LoadResult {
  /** When each was accepted, wall clock ms; NaN where it was not. */
  acceptedAtMs: Float64Array;
  /** Answers other than acceptance, by kind: a status or an error code. */
  refused: Record<string, number>;
  /** How late the generator itself was at worst, ms. */
  worstDelayMs: number;
}

export interface LatencySummary {
  /** Accepted within the measured window. */
  accepted: number;
  /** Accepted and never seen executed: counted as infinitely late. */
  missing: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
}

/**
 * The latencies of one run, from acceptance to execution.
 *
 * @param executedAtMs by the same index as `load`; NaN where it was not seen
 * @param firstIndex   the first one that counts; those before it warmed the system up
 * @returns ms; `Infinity` for each that was accepted and not executed
 */
export function latenciesOf(load: LoadResult, executedAtMs: Float64Array, firstIndex = 0): number[] {
  const latencies: number[] = [];
  for (let index = firstIndex; index < load.acceptedAtMs.length; index += 1) {
    const acceptedAt = load.acceptedAtMs[index]!;
    if (Number.isNaN(acceptedAt)) continue;
    const executedAt = executedAtMs[index]!;
    // The answer may reach the sender after the signal was executed: it had waited no longer than nothing.
    latencies.push(Number.isNaN(executedAt) ? Infinity : Math.max(0, executedAt - acceptedAt));
  }
  return latencies;
}

/** @returns all NaN but the counts where nothing was accepted */
export function summarise(latencies: readonly number[]): LatencySummary {
  const sorted = Float64Array.from(latencies).sort();
  return {
    accepted: sorted.length,
    missing: latencies.filter((latency) => latency === Infinity).length,
    p50Ms: percentile(sorted, 0.5),
    p99Ms: percentile(sorted, 0.99),
    maxMs: sorted.at(-1) ?? NaN,
  };
}

/**
 * Nearest rank: a value that was measured, no interpolation.
 * @param sorted ascending
 * @param share  0 < share <= 1
 */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  return sorted.length === 0 ? NaN : sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
}
