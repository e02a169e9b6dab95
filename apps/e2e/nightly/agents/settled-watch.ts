import { setTimeout as sleep } from 'node:timers/promises';
import { createPool } from '@tickwire/persistence';
import type { SettledSeen } from './night-record.js';

const EVERY_MS = 1_000;

interface Row {
  agent_id: string;
  settled_tick: string;
}

/** Looks each second at what the database holds as settled: from that moment on it must not be sent any more. */
export class SettledWatch {
  private readonly pool;
  private readonly seenByAgent = new Map<string, SettledSeen[]>();
  private readonly looking: Promise<void>;
  private ended = false;

  constructor(
    connectionString: string,
    private readonly worldId: string,
  ) {
    this.pool = createPool({ connectionString, applicationName: 'nightly-settled', max: 1 });
    this.looking = this.watch();
  }

  seen(agentId: string): readonly SettledSeen[] {
    return this.seenByAgent.get(agentId) ?? [];
  }

  /** The tick up to which every one of `agents` agents is settled; -1 while there is no row of one. */
  async settledByAll(agents: number): Promise<number> {
    const { rows } = await this.pool.query<{ agents: string; tick: string }>(
      `SELECT count(*) AS "agents", coalesce(min("settled_tick"), -1) AS "tick" FROM "agent_dispatch" WHERE "world_id" = $1`,
      [this.worldId],
    );
    return Number(rows[0]!.agents) < agents ? -1 : Number(rows[0]!.tick);
  }

  /** The last tick that the world has closed. */
  async worldTick(): Promise<number> {
    const { rows } = await this.pool.query<{ tick: string }>(`SELECT "tick" FROM "world_state" WHERE "world_id" = $1`, [
      this.worldId,
    ]);
    return Number(rows[0]!.tick);
  }

  /** Ids of the items that wait for a callback, by agent. */
  async carried(): Promise<Map<string, Set<string>>> {
    const { rows } = await this.pool.query<{ agent_id: string; carried: { item: { id?: string } }[] }>(
      `SELECT "agent_id", "carried" FROM "agent_dispatch" WHERE "world_id" = $1`,
      [this.worldId],
    );
    return new Map(
      rows.map(({ agent_id, carried }) => [agent_id, new Set(carried.flatMap(({ item }) => item.id ?? []))]),
    );
  }

  /** Rejects if a look has failed. */
  async close(): Promise<void> {
    this.ended = true;
    await this.looking.finally(() => this.pool.end());
  }

  private async watch(): Promise<void> {
    while (!this.ended) {
      const { rows } = await this.pool.query<Row>(
        `SELECT "agent_id", "settled_tick" FROM "agent_dispatch" WHERE "world_id" = $1`,
        [this.worldId],
      );
      const atMs = Date.now();
      for (const { agent_id, settled_tick } of rows) this.see(agent_id, { atMs, tick: Number(settled_tick) });
      await sleep(EVERY_MS);
    }
  }

  private see(agentId: string, look: SettledSeen): void {
    const before = this.seenByAgent.get(agentId);
    if (!before) this.seenByAgent.set(agentId, [look]);
    else if (before.at(-1)!.tick !== look.tick) before.push(look);
  }
}
