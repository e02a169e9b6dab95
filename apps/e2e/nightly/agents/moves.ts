import { quantile } from './figures.js';
import type { AgentNight, Kill, NightRecord } from './night-record.js';

/** How long the agents waited for a new tick after the death of a dispatcher, ms. */
export interface Move {
  victim: number;
  /** Until the last of all shards had a tick for one of its agents. Infinity: one never had. */
  shardsMs: number;
  agentsP50Ms: number;
  agentsP99Ms: number;
  agentsMaxMs: number;
}

/** Who was called this shortly before counts: the others are behind an open breaker or have no receiver. */
const LATELY_MS = 6_000;

/**
 * Of each kill. A new tick is one that no agent had before it, so what the dead process had still on its way does not count.
 * All shards are looked at: those of the survivor wait for the rebalance, too.
 */
export function movesOf({ kills, agents }: NightRecord): Move[] {
  return kills.map((kill) => {
    const newest = newestBefore(agents, kill.atMs);
    const byShard = new Map<number, number>();
    const waits: number[] = [];
    for (const { shard, arrivals } of agents.values()) {
      const lately = arrivals.some(({ atMs }) => atMs <= kill.atMs && atMs > kill.atMs - LATELY_MS);
      if (!lately) continue;
      const next = arrivals.find(({ atMs, tick }) => atMs > kill.atMs && tick > newest);
      const waitedMs = next ? next.atMs - kill.atMs : Infinity;
      waits.push(waitedMs);
      byShard.set(shard, Math.min(waitedMs, byShard.get(shard) ?? Infinity));
    }
    return {
      victim: kill.victim,
      shardsMs: Math.max(...byShard.values()),
      agentsP50Ms: quantile(waits, 0.5),
      agentsP99Ms: quantile(waits, 0.99),
      agentsMaxMs: Math.max(...waits),
    };
  });
}

function newestBefore(agents: ReadonlyMap<string, AgentNight>, atMs: Kill['atMs']): number {
  let newest = -1;
  for (const { arrivals } of agents.values())
    for (const arrival of arrivals) if (arrival.atMs <= atMs && arrival.tick > newest) newest = arrival.tick;
  return newest;
}
