-- How settled tick callbacks went, beside their counters: projected by api from agent.delivery.

ALTER TABLE "agent_delivery_stats"
  -- Failed deliveries since the last one that succeeded.
  ADD COLUMN "consecutive_failures" INTEGER NOT NULL DEFAULT 0,
  -- Whether the breaker has skipped a delivery since the last one that was attempted.
  ADD COLUMN "breaker_open" BOOLEAN NOT NULL DEFAULT false,
  -- Response times of the last 200 successes, newest first, a byte each: the number of a bucket. NULL before the first.
  ADD COLUMN "response_window" BYTEA;

-- One row per agent and settled tick, kept for a while. Rows go in by key and are looked for and deleted by key.
CREATE TABLE "agent_delivery_log" (
  "agent_id" TEXT NOT NULL,
  "tick" BIGINT NOT NULL,
  -- delivered, failed, skipped, superseded
  "outcome" TEXT NOT NULL,
  -- Tells a delivery that an open breaker has skipped from one that its owner has paused.
  "circuit_breaker_skipped" BOOLEAN NOT NULL,
  "attempts" INTEGER NOT NULL,
  "status_code" INTEGER,
  "response_time_ms" DOUBLE PRECISION,
  "error" TEXT,
  "actions" INTEGER NOT NULL,
  "settled_at" TIMESTAMPTZ(3) NOT NULL,
  PRIMARY KEY ("agent_id", "tick")
);
