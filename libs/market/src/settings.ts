/**
 * Version of everything that decides a world's future: generation, prices, rules, hashing. It is part of every hash
 * and snapshot; a change that alters any result of the same input raises it.
 */
export const ENGINE_VERSION = 1;

/** What a world is made from. The same settings and the same inputs give the same world, bit for bit. */
export interface WorldSettings {
  worldId: string;
  /** Any text or number; numbers count as their decimal text. */
  seed: string | number;
  /** Number of listed companies, 1-500. Default 100. */
  companies?: number;
  /** Length of a tick in ms, 10 and up. Remembered for the caller's clock, without effect on results. Default 1000. */
  tickMs?: number;
  /** Groups that agents are spread over, fixed for ever, 1-1024. Default 16. */
  shards?: number;
  /** Ticks a day with trading, then without. Default 390 and 240; the market is open while `tick mod day < openTicks`. */
  openTicks?: number;
  closedTicks?: number;
  /** What the taker of an agent's trade pays on top, in basis points of its value, rounded up to a cent. Default 0. */
  feeBps?: number;
  /** Equity below this share of the initial margin is a margin call. Default .25. */
  maintenanceMargin?: number;
}

/** Settings with every default filled in. */
export type ResolvedSettings = Required<Omit<WorldSettings, 'seed'>> & { seed: string };

/** @throws RangeError naming the first setting that is out of its range */
export function resolveSettings(settings: WorldSettings): ResolvedSettings {
  const resolved: ResolvedSettings = {
    worldId: settings.worldId,
    seed: String(settings.seed),
    companies: settings.companies ?? 100,
    tickMs: settings.tickMs ?? 1000,
    shards: settings.shards ?? 16,
    openTicks: settings.openTicks ?? 390,
    closedTicks: settings.closedTicks ?? 240,
    feeBps: settings.feeBps ?? 0,
    maintenanceMargin: settings.maintenanceMargin ?? 0.25,
  };
  requireInteger('companies', resolved.companies, 1, 500);
  requireInteger('tickMs', resolved.tickMs, 10, 86_400_000);
  requireInteger('shards', resolved.shards, 1, 1024);
  requireInteger('openTicks', resolved.openTicks, 1, 1_000_000);
  requireInteger('closedTicks', resolved.closedTicks, 0, 1_000_000);
  requireInteger('feeBps', resolved.feeBps, 0, 1_000);
  if (!(resolved.maintenanceMargin >= 0 && resolved.maintenanceMargin <= 1)) {
    throw new RangeError('maintenanceMargin must lie between 0 and 1');
  }
  return resolved;
}

function requireInteger(name: keyof ResolvedSettings, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw new RangeError(`${name} must be an integer between ${min} and ${max}`);
}
