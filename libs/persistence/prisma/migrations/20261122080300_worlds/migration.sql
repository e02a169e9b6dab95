-- Worlds: written by execution (worlds) alone. The row is the head, world_input the truth, a snapshot a shortcut.
CREATE TABLE "world_state" (
  "world_id" TEXT PRIMARY KEY,
  "partition" INTEGER NOT NULL,
  "tick" BIGINT NOT NULL,
  "hash" TEXT NOT NULL,
  "closed_at" TIMESTAMPTZ(3) NOT NULL,
  "settings" JSONB NOT NULL
);
CREATE INDEX "world_state_partition_idx" ON "world_state" ("partition");

CREATE TABLE "world_input" (
  "world_id" TEXT NOT NULL REFERENCES "world_state" ("world_id"),
  "tick" BIGINT NOT NULL,
  "closed_at" TIMESTAMPTZ(3) NOT NULL,
  -- {"topic": next offset} after the tick's last record.
  "up_to" JSONB NOT NULL,
  -- Deflated JSON: control records first, then actions, each by offset.
  "records" BYTEA NOT NULL,
  -- The state's hash after the tick.
  "hash" TEXT NOT NULL,
  PRIMARY KEY ("world_id", "tick")
);

CREATE TABLE "world_snapshot" (
  "world_id" TEXT NOT NULL REFERENCES "world_state" ("world_id"),
  "tick" BIGINT NOT NULL,
  "engine_version" TEXT NOT NULL,
  "state" BYTEA NOT NULL,
  PRIMARY KEY ("world_id", "tick")
);
