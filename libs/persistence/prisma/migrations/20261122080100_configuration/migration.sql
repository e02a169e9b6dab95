-- Identity and configuration: written by api alone.

CREATE TABLE "tenant" (
  "id" TEXT PRIMARY KEY,
  "name" TEXT NOT NULL,
  "status" TEXT NOT NULL DEFAULT 'active',
  "settings" JSONB NOT NULL DEFAULT '{}',
  "version" BIGINT NOT NULL DEFAULT 1,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now()
);

CREATE TABLE "signing_secret" (
  "id" TEXT PRIMARY KEY,
  "tenant_id" TEXT NOT NULL REFERENCES "tenant" ("id"),
  "bot_id" TEXT,
  "sealed" TEXT NOT NULL,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
  "expires_at" TIMESTAMPTZ(3),
  "revoked_at" TIMESTAMPTZ(3)
);
CREATE INDEX "signing_secret_tenant_id_idx" ON "signing_secret" ("tenant_id");

CREATE TABLE "api_key" (
  "id" TEXT PRIMARY KEY,
  "kind" TEXT NOT NULL,
  "tenant_id" TEXT REFERENCES "tenant" ("id"),
  "agent_id" TEXT,
  "hash" TEXT NOT NULL,
  "name" TEXT NOT NULL DEFAULT '',
  "scopes" TEXT[] NOT NULL DEFAULT '{}',
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
  "expires_at" TIMESTAMPTZ(3),
  "revoked_at" TIMESTAMPTZ(3),
  "last_used_at" TIMESTAMPTZ(3)
);
CREATE UNIQUE INDEX "api_key_hash_key" ON "api_key" ("hash");
CREATE INDEX "api_key_tenant_id_idx" ON "api_key" ("tenant_id");

CREATE TABLE "world" (
  "id" TEXT PRIMARY KEY,
  "partition" INTEGER NOT NULL,
  "name" TEXT NOT NULL,
  "settings" JSONB NOT NULL,
  "status" TEXT NOT NULL DEFAULT 'running',
  "version" BIGINT NOT NULL DEFAULT 1,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now()
);

CREATE TABLE "account" (
  "id" TEXT PRIMARY KEY,
  "tenant_id" TEXT NOT NULL REFERENCES "tenant" ("id"),
  "external_id" TEXT,
  "partition" INTEGER NOT NULL,
  "name" TEXT NOT NULL DEFAULT '',
  "status" TEXT NOT NULL DEFAULT 'active',
  "currency" TEXT NOT NULL DEFAULT 'USD',
  -- Minor units of the currency.
  "initial_balance" BIGINT NOT NULL,
  -- Where the account's quotes come from: a world's id.
  "quote_source" TEXT NOT NULL,
  "settings" JSONB NOT NULL DEFAULT '{}',
  "version" BIGINT NOT NULL DEFAULT 1,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX "account_tenant_id_external_id_key" ON "account" ("tenant_id", "external_id");

CREATE TABLE "bot" (
  "id" TEXT PRIMARY KEY,
  "tenant_id" TEXT NOT NULL REFERENCES "tenant" ("id"),
  "name" TEXT NOT NULL DEFAULT '',
  "status" TEXT NOT NULL DEFAULT 'active',
  -- Accounts it may trade on; null: every account of its tenant.
  "account_ids" TEXT[],
  "version" BIGINT NOT NULL DEFAULT 1,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now()
);
CREATE INDEX "bot_tenant_id_idx" ON "bot" ("tenant_id");

CREATE TABLE "agent" (
  "id" TEXT PRIMARY KEY,
  "tenant_id" TEXT NOT NULL REFERENCES "tenant" ("id"),
  "world_id" TEXT NOT NULL REFERENCES "world" ("id"),
  "shard" INTEGER NOT NULL,
  "name" TEXT NOT NULL,
  "role" TEXT NOT NULL,
  "callback_url" TEXT,
  "sealed_webhook_secret" TEXT,
  "sealed_previous_secret" TEXT,
  "previous_secret_until" TIMESTAMPTZ(3),
  "status" TEXT NOT NULL DEFAULT 'active',
  "version" BIGINT NOT NULL DEFAULT 1,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now()
);
CREATE INDEX "agent_world_id_idx" ON "agent" ("world_id");
CREATE INDEX "agent_tenant_id_idx" ON "agent" ("tenant_id");

CREATE TABLE "webhook_endpoint" (
  "id" TEXT PRIMARY KEY,
  "tenant_id" TEXT NOT NULL REFERENCES "tenant" ("id"),
  "url" TEXT NOT NULL,
  "description" TEXT NOT NULL DEFAULT '',
  -- Event types it wants; empty: all lifecycle events.
  "events" TEXT[] NOT NULL DEFAULT '{}',
  "sealed_secret" TEXT NOT NULL,
  "sealed_previous_secret" TEXT,
  "previous_secret_until" TIMESTAMPTZ(3),
  "status" TEXT NOT NULL DEFAULT 'active',
  "version" BIGINT NOT NULL DEFAULT 1,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now()
);
CREATE INDEX "webhook_endpoint_tenant_id_idx" ON "webhook_endpoint" ("tenant_id");

-- Configuration records on their way to the log: sequence per target partition, taken as the last statement before COMMIT.
CREATE TABLE "config_head" (
  "topic" TEXT NOT NULL,
  "partition" INTEGER NOT NULL,
  "next" BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY ("topic", "partition")
);

CREATE TABLE "config_outbox" (
  "topic" TEXT NOT NULL,
  "partition" INTEGER NOT NULL,
  "sequence" BIGINT NOT NULL,
  "key" TEXT NOT NULL,
  "value" BYTEA NOT NULL,
  PRIMARY KEY ("topic", "partition", "sequence")
);

-- Projection of the lifecycle: history, stream cursors and status are served from it.
CREATE TABLE "lifecycle_event" (
  "tenant_id" TEXT NOT NULL,
  "sequence" BIGINT NOT NULL,
  "event_id" UUID NOT NULL,
  "webhook_id" UUID NOT NULL,
  "account_id" TEXT,
  "signal_id" TEXT,
  "type" TEXT NOT NULL,
  "final" BOOLEAN NOT NULL DEFAULT false,
  "occurred_at" TIMESTAMPTZ(3) NOT NULL,
  -- The envelope, byte for byte as it was on the log.
  "event" TEXT NOT NULL,
  PRIMARY KEY ("tenant_id", "sequence")
);
CREATE UNIQUE INDEX "lifecycle_event_event_id_key" ON "lifecycle_event" ("event_id");
CREATE INDEX "lifecycle_event_webhook_id_idx" ON "lifecycle_event" ("webhook_id");
CREATE INDEX "lifecycle_event_tenant_id_account_id_signal_id_idx" ON "lifecycle_event" ("tenant_id", "account_id", "signal_id");

CREATE TABLE "tenant_sequence" (
  "tenant_id" TEXT PRIMARY KEY,
  "next" BIGINT NOT NULL DEFAULT 0
);
