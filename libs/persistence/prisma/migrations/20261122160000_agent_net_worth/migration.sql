-- What leaderboards rank by, beside the view it is told in: reading a world's standings then opens no view, which may be
-- stored outside its row. No index: standings are read whole, and with one no tick could rewrite a row in place (HOT).

ALTER TABLE "agent_view"
  -- Minor units. NULL in a row that an older version wrote after this migration, until the agent's next tick.
  ADD COLUMN "net_worth_cents" BIGINT;

UPDATE "agent_view" SET "net_worth_cents" = round(("view" #>> '{agent,funds,3}')::numeric * 100)::bigint;
