import { toTransient } from '@tickwire/persistence';
import type { Pool, PoolClient } from 'pg';
import { deliveryKey, type AttemptResult, type Delivery, type NewDelivery } from './delivery.js';

/** How much a claim may take. */
export interface ClaimLimits {
  /** Deliveries in all. */
  most: number;
  /** Of an endpoint that `limited` does not name. */
  mostPerEndpoint: number;
  /** Less for these; 0 leaves them out. */
  limited: ReadonlyMap<string, number>;
}

export interface Claim {
  /** In the order in which they were due. */
  deliveries: Delivery[];
  /** Whether every due delivery of the endpoints that were not left out was looked at. */
  sawAll: boolean;
}

/** Due deliveries that a claim looks at: more than it takes, so that one endpoint's backlog does not hide the others. */
const CLAIM_WINDOW = 1_000;
/** Places in line are times of the past; a producer whose clock runs ahead must not delay its callbacks. */
const LATEST_PLACE = `now() + interval '1 second'`;
const LEASE = `now() + $1::float8 * interval '1 ms'`;

const INSERT = `
WITH "stored" AS (
  INSERT INTO "callback_event" ("event_id", "tenant_id", "type", "body")
  SELECT * FROM unnest($3::uuid[], $4::text[], $5::text[], $6::bytea[])
  ON CONFLICT DO NOTHING
)
INSERT INTO "callback_delivery"
       ("endpoint_id", "event_id", "tenant_id", "next_attempt_at", "created_at", "claimed_by", "claimed_until")
SELECT d."endpoint_id", d."event_id", d."tenant_id",
       CASE WHEN d."claimed" THEN ${LEASE} ELSE least(to_timestamp(d."due_ms" / 1000), ${LATEST_PLACE}) END,
       least(to_timestamp((d."due_ms" + d."tie") / 1000), ${LATEST_PLACE}),
       CASE WHEN d."claimed" THEN $2::text END,
       CASE WHEN d."claimed" THEN ${LEASE} END
  FROM unnest($7::text[], $8::uuid[], $9::text[], $10::float8[], $11::int[], $12::bool[])
       d("endpoint_id", "event_id", "tenant_id", "due_ms", "tie", "claimed")
ON CONFLICT DO NOTHING
RETURNING "endpoint_id" AS "endpointId", "event_id" AS "eventId"`;

// A claimed row is due again when its lease ends: the one index on next_attempt_at serves both, and claims of the living
// are not read again and again.
const CLAIM = `
WITH "due" AS (
  SELECT "endpoint_id", "event_id", "next_attempt_at", "created_at" FROM "callback_delivery"
   WHERE "status" = 'pending' AND "next_attempt_at" <= now() AND "endpoint_id" <> ALL($3::text[])
   ORDER BY "next_attempt_at", "created_at" LIMIT ${CLAIM_WINDOW}
), "ranked" AS (
  SELECT *, row_number() OVER (PARTITION BY "endpoint_id" ORDER BY "next_attempt_at", "created_at") AS "place" FROM "due"
), "picked" AS (
  SELECT d."endpoint_id", d."event_id", r."next_attempt_at"
    FROM "ranked" r
    JOIN "callback_delivery" d USING ("endpoint_id", "event_id")
    LEFT JOIN unnest($4::text[], $5::int[]) l("endpoint_id", "most") ON l."endpoint_id" = r."endpoint_id"
   WHERE r."place" <= coalesce(l."most", $6::int) AND d."status" = 'pending' AND d."next_attempt_at" <= now()
   ORDER BY r."next_attempt_at", r."created_at" LIMIT $7
     FOR UPDATE OF d SKIP LOCKED
)
UPDATE "callback_delivery" d
   SET "claimed_by" = $2, "claimed_until" = ${LEASE}, "next_attempt_at" = ${LEASE}
  FROM "picked" p
  JOIN "callback_event" e ON e."event_id" = p."event_id"
  LEFT JOIN "webhook_endpoint" w ON w."id" = p."endpoint_id" AND w."status" = 'active'
 WHERE d."endpoint_id" = p."endpoint_id" AND d."event_id" = p."event_id"
RETURNING d."endpoint_id" AS "endpointId", d."event_id" AS "eventId", d."attempts", p."next_attempt_at" AS "dueAt", d."created_at" AS "createdAt", e."body",
          w."url", w."sealed_secret" AS "sealedSecret", w."sealed_previous_secret" AS "sealedPreviousSecret",
          w."previous_secret_until" AS "previousSecretUntil", (SELECT count(*) FROM "due")::int AS "seen"`;

/**
 * The number of due deliveries changes faster than the table's statistics, and a plan made for few of them reads and sorts
 * them all. These settings leave the one that walks the index and stops: a millisecond, however long the backlog.
 */
