-- Rows that are updated with every batch: their pages keep room for the next versions, so that an update stays on its page and
-- leaves the indexes alone. Full pages made every update of an account look at the versions that vacuum had not removed yet.
ALTER TABLE "exec_account" SET (fillfactor = 40);
ALTER TABLE "exec_position" SET (fillfactor = 40);
ALTER TABLE "fence" SET (fillfactor = 10);
ALTER TABLE "tenant_sequence" SET (fillfactor = 20);
ALTER TABLE "log_partition" SET (fillfactor = 20);
ALTER TABLE "log_offset" SET (fillfactor = 20);
