import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { WorldParameters } from '@tickwire/contracts';
import type { Queryable, Statements } from '@tickwire/event-log';
import { createWorld, ENGINE_VERSION, restoreWorld, type TickInput, type World } from '@tickwire/market';
import type { ClockState } from './world-clock.js';

/** The head of a world, as it is stored. */
export interface WorldHead {
  worldId: string;
  partition: number;
  tick: number;
  hash: string;
  parameters: WorldParameters;
  clock: ClockState;
}

/** Snapshots kept besides the newest: one, in case a tick after it turns out unreadable. */
const OLDER_SNAPSHOTS = 1;

export class WorldDiverged extends Error {
  constructor(worldId: string, tick: number, recorded: string, computed: string) {
    super(
      `World ${worldId} replays to hash ${computed} at tick ${tick}, but ${recorded} was recorded: it is stopped. ` +
        'Another engine version wrote it, or its rows were changed.',
    );
  }
}

export function newWorld(worldId: string, { seed, companies, tickMs, shards }: WorldParameters): World {
  return createWorld({ worldId, seed, companies, shards, tickMs: Math.max(10, tickMs) });
}

export function insertWorld(transaction: Statements, head: WorldHead, nowMs: number): void {
  transaction.add(
    `INSERT INTO "world_state" ("world_id", "partition", "tick", "hash", "closed_at", "settings")
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
    [head.worldId, head.partition, head.tick, head.hash, new Date(nowMs), settingsOf(head)],
  );
}

export interface TickWrites {
  /** After the tick. */
  head: WorldHead;
  input: TickInput;
  upTo: Record<string, number>;
  /** The tick's `market.quote` event, where it stays the world's quote for longer than the log keeps it in sight. */
  heldQuote?: string;
  /** Where one is due. */
  snapshot?: string;
}

/** The writes of one tick: the head moves from the tick before, and only from there. */
export function writeTick(transaction: Statements, { head, input, upTo, heldQuote, snapshot }: TickWrites): void {
  const closedAt = new Date(input.closedAtMs);
  transaction.add(
    `WITH "moved" AS (
       UPDATE "world_state" SET "tick" = $2, "hash" = $3, "closed_at" = $4, "settings" = $5, "held_quote" = $6
        WHERE "world_id" = $1 AND "tick" = $2 - 1
       RETURNING 1
     ) SELECT assert_true(count(*) = 1, format('World %s is not at tick %s: somebody else closed it', $1::text, $2::bigint - 1)) FROM "moved"`,
    [head.worldId, head.tick, head.hash, closedAt, settingsOf(head), heldQuote ?? null],
  );
  transaction.add(
    `INSERT INTO "world_input" ("world_id", "tick", "closed_at", "up_to", "records", "hash") VALUES ($1, $2, $3, $4, $5, $6)`,
    [
      head.worldId,
      head.tick,
      closedAt,
      JSON.stringify(upTo),
      deflateRawSync(JSON.stringify({ controls: input.controls, actions: input.actions })),
      head.hash,
    ],
  );
  if (snapshot === undefined) return;
  transaction.add(
    `INSERT INTO "world_snapshot" ("world_id", "tick", "engine_version", "state") VALUES ($1, $2, $3, $4)`,
    [head.worldId, head.tick, String(ENGINE_VERSION), deflateRawSync(snapshot)],
  );
  transaction.add(
    `DELETE FROM "world_snapshot" WHERE "world_id" = $1 AND "tick" < (
       SELECT min("tick") FROM (SELECT "tick" FROM "world_snapshot" WHERE "world_id" = $1 ORDER BY "tick" DESC LIMIT $2) kept)`,
    [head.worldId, OLDER_SNAPSHOTS + 1],
  );
}

export interface LoadedWorld {
  head: WorldHead;
  world: World;
  /** Offsets used up by its ticks, by topic. */
  upTo: Record<string, number>;
}

export async function loadHeads(db: Queryable, partitions: readonly number[]): Promise<WorldHead[]> {
  const { rows } = await db.query<{
    world_id: string;
    partition: number;
    tick: string;
    hash: string;
    settings: StoredSettings;
  }>(`SELECT "world_id", "partition", "tick", "hash", "settings" FROM "world_state" WHERE "partition" = ANY($1)`, [
    partitions,
  ]);
  return rows.map(({ world_id, partition, tick, hash, settings }) => ({
    worldId: world_id,
    partition,
    tick: Number(tick),
    hash,
    ...settings,
  }));
}

/**
 * Rebuilds a world from its newest snapshot, or from its parameters, and the inputs recorded since.
 * @param fromStart ignores snapshots: a proof, not a recovery
 * @throws WorldDiverged when a replayed tick has another hash than was recorded, or a tick is missing
 */
export async function rebuildWorld(db: Queryable, head: WorldHead, fromStart = false): Promise<LoadedWorld> {
  const { rows: snapshots } = await db.query<{ tick: string; state: Buffer }>(
    `SELECT "tick", "state" FROM "world_snapshot" WHERE "world_id" = $1 AND "engine_version" = $2 AND "tick" <= $3
      ORDER BY "tick" DESC LIMIT $4`,
    [head.worldId, String(ENGINE_VERSION), head.tick, fromStart ? 0 : 1],
  );
  const snapshot = snapshots[0];
  const world = snapshot
    ? restoreWorld(inflateRawSync(snapshot.state).toString())
    : newWorld(head.worldId, head.parameters);
  let tick = snapshot ? Number(snapshot.tick) : 0;
  let upTo: Record<string, number> = {};
  if (snapshot) upTo = await upToAt(db, head.worldId, tick);
  while (tick < head.tick) {
    const { rows } = await db.query<{
      tick: string;
      closed_at: Date;
      up_to: Record<string, number>;
      records: Buffer;
      hash: string;
    }>(
      `SELECT "tick", "closed_at", "up_to", "records", "hash" FROM "world_input" WHERE "world_id" = $1 AND "tick" > $2 AND "tick" <= $3
        ORDER BY "tick" LIMIT 500`,
      [head.worldId, tick, head.tick],
    );
    if (rows.length === 0) throw new WorldDiverged(head.worldId, tick + 1, 'nothing', 'none');
    for (const row of rows) {
      if (Number(row.tick) !== tick + 1) throw new WorldDiverged(head.worldId, tick + 1, 'nothing', 'none');
      const { controls, actions } = JSON.parse(inflateRawSync(row.records).toString()) as Omit<TickInput, 'closedAtMs'>;
      const { hash } = world.step({ closedAtMs: row.closed_at.getTime(), controls, actions });
      tick += 1;
      if (hash !== row.hash) throw new WorldDiverged(head.worldId, tick, row.hash, hash);
      upTo = row.up_to;
    }
  }
  return { head, world, upTo };
}

async function upToAt(db: Queryable, worldId: string, tick: number): Promise<Record<string, number>> {
  const { rows } = await db.query<{ up_to: Record<string, number> }>(
    `SELECT "up_to" FROM "world_input" WHERE "world_id" = $1 AND "tick" = $2`,
    [worldId, tick],
  );
  return rows[0]?.up_to ?? {};
}

interface StoredSettings {
  parameters: WorldParameters;
  clock: ClockState;
}

function settingsOf({ parameters, clock }: WorldHead): string {
  return JSON.stringify({ parameters, clock } satisfies StoredSettings);
}
