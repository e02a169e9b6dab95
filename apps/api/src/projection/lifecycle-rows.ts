import type { ReceivedEvent, Statements } from '@tickwire/event-log';

/** One event of the history, as it is stored. */
export interface LifecycleRow {
  tenantId: string;
  eventId: string;
  webhookId: string;
  accountId: string | null;
  signalId: string | null;
  type: string;
  final: boolean;
  occurredAt: string;
  /** The envelope, byte for byte as it was on the log. */
  event: string;
}

/** What all lifecycle payloads have in common. */
interface LifecycleData {
  tenantId: string;
  webhookId: string;
  accountId?: string;
  signalId?: string;
  final?: boolean;
}

export function toLifecycleRow({ record, event }: ReceivedEvent): LifecycleRow {
  const data = event.data as LifecycleData;
  return {
    tenantId: data.tenantId,
    eventId: event.id,
    webhookId: data.webhookId,
    accountId: storable(data.accountId),
    signalId: storable(data.signalId),
    type: event.type,
    final: data.final === true,
    occurredAt: event.time,
    event: record.value.toString('utf8'),
  };
}

/**
 * Gives each new event the next number of its tenant and stores it; known event ids are skipped. Numbers are gap-free
 * and visible in order: the counters are locked, tenants sorted, until the caller's commit, which has to follow at once.
 * @param stored called with the rows that were new
 */
export function insertLifecycle(
  transaction: Statements,
  rows: readonly LifecycleRow[],
  stored: (rows: LifecycleRow[]) => void,
): void {
  const distinct = [...new Map(rows.map((row) => [row.eventId, row])).values()];
  if (distinct.length === 0) return;
  const tenants = [...new Set(distinct.map((row) => row.tenantId))].sort();
  transaction.add(
    `INSERT INTO "tenant_sequence" ("tenant_id") SELECT unnest($1::text[])
     ON CONFLICT ("tenant_id") DO UPDATE SET "next" = "tenant_sequence"."next"`,
    [tenants],
  );
  // A statement of its own: its snapshot is younger than the locks, so it sees what the last holder has committed.
  transaction.add<{ event_id: string }>(
    `WITH "fresh" AS (
       SELECT i.*, row_number() OVER (PARTITION BY i."tenant_id" ORDER BY i."ordinal") AS "place"
         FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::boolean[], $8::timestamptz[], $9::text[])
              WITH ORDINALITY AS i("tenant_id", "event_id", "webhook_id", "account_id", "signal_id", "type", "final", "occurred_at", "event", "ordinal")
        WHERE NOT EXISTS (SELECT FROM "lifecycle_event" e WHERE e."event_id" = i."event_id")
     ), "moved" AS (
       UPDATE "tenant_sequence" s SET "next" = s."next" + c."count"
         FROM (SELECT "tenant_id", count(*) AS "count" FROM "fresh" GROUP BY 1) c WHERE c."tenant_id" = s."tenant_id"
       RETURNING s."tenant_id", s."next" - c."count" AS "first"
     )
     INSERT INTO "lifecycle_event" ("tenant_id", "sequence", "event_id", "webhook_id", "account_id", "signal_id", "type", "final", "occurred_at", "event")
     SELECT f."tenant_id", m."first" + f."place" - 1, f."event_id", f."webhook_id", f."account_id", f."signal_id", f."type", f."final",
            f."occurred_at", f."event"
       FROM "fresh" f JOIN "moved" m ON m."tenant_id" = f."tenant_id"
     RETURNING "event_id"`,
    [
      distinct.map((row) => row.tenantId),
      distinct.map((row) => row.eventId),
      distinct.map((row) => row.webhookId),
      distinct.map((row) => row.accountId),
      distinct.map((row) => row.signalId),
      distinct.map((row) => row.type),
      distinct.map((row) => row.final),
      distinct.map((row) => row.occurredAt),
      distinct.map((row) => row.event),
    ],
    (inserted) => {
      const ids = new Set(inserted.map((row) => row.event_id));
      stored(distinct.filter((row) => ids.has(row.eventId)));
    },
  );
}

/** A malformed request's own words may hold a NUL, which no text column takes. */
function storable(text: string | undefined): string | null {
  return text?.replaceAll('\0', '\ufffd') ?? null;
}
