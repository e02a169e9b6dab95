/** What one step of the ramp showed. */
export interface RampStep {
  p99Ms: number;
  /** Requests without a 202. */
  refused: number;
  /** Accepted, not executed in time. */
  missing: number;
  accepted: number;
  /** How long after the last arrival the last outcome came, ms. */
  drainMs: number;
  /** Of the generator, ms. */
  worstDelayMs: number;
}

export interface RampPlan {
  startRate: number;
  /** From step to step. */
  factor: number;
  mostSteps: number;
}

/** Beyond these the system, or the generator, does not keep up any more. */
const WORST_P99_MS = 500;
const WORST_DRAIN_MS = 1_000;
const WORST_GENERATOR_DELAY_MS = 500;
const WORST_LOSS = 0.01;

/** Whether a system that behaves so could go on for ever. */
export function isSustained({ p99Ms, refused, missing, accepted, drainMs, worstDelayMs }: RampStep): boolean {
  const lost = (refused + missing) / Math.max(1, accepted + refused);
  return (
    p99Ms <= WORST_P99_MS && drainMs <= WORST_DRAIN_MS && worstDelayMs <= WORST_GENERATOR_DELAY_MS && lost <= WORST_LOSS
  );
}

/**
 * Raises the rate step by step until one is not sustained.
 * @returns the highest rate that was; undefined where not even the first one was
 */
export async function findSustainedRate(
  { startRate, factor, mostSteps }: RampPlan,
  tryRate: (rate: number) => Promise<RampStep>,
): Promise<number | undefined> {
  let sustained: number | undefined;
  for (let step = 0; step < mostSteps; step += 1) {
    const rate = Math.round(startRate * factor ** step);
    if (!isSustained(await tryRate(rate))) break;
    sustained = rate;
  }
  return sustained;
}
