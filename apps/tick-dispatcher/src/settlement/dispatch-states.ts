import { CLOSED_BREAKER, parseBreaker, type BreakerState } from '@tickwire/delivery';
import { toTransient, withBinaryArrays } from '@tickwire/persistence';
import type { Pool } from 'pg';
import { CarriedItems } from '../carried/carried-items.js';
import { parseResets, type BreakerReset } from '../controls/breaker-resets.js';

/** What survives a restart of one agent's callbacks. */
export interface DispatchState {
  /** Highest tick that is delivered, failed, skipped or superseded, with all before it; -1 before the first. */
  settledTick: number;
  carried: CarriedItems;
  breaker: BreakerState;
  /** Of the breaker, by its owner's wish; those of the last hour at least. */
  resets: readonly BreakerReset[];
}

/** A row to be written. */
export interface SettledRow {
  agentId: string;
  worldId: string;
  shard: number;
  settledTick: number;
  /** JSON array; undefined leaves what is stored. */
  carriedJson?: string;
  /** Undefined where there is a row and only its tick moves on, as after most callbacks: that takes half the time. */
  breaker?: BreakerState;
  resets?: readonly BreakerReset[];
  /** No tick has ended: the breaker was reset, and nothing else is to be changed. */
  breakerOnly?: boolean;
}

/**
 * @returns by agent id; agents without a row are absent
 * @throws TransientError while the database is away
 */
export async function loadDispatchStates(pool: Pool, agentIds: readonly string[]): Promise<Map<string, DispatchState>> {
  const states = new Map<string, DispatchState>();
  if (agentIds.length === 0) return states;
  try {
    const { rows } = await pool.query<{ agent_id: string; settled_tick: number; carried: unknown; breaker: unknown }>(
      'SELECT "agent_id", "settled_tick", "carried", "breaker" FROM "agent_dispatch" WHERE "agent_id" = ANY($1)',
      [agentIds],
    );
    for (const row of rows) {
      states.set(row.agent_id, {
        settledTick: row.settled_tick,
        carried: CarriedItems.restore(row.carried),
        breaker: breakerOf(row.breaker),
        resets: parseResets(row.breaker),
      });
    }
    return states;
  } catch (error) {
    throw toTransient(error);
  }
}

/**
 * Writes what is settled. A row whose tick is not above the stored one (with `breakerOnly`: is below it) is left alone:
 * another dispatcher was further.
 * @throws TransientError while the database is away
 */
export async function storeSettled(pool: Pool, rows: readonly SettledRow[]): Promise<void> {
  // In one order, so that two dispatchers never wait for each other's rows.
  const sorted = [...rows].sort((a, b) => (a.agentId < b.agentId ? -1 : 1));
  try {
    await moveOn(
      pool,
      sorted.filter(({ breaker }) => breaker === undefined),
    );
    await store(
      pool,
      'settle',
      sorted.filter(({ breaker, breakerOnly }) => breaker && !breakerOnly),
      `"settled_tick" = EXCLUDED."settled_tick",
         "carried" = CASE WHEN EXCLUDED."carried" = 'null' THEN d."carried" ELSE EXCLUDED."carried" END,
         "breaker" = EXCLUDED."breaker"
       WHERE d."settled_tick" < EXCLUDED."settled_tick"`,
    );
    await store(
      pool,
      'settle-breakers',
      sorted.filter(({ breaker, breakerOnly }) => breaker && breakerOnly),
      `"breaker" = EXCLUDED."breaker" WHERE d."settled_tick" <= EXCLUDED."settled_tick"`,
    );
  } catch (error) {
    throw toTransient(error);
  }
}

async function moveOn(pool: Pool, rows: readonly SettledRow[]): Promise<void> {
  if (rows.length === 0) return;
  const text = `UPDATE "agent_dispatch" d SET "settled_tick" = n."settled_tick"
      FROM unnest($1::text[], $2::bigint[]) n("agent_id", "settled_tick")
     WHERE d."agent_id" = n."agent_id" AND d."settled_tick" < n."settled_tick"`;
  const values = [rows.map((row) => row.agentId), rows.map((row) => row.settledTick)];
  await pool.query({ name: 'settle-ticks', text, values: withBinaryArrays(text, values) });
}

/** @param change what becomes of a row that is there: assignments and their condition */
async function store(pool: Pool, name: string, rows: readonly SettledRow[], change: string): Promise<void> {
  if (rows.length === 0) return;
  const text = `INSERT INTO "agent_dispatch" AS d ("agent_id", "world_id", "shard", "settled_tick", "carried", "breaker")
     SELECT "agent_id", "world_id", "shard", "settled_tick", "carried"::jsonb, "breaker"::jsonb
       FROM unnest($1::text[], $2::text[], $3::int[], $4::bigint[], $5::text[], $6::text[])
            n("agent_id", "world_id", "shard", "settled_tick", "carried", "breaker")
     ON CONFLICT ("agent_id") DO UPDATE SET ${change}`;
  const values = [
    rows.map((row) => row.agentId),
    rows.map((row) => row.worldId),
    rows.map((row) => row.shard),
    rows.map((row) => row.settledTick),
    rows.map((row) => row.carriedJson ?? 'null'),
    rows.map(({ breaker, resets = [] }) => JSON.stringify(resets.length > 0 ? { ...breaker, resets } : breaker)),
  ];
  await pool.query({ name, text, values: withBinaryArrays(text, values) });
}

/** A row that was never written by a breaker, or by one of another version, begins closed. */
function breakerOf(stored: unknown): BreakerState {
  try {
    return parseBreaker(stored);
  } catch {
    return CLOSED_BREAKER;
  }
}
