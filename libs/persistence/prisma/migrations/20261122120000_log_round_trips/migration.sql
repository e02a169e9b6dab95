-- Fails the transaction where something that was taken for certain is not so. TW001 is ours.
CREATE FUNCTION "assert_true"("ok" BOOLEAN, "complaint" TEXT) RETURNS VOID LANGUAGE plpgsql AS $$
BEGIN
  IF "ok" IS NOT TRUE THEN
    RAISE EXCEPTION '%', "complaint" USING ERRCODE = 'TW001';
  END IF;
END $$;

DROP FUNCTION "log_append"(TEXT[], INTEGER[], TEXT[], BYTEA[], TEXT[]);

-- Appends records given as parallel arrays, their values one behind the other in one string of bytes.
-- Must be the last statement before COMMIT: it locks the heads until then.
-- Returns {"at": ms, "first": [[topic, partition, offset of its first record], ...]}.
CREATE FUNCTION "log_append"("topics" TEXT[], "partitions" INTEGER[], "keys" TEXT[], "lengths" INTEGER[], "vals" BYTEA, "heads" TEXT[])
RETURNS JSONB LANGUAGE plpgsql AS $$
DECLARE
  "now" TIMESTAMPTZ;
  "taken" INTEGER;
  "wanted" INTEGER;
  "first" JSONB;
BEGIN
  -- Sorted, so that two appends never wait for each other in a circle.
  PERFORM 1 FROM "log_partition" p
   WHERE (p."topic", p."partition") IN (SELECT * FROM unnest("topics", "partitions"))
   ORDER BY p."topic", p."partition" FOR UPDATE;
  "now" := date_trunc('milliseconds', clock_timestamp());

  WITH "input" AS (
    SELECT i.*, 1 + sum(i."length") OVER (ORDER BY i."ordinal") - i."length" AS "from"
      FROM unnest("topics", "partitions", "keys", "lengths", "heads")
      WITH ORDINALITY AS i("topic", "partition", "key", "length", "headers", "ordinal")
  ), "counts" AS (
    SELECT "topic", "partition", count(*) AS "n" FROM "input" GROUP BY 1, 2
  ), "moved" AS (
    UPDATE "log_partition" p SET "next" = p."next" + c."n" FROM "counts" c
     WHERE p."topic" = c."topic" AND p."partition" = c."partition"
    RETURNING p."topic", p."partition", p."next" - c."n" AS "first"
  ), "inserted" AS (
    INSERT INTO "log_record" ("topic", "partition", "offset", "key", "value", "headers", "appended_at")
    SELECT i."topic", i."partition",
           m."first" + row_number() OVER (PARTITION BY i."topic", i."partition" ORDER BY i."ordinal") - 1,
           i."key", substring("vals" FROM i."from"::integer FOR i."length"), i."headers"::jsonb, "now"
      FROM "input" i JOIN "moved" m ON m."topic" = i."topic" AND m."partition" = i."partition"
    RETURNING 1
  )
  SELECT (SELECT count(*) FROM "inserted"),
         (SELECT jsonb_agg(jsonb_build_array(m."topic", m."partition", m."first")) FROM "moved" m)
    INTO "taken", "first";

  "wanted" := coalesce(array_length("topics", 1), 0);
  IF "taken" <> "wanted" THEN
    RAISE EXCEPTION 'log_append: % of % records have a topic and partition that exist', "taken", "wanted"
      USING ERRCODE = 'foreign_key_violation';
  END IF;
  RETURN jsonb_build_object('at', (extract(epoch FROM "now") * 1000)::bigint, 'first', "first");
END $$;

-- One heartbeat of a group's member: drops silent members, gives free partitions out up to the member's share.
-- Returns {"owned": [partition, ...], "excess": [those of them to hand over]}.
CREATE FUNCTION "log_heartbeat"("group" TEXT, "member" TEXT, "partition_count" INTEGER, "session_ms" INTEGER)
RETURNS JSONB LANGUAGE plpgsql AS $$
DECLARE
  "place" INTEGER;
  "members" INTEGER;
  "share" INTEGER;
  "owned" INTEGER[];
BEGIN
  PERFORM FROM "log_group" g WHERE g."group_id" = "group" FOR UPDATE;
  INSERT INTO "log_member" ("group_id", "member_id", "joined_at", "heartbeat_at")
  VALUES ("group", "member", clock_timestamp(), clock_timestamp())
  ON CONFLICT ("group_id", "member_id") DO UPDATE SET "heartbeat_at" = clock_timestamp();
  DELETE FROM "log_member" m
   WHERE m."group_id" = "group" AND m."heartbeat_at" < clock_timestamp() - make_interval(secs => "session_ms" / 1000.0);
  DELETE FROM "log_lease" l
   WHERE l."group_id" = "group"
     AND NOT EXISTS (SELECT FROM "log_member" m WHERE m."group_id" = "group" AND m."member_id" = l."member_id");

  SELECT m."place", m."members" INTO "place", "members"
    FROM (SELECT a."member_id", row_number() OVER (ORDER BY a."joined_at", a."member_id") - 1 AS "place", count(*) OVER () AS "members"
            FROM "log_member" a WHERE a."group_id" = "group") m
   WHERE m."member_id" = "member";
  "share" := "partition_count" / "members" + CASE WHEN "place" < "partition_count" % "members" THEN 1 ELSE 0 END;
  SELECT coalesce(array_agg(l."partition" ORDER BY l."partition"), '{}') INTO "owned"
    FROM "log_lease" l WHERE l."group_id" = "group" AND l."member_id" = "member";
  IF cardinality("owned") < "share" THEN
    WITH "taken" AS (
      INSERT INTO "log_lease" ("group_id", "partition", "member_id")
      SELECT "group", f, "member" FROM generate_series(0, "partition_count" - 1) f
       WHERE NOT EXISTS (SELECT FROM "log_lease" l WHERE l."group_id" = "group" AND l."partition" = f)
       ORDER BY f LIMIT "share" - cardinality("owned")
      RETURNING "partition"
    ) SELECT "owned" || coalesce(array_agg(t."partition" ORDER BY t."partition"), '{}') INTO "owned" FROM "taken" t;
  END IF;
  RETURN jsonb_build_object('owned', to_jsonb("owned"), 'excess', to_jsonb("owned"["share" + 1:]));
END $$;
