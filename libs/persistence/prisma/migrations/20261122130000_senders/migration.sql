-- What the door needs to know of senders, and what their tenant has done about them. Written by api alone.

ALTER TABLE "signing_secret" ADD COLUMN "name" TEXT NOT NULL DEFAULT '';
-- How its owner recognises it: `tw_live_…x7Qf`.
ALTER TABLE "api_key" ADD COLUMN "hint" TEXT;

-- Addresses for senders that cannot sign: whoever knows the token sends for one bot on one account.
CREATE TABLE "alert_token" (
  "id" TEXT PRIMARY KEY,
  "tenant_id" TEXT NOT NULL REFERENCES "tenant" ("id"),
  "bot_id" TEXT NOT NULL REFERENCES "bot" ("id"),
  "account_id" TEXT NOT NULL REFERENCES "account" ("id"),
  "name" TEXT NOT NULL DEFAULT '',
  "hash" TEXT NOT NULL,
  "hint" TEXT,
  -- {"the sender's symbol": "ours"}
  "symbol_map" JSONB NOT NULL DEFAULT '{}',
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
  "revoked_at" TIMESTAMPTZ(3)
);
CREATE UNIQUE INDEX "alert_token_hash_key" ON "alert_token" ("hash");
CREATE INDEX "alert_token_tenant_id_idx" ON "alert_token" ("tenant_id");

-- Whose JWTs a tenant believes. Keys come from one of jwks_url, keys and sealed_secret.
CREATE TABLE "jwt_issuer" (
  "id" TEXT PRIMARY KEY,
  "tenant_id" TEXT NOT NULL REFERENCES "tenant" ("id"),
  "bot_id" TEXT REFERENCES "bot" ("id"),
  "issuer" TEXT NOT NULL,
  "audience" TEXT NOT NULL,
  "jwks_url" TEXT,
  "keys" JSONB,
  "sealed_secret" TEXT,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
  "revoked_at" TIMESTAMPTZ(3)
);
CREATE INDEX "jwt_issuer_tenant_id_idx" ON "jwt_issuer" ("tenant_id");

-- What was found suspicious.
CREATE TABLE "suspicion" (
  "id" UUID PRIMARY KEY,
  "tenant_id" TEXT NOT NULL,
  "pattern" TEXT NOT NULL,
  "suspect_kind" TEXT NOT NULL,
  "suspect_id" TEXT NOT NULL,
  "evidence" JSONB NOT NULL,
  "detected_at" TIMESTAMPTZ(3) NOT NULL
);
CREATE INDEX "suspicion_tenant_id_detected_at_idx" ON "suspicion" ("tenant_id", "detected_at");

-- What came of it by the tenant's policy, until it ends or is released.
CREATE TABLE "restriction" (
  "id" TEXT PRIMARY KEY,
  "tenant_id" TEXT NOT NULL REFERENCES "tenant" ("id"),
  "suspicion_id" UUID NOT NULL,
  -- throttle | quarantine
  "kind" TEXT NOT NULL,
  "suspect_kind" TEXT NOT NULL,
  "suspect_id" TEXT NOT NULL,
  "pattern" TEXT NOT NULL,
  -- Of the limits, while throttled.
  "factor" DOUBLE PRECISION,
  "until" TIMESTAMPTZ(3) NOT NULL,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
  "released_at" TIMESTAMPTZ(3)
);
CREATE INDEX "restriction_tenant_id_idx" ON "restriction" ("tenant_id");

-- Who changed what, by tenant, in order.
CREATE TABLE "audit_log" (
  "id" UUID PRIMARY KEY,
  "tenant_id" TEXT NOT NULL,
  "at" TIMESTAMPTZ(3) NOT NULL,
  -- admin, policy or the id of a key
  "actor" TEXT NOT NULL,
  "action" TEXT NOT NULL,
  "subject" TEXT NOT NULL,
  -- Never a secret.
  "details" JSONB NOT NULL DEFAULT '{}'
);
CREATE INDEX "audit_log_tenant_id_at_id_idx" ON "audit_log" ("tenant_id", "at", "id");
