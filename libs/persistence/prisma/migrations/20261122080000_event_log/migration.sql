-- The Postgres adapter of the event log, and what every consumer group keeps beside its own state.

CREATE TABLE "log_topic" (
  "name" TEXT PRIMARY KEY,
  "partitions" INTEGER NOT NULL,
  "retention_ms" BIGINT
);

-- The head of each partition: locked by whoever appends, until the commit, so offsets are gap-free and visible in order.
CREATE TABLE "log_partition" (
  "topic" TEXT NOT NULL REFERENCES "log_topic" ("name"),
  "partition" INTEGER NOT NULL,
  "start" BIGINT NOT NULL DEFAULT 0,
  "next" BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY ("topic", "partition")
) WITH (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

CREATE TABLE "log_record" (
  "topic" TEXT NOT NULL,
  "partition" INTEGER NOT NULL,
  "offset" BIGINT NOT NULL,
  "key" TEXT NOT NULL,
  "value" BYTEA NOT NULL,
  "headers" JSONB,
  "appended_at" TIMESTAMPTZ(3) NOT NULL,
  PRIMARY KEY ("topic", "partition", "offset")
);

CREATE TABLE "log_group" (
  "group_id" TEXT PRIMARY KEY
);

CREATE TABLE "log_member" (
  "group_id" TEXT NOT NULL REFERENCES "log_group" ("group_id"),
  "member_id" TEXT NOT NULL,
  "joined_at" TIMESTAMPTZ(3) NOT NULL,
  "heartbeat_at" TIMESTAMPTZ(3) NOT NULL,
  PRIMARY KEY ("group_id", "member_id")
);

CREATE TABLE "log_lease" (
  "group_id" TEXT NOT NULL REFERENCES "log_group" ("group_id"),
  "partition" INTEGER NOT NULL,
  "member_id" TEXT NOT NULL,
  PRIMARY KEY ("group_id", "partition")
);

CREATE TABLE "log_offset" (
  "group_id" TEXT NOT NULL,
  "topic" TEXT NOT NULL,
  "partition" INTEGER NOT NULL,
  "offset" BIGINT NOT NULL,
  PRIMARY KEY ("group_id", "topic", "partition")
);

-- Appends records given as parallel arrays. Must be the last statement before COMMIT: it locks the heads until then.
CREATE FUNCTION "log_append"("topics" TEXT[], "partitions" INTEGER[], "keys" TEXT[], "vals" BYTEA[], "heads" TEXT[])
RETURNS VOID LANGUAGE plpgsql AS $$
DECLARE
  taken INTEGER;
  wanted INTEGER;
BEGIN
  -- Sorted, so that two appends never wait for each other in a circle.
  PERFORM 1 FROM "log_partition" p
   WHERE (p."topic", p."partition") IN (SELECT * FROM unnest("topics", "partitions"))
   ORDER BY p."topic", p."partition" FOR UPDATE;

  WITH "input" AS (
    SELECT * FROM unnest("topics", "partitions", "keys", "vals", "heads")
      WITH ORDINALITY AS i("topic", "partition", "key", "value", "headers", "ordinal")
  ), "counts" AS (
    SELECT "topic", "partition", count(*) AS "n" FROM "input" GROUP BY 1, 2
  ), "moved" AS (
    UPDATE "log_partition" p SET "next" = p."next" + c."n" FROM "counts" c
     WHERE p."topic" = c."topic" AND p."partition" = c."partition"
    RETURNING p."topic", p."partition", p."next" - c."n" AS "first"
  )
  INSERT INTO "log_record" ("topic", "partition", "offset", "key", "value", "headers", "appended_at")
  SELECT i."topic", i."partition",
         m."first" + row_number() OVER (PARTITION BY i."topic", i."partition" ORDER BY i."ordinal") - 1,
         i."key", i."value", i."headers"::jsonb, clock_timestamp()
    FROM "input" i JOIN "moved" m ON m."topic" = i."topic" AND m."partition" = i."partition";

  GET DIAGNOSTICS taken = ROW_COUNT;
  wanted := coalesce(array_length("topics", 1), 0);
  IF taken <> wanted THEN
    RAISE EXCEPTION 'log_append: % of % records have a topic and partition that exist', taken, wanted
      USING ERRCODE = 'foreign_key_violation';
  END IF;
END $$;

-- One row per partition and group whose handler keeps its offsets: the fence of every transaction on that partition.
CREATE TABLE "fence" (
  "group_id" TEXT NOT NULL,
  "partition" INTEGER NOT NULL,
  "epoch" BIGINT NOT NULL DEFAULT 0,
  "version" BIGINT NOT NULL DEFAULT 0,
  -- {"topic": next offset}
  "offsets" JSONB NOT NULL DEFAULT '{}',
  PRIMARY KEY ("group_id", "partition")
) WITH (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

-- Records committed with the state that caused them, on their way to a log outside this database.
CREATE TABLE "outbox" (
  "group_id" TEXT NOT NULL,
  "partition" INTEGER NOT NULL,
  "version" BIGINT NOT NULL,
  "ordinal" INTEGER NOT NULL,
  "topic" TEXT NOT NULL,
  "key" TEXT NOT NULL,
  "target_partition" INTEGER,
  "value" BYTEA NOT NULL,
  "headers" JSONB,
  PRIMARY KEY ("group_id", "partition", "version", "ordinal")
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

-- What each transaction of a group was caused by: record offsets, a quote or a timer. The recorded input of a replay.
CREATE TABLE "cause" (
  "group_id" TEXT NOT NULL,
  "partition" INTEGER NOT NULL,
  "version" BIGINT NOT NULL,
  "cause" JSONB NOT NULL,
  PRIMARY KEY ("group_id", "partition", "version")
);
