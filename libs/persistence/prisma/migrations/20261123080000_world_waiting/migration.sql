-- What waits for worlds that stand still: without it their partition's position stays where they stopped, until the log has
-- dropped the records behind it.
CREATE TABLE "world_waiting" (
  "world_id" TEXT NOT NULL REFERENCES "world_state" ("world_id"),
  "topic" TEXT NOT NULL,
  "offset" BIGINT NOT NULL,
  -- The event's data, JSON. Not JSONB, which refuses texts that agents can write.
  "event" TEXT NOT NULL,
  PRIMARY KEY ("world_id", "topic", "offset")
);
