import type { AgentDelivery } from '@tickwire/contracts';
import type { Queryable } from '@tickwire/event-log';

/**
 * Adds settled callbacks to their agents' counters, each (agent, tick) once: `last_tick` says what is counted already.
 * An agent's deliveries come in the order of its ticks, on one partition, so one statement at a time touches its row.
 */
export async function countDeliveries(db: Queryable, deliveries: readonly AgentDelivery[]): Promise<void> {
  if (deliveries.length === 0) return;
  await db.query(
    `WITH "input" AS (
       SELECT DISTINCT ON (i."agent_id", i."tick") i.*
         FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::timestamptz[], $7::float8[])
              AS i("agent_id", "world_id", "tick", "outcome", "error", "settled_at", "response_ms")
         LEFT JOIN "agent_delivery_stats" s ON s."agent_id" = i."agent_id"
        WHERE i."tick" > coalesce(s."last_tick", -1)
        ORDER BY i."agent_id", i."tick"
     ), "sums" AS (
       SELECT "agent_id", min("world_id") AS "world_id", max("tick") AS "last_tick",
              count(*) FILTER (WHERE "outcome" = 'delivered') AS "success_count",
              count(*) FILTER (WHERE "outcome" = 'failed') AS "failures",
              count(*) FILTER (WHERE "outcome" = 'superseded') AS "superseded",
              count(*) FILTER (WHERE "outcome" = 'skipped') AS "skipped",
              (array_agg("error" ORDER BY "tick" DESC) FILTER (WHERE "error" IS NOT NULL))[1] AS "last_error",
              max("settled_at") FILTER (WHERE "outcome" = 'delivered') AS "last_success_at",
              (array_agg("response_ms" ORDER BY "tick" DESC) FILTER (WHERE "outcome" = 'delivered'))[1] AS "last_response_time_ms",
              coalesce(sum("response_ms") FILTER (WHERE "outcome" = 'delivered'), 0) AS "total_response_time_ms"
         FROM "input" GROUP BY "agent_id"
     )
     INSERT INTO "agent_delivery_stats" AS s ("agent_id", "world_id", "last_tick", "success_count", "failures", "superseded",
            "skipped", "last_error", "last_success_at", "last_response_time_ms", "total_response_time_ms")
     SELECT "agent_id", "world_id", "last_tick", "success_count", "failures", "superseded", "skipped", "last_error",
            "last_success_at", "last_response_time_ms", "total_response_time_ms" FROM "sums" ORDER BY "agent_id"
     ON CONFLICT ("agent_id") DO UPDATE SET
       "last_tick" = EXCLUDED."last_tick",
       "success_count" = s."success_count" + EXCLUDED."success_count",
       "failures" = s."failures" + EXCLUDED."failures",
       "superseded" = s."superseded" + EXCLUDED."superseded",
       "skipped" = s."skipped" + EXCLUDED."skipped",
       "last_error" = coalesce(EXCLUDED."last_error", s."last_error"),
       "last_success_at" = coalesce(EXCLUDED."last_success_at", s."last_success_at"),
       "last_response_time_ms" = coalesce(EXCLUDED."last_response_time_ms", s."last_response_time_ms"),
       "total_response_time_ms" = s."total_response_time_ms" + EXCLUDED."total_response_time_ms"
     WHERE s."last_tick" < EXCLUDED."last_tick"`,
    [
      deliveries.map((delivery) => delivery.agentId),
      deliveries.map((delivery) => delivery.worldId),
      deliveries.map((delivery) => delivery.tick),
      deliveries.map((delivery) => delivery.outcome),
      deliveries.map((delivery) => delivery.error?.replaceAll('\0', '\ufffd') ?? null),
      deliveries.map((delivery) => delivery.settledAt),
      deliveries.map((delivery) => delivery.responseTimeMs ?? null),
    ],
  );
}
