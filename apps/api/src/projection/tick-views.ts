import type { AgentTick, MarketTick, SharedTick } from '@tickwire/contracts';
import type { Queryable } from '@tickwire/event-log';
import { storableJson, withBinaryArrays } from '@tickwire/persistence';
import type { StoredAgentView } from '../agents/agent-views.js';

interface AgentLatest {
  worldId: string;
  tick: number;
  closedAt: string;
  agent: AgentTick;
}

/**
 * Keeps the latest tick of each world and of each agent, in at most one statement each per batch: of several ticks in
 * a batch only the newest is written, and of a world's shards only the first that brings a new tick.
 */
export class TickViews {
  /** Ticks that this process has written; another one may be ahead, which the statement finds out. */
  private readonly writtenTicks = new Map<string, number>();

  async store(db: Queryable, ticks: readonly MarketTick[]): Promise<void> {
    const worlds = new Map<string, MarketTick>();
    const agents = new Map<string, AgentLatest>();
    for (const tick of ticks) {
      const { worldId, closedAt } = tick;
      if (tick.tick > (worlds.get(worldId)?.tick ?? this.writtenTicks.get(worldId) ?? -1)) worlds.set(worldId, tick);
      for (const agent of tick.agents) {
        if (tick.tick > (agents.get(agent.agentId)?.tick ?? -1)) {
          agents.set(agent.agentId, { worldId, tick: tick.tick, closedAt, agent });
        }
      }
    }
    await storeWorlds(db, sortedByKey(worlds));
    for (const [worldId, { tick }] of worlds) this.writtenTicks.set(worldId, tick);
    await storeAgents(db, sortedByKey(agents));
  }
}

/** Sorted, so that two processes never wait for each other in a circle. */
function sortedByKey<V>(map: ReadonlyMap<string, V>): [string, V][] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1));
}

async function storeWorlds(db: Queryable, worlds: readonly [string, MarketTick][]): Promise<void> {
  if (worlds.length === 0) return;
  const text = `INSERT INTO "world_view" AS v ("world_id", "tick", "view") SELECT * FROM unnest($1::text[], $2::bigint[], $3::jsonb[])
     ON CONFLICT ("world_id") DO UPDATE SET "tick" = EXCLUDED."tick", "view" = EXCLUDED."view" WHERE v."tick" < EXCLUDED."tick"`;
  const values = [
    worlds.map(([worldId]) => worldId),
    worlds.map(([, { tick }]) => tick),
    worlds.map(([, { tick, closedAt, market, world, news }]) =>
      storableJson(JSON.stringify({ tick, closedAt, market, world, news } satisfies SharedTick)),
    ),
  ];
  await db.query(text, withBinaryArrays(text, values));
}

async function storeAgents(db: Queryable, agents: readonly [string, AgentLatest][]): Promise<void> {
  if (agents.length === 0) return;
  const text = `INSERT INTO "agent_view" AS v ("agent_id", "world_id", "tick", "view", "net_worth_cents")
     SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::jsonb[], $5::bigint[])
     ON CONFLICT ("agent_id") DO UPDATE
        SET "tick" = EXCLUDED."tick", "view" = EXCLUDED."view", "net_worth_cents" = EXCLUDED."net_worth_cents"
      WHERE v."tick" < EXCLUDED."tick"`;
  const values = [
    agents.map(([agentId]) => agentId),
    agents.map(([, { worldId }]) => worldId),
    agents.map(([, { tick }]) => tick),
    agents.map(([, { closedAt, agent }]) =>
      storableJson(JSON.stringify({ closedAt, agent } satisfies StoredAgentView)),
    ),
    agents.map(([, { agent }]) => netWorthCents(agent)),
  ];
  await db.query(text, withBinaryArrays(text, values));
}

/** Ticks tell amounts as JSON numbers with two decimals; the double nearest to one times a hundred is not always whole. */
function netWorthCents({ funds: [, , , netWorth] }: AgentTick): number {
  return Math.round(netWorth * 100);
}
