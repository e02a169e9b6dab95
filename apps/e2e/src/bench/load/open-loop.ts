/** Time as the loop sees it. */
export interface LoopClock {
  /** Any monotonic milliseconds. */
  nowMs(): number;
  sleep(ms: number): Promise<void>;
}

export interface OpenLoopPlan {
  ratePerSecond: number;
  seconds: number;
}

/** How well the generator itself kept to the clock: figures of a late generator are not to be trusted. */
export interface OpenLoopOutcome {
  fired: number;
  /** The longest that one arrival was late, ms. */
  worstDelayMs: number;
}

/** Sleeping shorter is not worth a timer. */
const SHORTEST_SLEEP_MS = 0.5;

/**
 * Fires `rate * seconds` arrivals, evenly, by the clock: an arrival waits for no answer, and one that was late is made up at once.
 * @param fire called with 0, 1, 2…; must not block
 */
export async function runOpenLoop(
  { ratePerSecond, seconds }: OpenLoopPlan,
  clock: LoopClock,
  fire: (index: number) => void,
): Promise<OpenLoopOutcome> {
  const total = Math.round(ratePerSecond * seconds);
  const intervalMs = 1_000 / ratePerSecond;
  const startMs = clock.nowMs();
  let worstDelayMs = 0;
  for (let index = 0; index < total;) {
    const aheadMs = startMs + index * intervalMs - clock.nowMs();
    if (aheadMs > SHORTEST_SLEEP_MS) {
      await clock.sleep(aheadMs);
      continue;
    }
    worstDelayMs = Math.max(worstDelayMs, -aheadMs);
    fire(index);
    index += 1;
  }
  return { fired: total, worstDelayMs };
}

/** The wall clock with the resolution of the monotonic one, ms: comparable between processes of one machine. */
export function wallMs(): number {
  return performance.timeOrigin + performance.now();
}

export const SYSTEM_CLOCK: LoopClock = {
  nowMs: () => performance.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};
