-- Verdicts: written by validator alone. Never pruned while the account exists.
CREATE TABLE "verdict" (
  "tenant_id" TEXT NOT NULL,
  "account_id" TEXT NOT NULL,
  "signal_id" TEXT NOT NULL,
  "webhook_id" UUID NOT NULL,
  "partition" INTEGER NOT NULL,
  -- The event that the verdict is, byte for byte: webhook.validated or webhook.failed.
  "type" TEXT NOT NULL,
  "event" TEXT NOT NULL,
  "decided_at" TIMESTAMPTZ(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "account_id", "signal_id")
);

-- State of tenants' accounts: written by execution (accounts) alone.
CREATE TABLE "exec_account" (
  "account_id" TEXT PRIMARY KEY,
  "tenant_id" TEXT NOT NULL,
  "partition" INTEGER NOT NULL,
  "status" TEXT NOT NULL,
  -- Version of api's row that this status came from; a lower one is ignored.
  "directory_version" BIGINT NOT NULL,
  "currency" TEXT NOT NULL,
  "quote_source" TEXT NOT NULL,
  -- Minor units of the currency.
  "initial_balance" BIGINT NOT NULL,
  "balance" BIGINT NOT NULL,
  "fees" BIGINT NOT NULL DEFAULT 0,
  "realised" BIGINT NOT NULL DEFAULT 0,
  -- Grows by one with every change; consumers keep the highest.
  "version" BIGINT NOT NULL DEFAULT 1,
  "updated_at" TIMESTAMPTZ(3) NOT NULL
);
CREATE INDEX "exec_account_partition_idx" ON "exec_account" ("partition");

CREATE TABLE "exec_position" (
  "account_id" TEXT NOT NULL REFERENCES "exec_account" ("account_id"),
  "symbol" TEXT NOT NULL,
  -- Signed: long > 0, short < 0.
  "lots" BIGINT NOT NULL,
  -- Sum of price steps x lots of the open quantity; the average is cost / lots.
  "cost" NUMERIC(40, 0) NOT NULL,
  "realised" BIGINT NOT NULL,
  PRIMARY KEY ("account_id", "symbol")
);

-- The identity of every signal that execution has taken up: the wall against a second execution.
CREATE TABLE "exec_signal" (
  "tenant_id" TEXT NOT NULL,
  "account_id" TEXT NOT NULL,
  "signal_id" TEXT NOT NULL,
  "webhook_id" UUID NOT NULL,
  "taken_at" TIMESTAMPTZ(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "account_id", "signal_id")
);

CREATE TABLE "exec_order" (
  "order_id" UUID PRIMARY KEY,
  "tenant_id" TEXT NOT NULL,
  "account_id" TEXT NOT NULL,
  "signal_id" TEXT NOT NULL,
  "webhook_id" UUID NOT NULL,
  "bot_id" TEXT,
  "symbol" TEXT NOT NULL,
  "side" TEXT NOT NULL,
  "type" TEXT NOT NULL,
  "status" TEXT NOT NULL,
  -- Decimal strings, as in the events.
  "quantity" TEXT NOT NULL,
  "limit_price" TEXT,
  "cum_qty" TEXT NOT NULL,
  "leaves_qty" TEXT NOT NULL,
  "avg_px" TEXT,
  "version" BIGINT NOT NULL DEFAULT 1,
  "created_at" TIMESTAMPTZ(3) NOT NULL,
  "updated_at" TIMESTAMPTZ(3) NOT NULL
);
CREATE INDEX "exec_order_account_id_created_at_idx" ON "exec_order" ("account_id", "created_at");

CREATE TABLE "exec_fill" (
  "fill_id" UUID PRIMARY KEY,
  "order_id" UUID NOT NULL,
  "tenant_id" TEXT NOT NULL,
  "account_id" TEXT NOT NULL,
  "signal_id" TEXT NOT NULL,
  "symbol" TEXT NOT NULL,
  "side" TEXT NOT NULL,
  "last_qty" TEXT NOT NULL,
  "last_px" TEXT NOT NULL,
  "commission" TEXT NOT NULL,
  "realised" TEXT NOT NULL,
  "quote_id" TEXT NOT NULL,
  "executed_at" TIMESTAMPTZ(3) NOT NULL
);
CREATE INDEX "exec_fill_account_id_executed_at_idx" ON "exec_fill" ("account_id", "executed_at");

-- Signals that wait for a fresh quote, in the order of their account.
CREATE TABLE "exec_waiting" (
  "account_id" TEXT NOT NULL,
  "webhook_id" UUID NOT NULL,
  "partition" INTEGER NOT NULL,
  "sequence" BIGINT NOT NULL,
  "event" TEXT NOT NULL,
  "deadline" TIMESTAMPTZ(3) NOT NULL,
  PRIMARY KEY ("account_id", "webhook_id")
);
CREATE INDEX "exec_waiting_partition_sequence_idx" ON "exec_waiting" ("partition", "sequence");
