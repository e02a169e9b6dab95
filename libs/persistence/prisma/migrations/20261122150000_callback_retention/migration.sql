-- Settled callbacks are pruned after a while: oldest events first, each with its deliveries.
CREATE INDEX "callback_event_created_at_event_id_idx" ON "callback_event" ("created_at", "event_id");
-- An event's deliveries; also what the foreign key asks for when an event goes.
CREATE INDEX "callback_delivery_event_id_idx" ON "callback_delivery" ("event_id");
