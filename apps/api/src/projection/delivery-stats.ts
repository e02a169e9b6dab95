import type { AgentDelivery } from '@tickwire/contracts';
import type { Queryable } from '@tickwire/event-log';
import { storableText } from '@tickwire/persistence';
import { bucketOf, WINDOW_SIZE } from './response-window.js';

/**
 * Adds settled callbacks to their agents' records, each (agent, tick) once, with a row each in the log of deliveries:
 * `last_tick` says what is counted already. An agent's deliveries come in the order of its ticks, on one partition.
 *
 * One statement for the batch. While a partition changes hands two processes may count the same ticks: whoever meets a
 * row that has moved since the statement began leaves it, and looks again at what is still to be counted.
 */
export async function countDeliveries(db: Queryable, deliveries: readonly AgentDelivery[]): Promise<void> {
  if (deliveries.length === 0) return;
  const columns = [
    deliveries.map((delivery) => delivery.agentId),
    deliveries.map((delivery) => delivery.worldId),
    deliveries.map((delivery) => delivery.tick),
    deliveries.map((delivery) => delivery.outcome),
    deliveries.map((delivery) => delivery.attempts),
    deliveries.map((delivery) => delivery.statusCode ?? null),
    deliveries.map((delivery) => delivery.responseTimeMs ?? null),
    deliveries.map((delivery) => windowByte(delivery)),
    deliveries.map((delivery) => (delivery.error === undefined ? null : storableText(delivery.error))),
    deliveries.map((delivery) => delivery.actions),
    deliveries.map((delivery) => delivery.settledAt),
    deliveries.map((delivery) => delivery.circuitBreakerSkipped === true),
  ];
  for (;;) {
    const { rows } = await db.query(COUNT, [...columns, WINDOW_SIZE]);
    if (Number((rows[0] as { left: unknown }).left) === 0) return;
  }
}

/** @returns what is added to the agent's response times: nothing but for a success */
function windowByte({ outcome, responseTimeMs }: AgentDelivery): number | null {
  return outcome === 'delivered' && responseTimeMs !== undefined ? bucketOf(Math.max(0, responseTimeMs)) : null;
}

/** Everything that is sorted is sorted so that two processes never wait for each other in a circle. */
const COUNT = `
WITH "new" AS (
  SELECT DISTINCT ON (i."agent_id", i."tick") i.*, coalesce(s."last_tick", -1) AS "counted_to"
    FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::int[], $6::int[], $7::float8[], $8::int[], $9::text[],
                $10::int[], $11::timestamptz[], $12::bool[])
         AS i("agent_id", "world_id", "tick", "outcome", "attempts", "status_code", "response_ms", "window_byte", "error",
              "actions", "settled_at", "breaker_skipped")
    LEFT JOIN "agent_delivery_stats" s ON s."agent_id" = i."agent_id"
   WHERE i."tick" > coalesce(s."last_tick", -1)
   ORDER BY i."agent_id", i."tick"
), "log" AS (
  INSERT INTO "agent_delivery_log" ("agent_id", "tick", "outcome", "circuit_breaker_skipped", "attempts", "status_code",
         "response_time_ms", "error", "actions", "settled_at")
  SELECT "agent_id", "tick", "outcome", "breaker_skipped", "attempts", "status_code", "response_ms", "error", "actions", "settled_at"
    FROM "new" ORDER BY "agent_id", "tick"
  ON CONFLICT ("agent_id", "tick") DO NOTHING
), "input" AS (
  SELECT *, max("tick") FILTER (WHERE "outcome" = 'delivered') OVER (PARTITION BY "agent_id") AS "last_success" FROM "new"
), "sums" AS (
  SELECT "agent_id", min("world_id") AS "world_id", min("counted_to") AS "counted_to", max("tick") AS "last_tick",
         count(*) FILTER (WHERE "outcome" = 'delivered') AS "success_count",
         count(*) FILTER (WHERE "outcome" = 'failed') AS "failures",
         count(*) FILTER (WHERE "outcome" = 'superseded') AS "superseded",
         count(*) FILTER (WHERE "outcome" = 'skipped') AS "skipped",
         (array_agg("error" ORDER BY "tick" DESC) FILTER (WHERE "error" IS NOT NULL))[1] AS "last_error",
         max("settled_at") FILTER (WHERE "outcome" = 'delivered') AS "last_success_at",
         (array_agg("response_ms" ORDER BY "tick" DESC) FILTER (WHERE "outcome" = 'delivered'))[1] AS "last_response_time_ms",
         coalesce(sum("response_ms") FILTER (WHERE "outcome" = 'delivered'), 0) AS "total_response_time_ms",
         count(*) FILTER (WHERE "outcome" = 'failed' AND "tick" > coalesce("last_success", -1)) AS "consecutive_failures",
         coalesce((array_agg("breaker_skipped" ORDER BY "tick" DESC)
                     FILTER (WHERE "breaker_skipped" OR "outcome" IN ('delivered', 'failed')))[1], false) AS "breaker_open",
         substring(string_agg(set_byte('\\x00'::bytea, 0, "window_byte"), ''::bytea ORDER BY "tick" DESC)
                     FILTER (WHERE "window_byte" IS NOT NULL) FROM 1 FOR $13::int) AS "response_window"
    FROM "input" GROUP BY "agent_id"
), "written" AS (
  INSERT INTO "agent_delivery_stats" AS s ("agent_id", "world_id", "last_tick", "success_count", "failures", "superseded",
         "skipped", "last_error", "last_success_at", "last_response_time_ms", "total_response_time_ms",
         "consecutive_failures", "breaker_open", "response_window")
  SELECT "agent_id", "world_id", "last_tick", "success_count", "failures", "superseded", "skipped", "last_error",
         "last_success_at", "last_response_time_ms", "total_response_time_ms", "consecutive_failures", "breaker_open",
         "response_window"
    FROM "sums" ORDER BY "agent_id"
  ON CONFLICT ("agent_id") DO UPDATE SET
    "last_tick" = EXCLUDED."last_tick",
    "success_count" = s."success_count" + EXCLUDED."success_count",
    "failures" = s."failures" + EXCLUDED."failures",
    "superseded" = s."superseded" + EXCLUDED."superseded",
    "skipped" = s."skipped" + EXCLUDED."skipped",
    "last_error" = coalesce(EXCLUDED."last_error", s."last_error"),
    "last_success_at" = coalesce(EXCLUDED."last_success_at", s."last_success_at"),
    "last_response_time_ms" = coalesce(EXCLUDED."last_response_time_ms", s."last_response_time_ms"),
    "total_response_time_ms" = s."total_response_time_ms" + EXCLUDED."total_response_time_ms",
    "consecutive_failures" = EXCLUDED."consecutive_failures"
      + CASE WHEN EXCLUDED."success_count" > 0 THEN 0 ELSE s."consecutive_failures" END,
    -- A tick that was superseded, or skipped while its agent is paused, says nothing of the breaker.
    "breaker_open" = EXCLUDED."breaker_open"
      OR (s."breaker_open" AND EXCLUDED."success_count" + EXCLUDED."failures" = 0),
    "response_window" = nullif(substring(coalesce(EXCLUDED."response_window", ''::bytea)
      || coalesce(s."response_window", ''::bytea) FROM 1 FOR $13::int), ''::bytea)
  WHERE (s."agent_id", s."last_tick") IN (SELECT "agent_id", "counted_to" FROM "sums")
  RETURNING s."agent_id"
)
SELECT (SELECT count(*) FROM "sums") - (SELECT count(*) FROM "written") AS "left"`;
