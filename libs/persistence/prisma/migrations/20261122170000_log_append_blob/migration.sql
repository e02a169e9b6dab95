-- The `log_append` of six arguments stays beside this one, because processes of the release before call it while they
-- are being replaced. Both lock the heads in the same order. It goes with the next release.

-- Appends records, their values one behind the other in one string of bytes. Must be the last statement before COMMIT:
-- it locks the heads until then.
-- Per target, which is a topic and partition, each of them once: "topics", "partitions", "counts" (of its records).
-- Per record: "targets" (from 1), "steps" (0 for the target's first record, then 1, ...), "lengths" (bytes), "keys",
-- "heads" (JSON; NULL where no record has headers).
-- Returns {"at": ms, "first": [offset of the target's first record, ...]}, in the order of the targets.
CREATE FUNCTION "log_append"("topics" TEXT[], "partitions" INTEGER[], "counts" INTEGER[], "targets" INTEGER[], "steps" INTEGER[], "lengths" INTEGER[], "keys" TEXT[], "heads" TEXT[], "vals" BYTEA)
RETURNS JSONB LANGUAGE plpgsql AS $$
DECLARE
  "sorted" INTEGER[];
  "target" INTEGER;
  "first" BIGINT;
  "firsts" BIGINT[] := array_fill(NULL::bigint, ARRAY[cardinality("topics")]);
  "now" TIMESTAMPTZ;
BEGIN
  IF cardinality("topics") = 1 THEN
    "sorted" := '{1}';
  ELSE
    -- So that two appends never wait for each other in a circle.
    SELECT coalesce(array_agg(t."ordinal" ORDER BY t."topic", t."partition"), '{}') INTO "sorted"
      FROM unnest("topics", "partitions") WITH ORDINALITY AS t("topic", "partition", "ordinal");
  END IF;
  -- One by one: for a join, the planner reads and sorts all heads.
  FOREACH "target" IN ARRAY "sorted" LOOP
    UPDATE "log_partition" p SET "next" = p."next" + "counts"["target"]
     WHERE p."topic" = "topics"["target"] AND p."partition" = "partitions"["target"]
    RETURNING p."next" - "counts"["target"] INTO "first";
    IF NOT FOUND THEN
      RAISE EXCEPTION 'log_append: there is no partition % of a topic %', "partitions"["target"], "topics"["target"]
        USING ERRCODE = 'foreign_key_violation';
    END IF;
    "firsts"["target"] := "first";
  END LOOP;
  -- After the last lock: within a partition, time does not go back.
  "now" := date_trunc('milliseconds', clock_timestamp());

  INSERT INTO "log_record" ("topic", "partition", "offset", "key", "value", "headers", "appended_at")
  SELECT "topics"[i."target"], "partitions"[i."target"], "firsts"[i."target"] + i."step", i."key",
         substring("vals" FROM i."from" FOR i."length"), i."headers"::jsonb, "now"
    FROM (SELECT u.*, (1 + sum(u."length") OVER (ROWS UNBOUNDED PRECEDING) - u."length")::integer AS "from"
            FROM unnest("targets", "steps", "lengths", "keys", "heads")
              AS u("target", "step", "length", "key", "headers")) i;

  RETURN jsonb_build_object('at', (extract(epoch FROM "now") * 1000)::bigint, 'first', "firsts");
END $$;
