import type { Limit, LimitState, Refusal, Verdict } from './rate-limiter.js';

/**
 * GCRA as a leaky bucket used as a meter (ITU-T I.371 gives both forms and their equivalence). What was taken raises
 * the level, time lowers it, and a request passes if the level stays within the bucket. One unit is `UNIT` high and
 * one microsecond lowers the level by `perMinute`: so every rate is exact in integers, which a theoretical arrival
 * time in microseconds is not (700,000 a minute are 85.7 µs apart), and a level keeps its meaning when a tenant's
 * rate changes.
 */
export interface Bucket {
  /** 0 to `MAX_BURST * UNIT`, an integer. */
  level: number;
  /** When the level was that, unix µs. */
  atUs: number;
}

/** The height of one unit: a minute in microseconds. Written out in the Lua script, too. */
export const UNIT = 60_000_000;

/**
 * The level at `nowUs`, an integer.
 * A clock set back lowers nothing, and the level falls on from there: otherwise the key would be stopped until the
 * clock has caught up.
 */
export function drained(bucket: Bucket | undefined, perMinute: number, nowUs: number): number {
  if (bucket === undefined) return 0;
  const elapsedUs = Math.max(0, nowUs - bucket.atUs);
  // Divided first: after a long rest the product would be above 2^53.
  if (elapsedUs >= bucket.level / perMinute) return 0;
  return bucket.level - elapsedUs * perMinute;
}

/** Whether `cost` more units fit above `level`. A level above the bucket's rim, after a lowered limit, is possible. */
export function fits(level: number, cost: number, limit: Limit): boolean {
  return cost <= limit.burst && cost * UNIT <= limit.burst * UNIT - level;
}

/** How long until the bucket is empty, whole µs, rounded up. */
export function emptyAfterUs(level: number, perMinute: number): number {
  return Math.ceil(level / perMinute);
}

/**
 * @param levels per limit: with `cost` in it if the request was allowed, as it was found otherwise
 */
export function toVerdict(
  allowed: boolean,
  limits: readonly Limit[],
  levels: readonly number[],
  cost: number,
): Verdict {
  const states = limits.map((limit, index) => toState(limit, levels[index]!));
  return allowed
    ? { allowed, limits: states }
    : { allowed, limits: states, refusal: longestRefusal(limits, levels, cost) };
}

function toState({ name, perMinute, burst }: Limit, level: number): LimitState {
  return {
    name,
    limit: burst,
    windowMs: toMs(emptyAfterUs(burst * UNIT, perMinute)),
    remaining: Math.max(0, Math.floor((burst * UNIT - level) / UNIT)),
    resetMs: toMs(emptyAfterUs(level, perMinute)),
  };
}

function longestRefusal(limits: readonly Limit[], levels: readonly number[], cost: number): Refusal {
  let longest: { name: Limit['name']; waitUs: number } | undefined;
  for (const [index, limit] of limits.entries()) {
    const level = levels[index]!;
    if (cost > limit.burst) return { name: limit.name, neverFits: true };
    if (fits(level, cost, limit)) continue;
    const waitUs = emptyAfterUs(level - (limit.burst - cost) * UNIT, limit.perMinute);
    if (longest === undefined || waitUs > longest.waitUs) longest = { name: limit.name, waitUs };
  }
  if (longest === undefined) throw new RangeError('a refused request has a limit that refused it');
  return { name: longest.name, neverFits: false, retryAfterMs: toMs(longest.waitUs) };
}

/** Rounded up: whoever waits that long has waited enough. */
function toMs(us: number): number {
  return Math.ceil(us / 1_000);
}