const BEGIN_CLAIM = `BEGIN; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off`;

// "status" = 'pending' would say the same, and tempt the planner to read all that is pending through the partial index.
const SETTLE = `
WITH "result" AS (
  SELECT * FROM unnest($2::text[], $3::uuid[], $4::int[], $5::text[], $6::float8[], $7::float8[], $8::int[], $9::text[], $10::int[], $11::text[])
    r("endpoint_id", "event_id", "attempt", "status", "retry_in_ms", "at_ms", "status_code", "error", "duration_ms", "excerpt")
), "settled" AS (
  UPDATE "callback_delivery" d
     SET "status" = r."status", "attempts" = greatest(d."attempts", r."attempt"), "claimed_by" = NULL, "claimed_until" = NULL,
         "next_attempt_at" = CASE WHEN r."status" = 'pending' THEN now() + r."retry_in_ms" * interval '1 ms' END,
         "settled_at" = CASE WHEN r."status" <> 'pending' THEN now() END
    FROM "result" r
   WHERE d."endpoint_id" = r."endpoint_id" AND d."event_id" = r."event_id" AND d."status" NOT IN ('delivered', 'exhausted')
     AND (r."status" = 'delivered' OR (d."claimed_by" = $1 AND d."attempts" = r."attempt" - 1))
  RETURNING d."endpoint_id", d."event_id"
)
INSERT INTO "callback_attempt" ("endpoint_id", "event_id", "attempt", "at", "status_code", "error", "duration_ms", "response_excerpt")
SELECT r."endpoint_id", r."event_id", r."attempt", to_timestamp(r."at_ms" / 1000), r."status_code", r."error", r."duration_ms", r."excerpt"
  FROM "result" r JOIN "settled" USING ("endpoint_id", "event_id")
ON CONFLICT DO NOTHING`;

const RENEW = `
UPDATE "callback_delivery" d SET "claimed_until" = ${LEASE}, "next_attempt_at" = ${LEASE}
  FROM unnest($3::text[], $4::uuid[]) k("endpoint_id", "event_id")
 WHERE d."endpoint_id" = k."endpoint_id" AND d."event_id" = k."event_id" AND d."claimed_by" = $2
RETURNING d."endpoint_id" AS "endpointId", d."event_id" AS "eventId"`;

const RELEASE = `
UPDATE "callback_delivery" d
   SET "claimed_by" = NULL, "claimed_until" = NULL, "next_attempt_at" = least(to_timestamp(k."due_ms" / 1000), ${LATEST_PLACE})
  FROM unnest($2::text[], $3::uuid[], $4::float8[]) k("endpoint_id", "event_id", "due_ms")
 WHERE d."endpoint_id" = k."endpoint_id" AND d."event_id" = k."event_id" AND d."claimed_by" = $1`;

const BACKLOG = `
SELECT (SELECT count(*)::int FROM (SELECT FROM "callback_delivery" WHERE "status" = 'pending' LIMIT $1) c) AS "pending",
       coalesce(extract(epoch FROM now() - (SELECT min("next_attempt_at") FROM "callback_delivery" WHERE "status" = 'pending')), 0)::float8
         AS "oldestDueS"`;

interface ClaimedRow {
  endpointId: string;
  eventId: string;
  attempts: number;
  dueAt: Date;
  createdAt: Date;
  body: Buffer;
  url: string | null;
  sealedSecret: string;
  sealedPreviousSecret: string | null;
  previousSecretUntil: Date | null;
  seen: number;
}

/**
 * Deliveries in Postgres. Every method is one statement over arrays, whatever the number of deliveries.
 * All times are the database's, so that replicas with other clocks agree on leases and on what is due.
 *
 * @throws TransientError from every method while the database is away
 */
export class DeliveryStore {
  /** @param owner names this process in claims: unique, and new after each start */
  constructor(
    private readonly pool: Pool,
    readonly owner: string,
    readonly leaseMs: number,
  ) {}

  /**
   * Stores deliveries with their events, in one transaction. What is there already stays as it is, so a redelivered
   * batch changes nothing.
   * @returns the keys of the deliveries that are new
   */
  async insert(deliveries: readonly NewDelivery[]): Promise<Set<string>> {
    // In one order everywhere: after a rebalance two processes may store the same rows at the same time.
    const sorted = [...deliveries].sort(
      (a, b) => compare(a.event.eventId, b.event.eventId) || compare(a.endpointId, b.endpointId),
    );
    const events = sorted.map(({ event }) => event).filter((event, at, all) => event.eventId !== all[at - 1]?.eventId);
    const rows = await this.query<{ endpointId: string; eventId: string }>(INSERT, [
      this.leaseMs,
      this.owner,
      events.map((event) => event.eventId),
      events.map((event) => event.tenantId),
      events.map((event) => event.type),
      events.map((event) => event.body),
      sorted.map((delivery) => delivery.endpointId),
      sorted.map((delivery) => delivery.event.eventId),
      sorted.map((delivery) => delivery.tenantId),
      sorted.map((delivery) => delivery.dueAtMs),
      sorted.map((delivery) => delivery.tie),
      sorted.map((delivery) => delivery.claimed),
    ]);
    return new Set(rows.map(deliveryKey));
  }

