-- Half of what an event of the history cost was its indexes. An event belongs to one signal, so one index by signal finds a
-- signal's events and keeps an event from being stored twice; a signal's identity gives its id without a look-up.
CREATE UNIQUE INDEX "lifecycle_event_webhook_id_event_id_key" ON "lifecycle_event" ("webhook_id", "event_id");
DROP INDEX "lifecycle_event_event_id_key";
DROP INDEX "lifecycle_event_webhook_id_idx";
DROP INDEX "lifecycle_event_tenant_id_account_id_signal_id_idx";
