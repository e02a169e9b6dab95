-- Tick callbacks: written by tick-dispatcher alone, in batches.
CREATE TABLE "agent_dispatch" (
  "agent_id" TEXT PRIMARY KEY,
  "world_id" TEXT NOT NULL,
  "shard" INTEGER NOT NULL,
  "settled_tick" BIGINT NOT NULL DEFAULT -1,
  -- Items that no 2xx has taken yet: action results, messages, alerts, investigations, oldest first.
  "carried" JSONB NOT NULL DEFAULT '[]',
  "breaker" JSONB NOT NULL DEFAULT '{}'
);
CREATE INDEX "agent_dispatch_world_id_shard_idx" ON "agent_dispatch" ("world_id", "shard");

-- Counters of settled tick callbacks: projected by api from agent.delivery.
CREATE TABLE "agent_delivery_stats" (
  "agent_id" TEXT PRIMARY KEY,
  "world_id" TEXT NOT NULL,
  "last_tick" BIGINT NOT NULL DEFAULT -1,
  "success_count" BIGINT NOT NULL DEFAULT 0,
  "failures" BIGINT NOT NULL DEFAULT 0,
  "superseded" BIGINT NOT NULL DEFAULT 0,
  "skipped" BIGINT NOT NULL DEFAULT 0,
  "last_error" TEXT,
  "last_success_at" TIMESTAMPTZ(3),
  "last_response_time_ms" DOUBLE PRECISION,
  "total_response_time_ms" DOUBLE PRECISION NOT NULL DEFAULT 0
);

-- What each agent has, as of its latest tick: projected by api from market.tick.
CREATE TABLE "agent_view" (
  "agent_id" TEXT PRIMARY KEY,
  "world_id" TEXT NOT NULL,
  "tick" BIGINT NOT NULL,
  "view" JSONB NOT NULL
);
CREATE INDEX "agent_view_world_id_idx" ON "agent_view" ("world_id");

-- Tenant callbacks: written by notifier alone. Bytes are stored once and sent as they are.
CREATE TABLE "callback_event" (
  "event_id" UUID PRIMARY KEY,
  "tenant_id" TEXT NOT NULL,
  "type" TEXT NOT NULL,
  "body" BYTEA NOT NULL,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now()
);

CREATE TABLE "callback_delivery" (
  "endpoint_id" TEXT NOT NULL,
  "event_id" UUID NOT NULL REFERENCES "callback_event" ("event_id"),
  "tenant_id" TEXT NOT NULL,
  -- pending, delivered, exhausted
  "status" TEXT NOT NULL DEFAULT 'pending',
  "attempts" INTEGER NOT NULL DEFAULT 0,
  "next_attempt_at" TIMESTAMPTZ(3),
  -- Who is sending it now, and until when nobody else may.
  "claimed_by" TEXT,
  "claimed_until" TIMESTAMPTZ(3),
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
  "settled_at" TIMESTAMPTZ(3),
  PRIMARY KEY ("endpoint_id", "event_id")
);
CREATE INDEX "callback_delivery_due_idx" ON "callback_delivery" ("next_attempt_at") WHERE "status" = 'pending';

CREATE TABLE "callback_attempt" (
  "endpoint_id" TEXT NOT NULL,
  "event_id" UUID NOT NULL,
  "attempt" INTEGER NOT NULL,
  "at" TIMESTAMPTZ(3) NOT NULL,
  "status_code" INTEGER,
  "error" TEXT,
  "duration_ms" INTEGER NOT NULL,
  "response_excerpt" TEXT,
  PRIMARY KEY ("endpoint_id", "event_id", "attempt")
);

-- The shared part of each world's latest tick: projected by api from market.tick.
CREATE TABLE "world_view" (
  "world_id" TEXT PRIMARY KEY,
  "tick" BIGINT NOT NULL,
  "view" JSONB NOT NULL
);