  /** Takes due deliveries that nobody else holds, each with its endpoint as it is now. */
  async claim({ most, mostPerEndpoint, limited }: ClaimLimits): Promise<Claim> {
    const some = [...limited].filter(([, left]) => left > 0);
    const rows = await this.claimRows([
      this.leaseMs,
      this.owner,
      [...limited].filter(([, left]) => left <= 0).map(([endpointId]) => endpointId),
      some.map(([endpointId]) => endpointId),
      some.map(([, left]) => left),
      mostPerEndpoint,
      most,
    ]);
    rows.sort((a, b) => a.dueAt.getTime() - b.dueAt.getTime() || a.createdAt.getTime() - b.createdAt.getTime());
    const deliveries = rows.map(toDelivery);
    return { deliveries, sawAll: (rows[0]?.seen ?? 0) < CLAIM_WINDOW && deliveries.length < most };
  }

  /**
   * Records attempts and what became of their deliveries. Safe to repeat after an unknown commit. The result of a
   * process that lost its claim counts only if the receiver took the event: then nobody needs to send it again.
   */
  async settle(results: readonly AttemptResult[]): Promise<void> {
    await this.query(SETTLE, [
      this.owner,
      results.map(({ delivery }) => delivery.endpointId),
      results.map(({ delivery }) => delivery.eventId),
      results.map(({ attempt }) => attempt),
      results.map(({ status }) => status),
      results.map(({ retryInMs }) => retryInMs ?? null),
      results.map(({ atMs }) => atMs),
      results.map(({ statusCode }) => statusCode ?? null),
      results.map(({ error }) => error ?? null),
      results.map(({ durationMs }) => Math.round(durationMs)),
      results.map(({ excerpt }) => excerpt ?? null),
    ]);
  }

  /** Extends the claims. @returns the keys of those that are still ours */
  async renew(deliveries: readonly Delivery[]): Promise<Set<string>> {
    const rows = await this.query<{ endpointId: string; eventId: string }>(RENEW, [
      this.leaseMs,
      this.owner,
      deliveries.map(({ endpointId }) => endpointId),
      deliveries.map(({ eventId }) => eventId),
    ]);
    return new Set(rows.map(deliveryKey));
  }

  /** Gives claims back at their old place in line. */
  async release(deliveries: readonly Delivery[]): Promise<void> {
    await this.query(RELEASE, [
      this.owner,
      deliveries.map(({ endpointId }) => endpointId),
      deliveries.map(({ eventId }) => eventId),
      deliveries.map(({ dueAtMs }) => dueAtMs),
    ]);
  }

  /** @returns pending deliveries, counted up to `most`; seconds for which the oldest due one has waited, 0 if none is due */
  async backlog(most: number): Promise<{ pending: number; oldestDueS: number }> {
    const [row] = await this.query<{ pending: number; oldestDueS: number }>(BACKLOG, [most]);
    return { pending: row?.pending ?? 0, oldestDueS: Math.max(0, row?.oldestDueS ?? 0) };
  }

  private async claimRows(values: unknown[]): Promise<ClaimedRow[]> {
    let client: PoolClient | undefined;
    let failure: Error | undefined;
    try {
      client = await this.pool.connect();
      await client.query(BEGIN_CLAIM);
      const { rows } = await client.query<ClaimedRow>(CLAIM, values);
      await client.query('COMMIT');
      return rows;
    } catch (error) {
      failure = error as Error;
      throw toTransient(error);
    } finally {
      client?.release(failure); // after an error the connection goes, and its transaction with it
    }
  }

  private async query<R extends object>(sql: string, values: unknown[]): Promise<R[]> {
    try {
      return (await this.pool.query<R>(sql, values)).rows;
    } catch (error) {
      throw toTransient(error);
    }
  }
}

function toDelivery(row: ClaimedRow): Delivery {
  const { endpointId, eventId, attempts, dueAt, body, url, sealedSecret, sealedPreviousSecret, previousSecretUntil } =
    row;
  const target = url === null ? undefined : { url, sealedSecret, sealedPreviousSecret, previousSecretUntil };
  return { endpointId, eventId, attempts, dueAtMs: dueAt.getTime(), body, target };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
