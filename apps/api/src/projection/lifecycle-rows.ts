import type { Queryable, ReceivedEvent, Statements } from '@tickwire/event-log';
import { storableText } from '@tickwire/persistence';

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

/** Each event once, however often it is in a batch. */
export function distinctEvents(rows: readonly LifecycleRow[]): LifecycleRow[] {
  return [...new Map(rows.map((row) => [row.eventId, row])).values()];
}

/** @returns the ids of those that are stored */
export async function readStoredEvents(db: Queryable, rows: readonly LifecycleRow[]): Promise<Set<string>> {
  if (rows.length === 0) return new Set();
  const { rows: stored } = await db.query<{ event_id: string }>({
    name: 'stored-events',
    text: `SELECT e."event_id" FROM "lifecycle_event" e
             JOIN unnest($1::uuid[], $2::uuid[]) i("webhook_id", "event_id")
               ON e."webhook_id" = i."webhook_id" AND e."event_id" = i."event_id"`,
    values: [rows.map((row) => row.webhookId), rows.map((row) => row.eventId)],
  });
  return new Set(stored.map((row) => row.event_id));
}

/**
 * Gives each event the next number of its tenant and stores it; a unique index refuses one that is stored already. Numbers are
 * gap-free and visible in order: the counters are locked, tenants sorted, until the caller's commit, which has to follow at
 * once.
 */
export function insertLifecycle(transaction: Statements, rows: readonly LifecycleRow[]): void {
  if (rows.length === 0) return;
  const counts = new Map<string, number>();
  // From the last one back: how far each event's number is behind its tenant's next one.
  const behind = rows
    .toReversed()
    .map(({ tenantId }) => {
      const count = (counts.get(tenantId) ?? 0) + 1;
      counts.set(tenantId, count);
      return count;
    })
    .reverse();
  const tenants = [...counts.keys()].sort();
  transaction.add(
    `WITH "moved" AS (
       INSERT INTO "tenant_sequence" ("tenant_id", "next") SELECT * FROM unnest($1::text[], $2::bigint[])
       ON CONFLICT ("tenant_id") DO UPDATE SET "next" = "tenant_sequence"."next" + excluded."next"
       RETURNING "tenant_id", "next"
     )
     INSERT INTO "lifecycle_event" ("tenant_id", "sequence", "event_id", "webhook_id", "account_id", "signal_id", "type", "final", "occurred_at", "event")
     SELECT i."tenant_id", m."next" - i."behind", i."event_id", i."webhook_id", i."account_id", i."signal_id", i."type", i."final",
            i."occurred_at", i."event"
       FROM unnest($3::text[], $4::int[], $5::uuid[], $6::uuid[], $7::text[], $8::text[], $9::text[], $10::boolean[], $11::timestamptz[], $12::text[])
              AS i("tenant_id", "behind", "event_id", "webhook_id", "account_id", "signal_id", "type", "final", "occurred_at", "event")
       JOIN "moved" m ON m."tenant_id" = i."tenant_id"`,
    [
      tenants,
      tenants.map((tenant) => counts.get(tenant)!),
      rows.map((row) => row.tenantId),
      behind,
      rows.map((row) => row.eventId),
      rows.map((row) => row.webhookId),
      rows.map((row) => row.accountId),
      rows.map((row) => row.signalId),
      rows.map((row) => row.type),
      rows.map((row) => row.final),
      rows.map((row) => row.occurredAt),
      rows.map((row) => row.event),
    ],
  );
}

/** A malformed request's own words may hold what no text column takes. */
function storable(text: string | undefined): string | null {
  return text === undefined ? null : storableText(text);
}
