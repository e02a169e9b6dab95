import { toTransient } from '@tickwire/persistence';
import type { Pool, PoolClient } from 'pg';

/** How far a pass has come: events are looked at from the oldest on. */
export interface PassedEvent {
  eventId: string;
  createdAt: Date;
}

export interface PruneStep {
  /** Events that are gone, with their deliveries and attempts. */
  pruned: number;
  /** Where the pass goes on; undefined when it has seen everything that is old enough, or another process prunes. */
  next: PassedEvent | undefined;
}

interface LockedDelivery {
  endpointId: string;
  eventId: string;
  isNeeded: boolean;
}

const IS_MY_TURN = `SELECT pg_try_advisory_xact_lock(hashtext('tickwire callback retention')) AS "mine"`;

const OLD_EVENTS = `
SELECT "event_id" AS "eventId", "created_at" AS "createdAt" FROM "callback_event"
 WHERE "created_at" < now() - $1::float8 * interval '1 ms'
   AND ($2::timestamptz IS NULL OR ("created_at", "event_id") > ($2, $3::uuid))
 ORDER BY "created_at", "event_id" LIMIT $4`;

// Locked, so that one that is set back to pending is seen here, or finds itself gone: never half of both.
const DELIVERIES = `
SELECT "endpoint_id" AS "endpointId", "event_id" AS "eventId",
       "status" = 'pending' OR coalesce("settled_at" >= now() - $2::float8 * interval '1 ms', false) AS "isNeeded"
  FROM "callback_delivery" WHERE "event_id" = ANY($1::uuid[])
 ORDER BY "endpoint_id", "event_id" FOR UPDATE`;

const DELETE_ATTEMPTS = `
DELETE FROM "callback_attempt" a USING unnest($1::text[], $2::uuid[]) k("endpoint_id", "event_id")
 WHERE a."endpoint_id" = k."endpoint_id" AND a."event_id" = k."event_id"`;

const DELETE_DELIVERIES = `
DELETE FROM "callback_delivery" d USING unnest($1::text[], $2::uuid[]) k("endpoint_id", "event_id")
 WHERE d."endpoint_id" = k."endpoint_id" AND d."event_id" = k."event_id"`;

const DELETE_EVENTS = `DELETE FROM "callback_event" WHERE "event_id" = ANY($1::uuid[])`;

/** Callbacks that are older than their retention and that nobody will send any more. */
export class ExpiredCallbacks {
  constructor(
    private readonly pool: Pool,
    private readonly retentionMs: number,
  ) {}

  /**
   * Deletes, of the next `most` old events, those whose every delivery was settled longer ago than the retention. A pending
   * delivery keeps its event with all its deliveries, whatever their age. One process at a time; the others do nothing.
   * @throws TransientError while the database is away
   */
  async prune(after: PassedEvent | undefined, most: number): Promise<PruneStep> {
    let client: PoolClient | undefined;
    let failure: Error | undefined;
    try {
      client = await this.pool.connect();
      await client.query('BEGIN');
      const step = await this.step(client, after, most);
      await client.query('COMMIT');
      return step;
    } catch (error) {
      failure = error as Error;
      throw toTransient(error);
    } finally {
      client?.release(failure); // after an error the connection goes, and its transaction with it
    }
  }

  private async step(client: PoolClient, after: PassedEvent | undefined, most: number): Promise<PruneStep> {
    const turn = await client.query<{ mine: boolean }>(IS_MY_TURN);
    if (!turn.rows[0]?.mine) return { pruned: 0, next: undefined };
    const { rows: events } = await client.query<PassedEvent>(OLD_EVENTS, [
      this.retentionMs,
      after?.createdAt ?? null,
      after?.eventId ?? null,
      most,
    ]);
    if (events.length === 0) return { pruned: 0, next: undefined };
    const { rows: deliveries } = await client.query<LockedDelivery>(DELIVERIES, [
      events.map(({ eventId }) => eventId),
      this.retentionMs,
    ]);
    const needed = new Set(deliveries.filter(({ isNeeded }) => isNeeded).map(({ eventId }) => eventId));
    const expired = events.map(({ eventId }) => eventId).filter((eventId) => !needed.has(eventId));
    if (expired.length > 0) {
      const gone = deliveries.filter(({ eventId }) => !needed.has(eventId));
      const keys = [gone.map(({ endpointId }) => endpointId), gone.map(({ eventId }) => eventId)];
      await client.query(DELETE_ATTEMPTS, keys);
      await client.query(DELETE_DELIVERIES, keys);
      await client.query(DELETE_EVENTS, [expired]);
    }
    return { pruned: expired.length, next: events.length < most ? undefined : events.at(-1) };
  }
}
