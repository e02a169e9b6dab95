import { agentActions, type AgentActions, type WorldControl } from '@tickwire/contracts';
import type { Queryable, Statements } from '@tickwire/event-log';
import type { InboxRecord } from './world-inbox.js';

/** Stores what waits for a world that stands still, so that the partition's position may move past it. */
export function insertWaiting(transaction: Statements, worldId: string, records: readonly InboxRecord[]): void {
  transaction.add(
    `INSERT INTO "world_waiting" ("world_id", "topic", "offset", "event")
     SELECT $1, * FROM unnest($2::text[], $3::bigint[], $4::text[]) ON CONFLICT DO NOTHING`,
    [
      worldId,
      records.map(({ topic }) => topic),
      records.map(({ offset }) => offset),
      records.map(({ event }) => JSON.stringify(event)),
    ],
  );
}

/** A tick has taken it. */
export function deleteWaiting(transaction: Statements, worldId: string): void {
  transaction.add(`DELETE FROM "world_waiting" WHERE "world_id" = $1`, [worldId]);
}

/** @returns what is stored for a world, in the order of each topic's offsets */
export async function loadWaiting(db: Queryable, worldId: string): Promise<InboxRecord[]> {
  const { rows } = await db.query<{ topic: string; offset: string; event: string }>(
    `SELECT "topic", "offset", "event" FROM "world_waiting" WHERE "world_id" = $1 ORDER BY "topic", "offset"`,
    [worldId],
  );
  return rows.map(({ topic, offset, event }) => {
    const place = { topic, offset: Number(offset) };
    return topic === agentActions.topic
      ? { ...place, kind: 'actions', event: JSON.parse(event) as AgentActions }
      : { ...place, kind: 'control', event: JSON.parse(event) as WorldControl };
  });
}
