/** One statement per kind of entry: rows of `key` and `entry`, for an array of keys. */
export interface Lookup {
  sql: string;
  parameters(keys: readonly string[]): unknown;
  /** Dates come as ISO text inside JSON. */
  revive(entry: object): object;
}

const same = (keys: readonly string[]): unknown => keys;
const asIs = (entry: object): object => entry;
const withDates =
  (...fields: string[]) =>
  (entry: object): object => {
    const revived: Record<string, unknown> = { ...entry };
    for (const field of fields) {
      if (typeof revived[field] === 'string') revived[field] = new Date(revived[field]);
    }
    return revived;
  };
const list =
  (revive: (entry: object) => object) =>
  (entries: object): object =>
    (entries as object[]).map(revive);

const ACCOUNT = `jsonb_build_object('id', "id", 'tenantId', "tenant_id", 'externalId', "external_id", 'partition', "partition",
  'status', "status", 'currency', "currency", 'initialBalance', "initial_balance", 'quoteSource', "quote_source", 'version', "version")`;

export const LOOKUPS = {
  tenant: {
    sql: `SELECT "id" AS "key", jsonb_build_object('id', "id", 'status', "status", 'settings', "settings", 'version', "version") AS "entry"
            FROM "tenant" WHERE "id" = ANY($1)`,
    parameters: same,
    revive: asIs,
  },
  account: {
    sql: `SELECT "id" AS "key", ${ACCOUNT} AS "entry" FROM "account" WHERE "id" = ANY($1)`,
    parameters: same,
    revive: asIs,
  },
  accountByExternalId: {
    sql: `SELECT k."key", ${ACCOUNT} AS "entry" FROM unnest($1::text[]) k("key")
            JOIN "account" ON "tenant_id" = k."key"::jsonb ->> 0 AND "external_id" = k."key"::jsonb ->> 1`,
    parameters: same,
    revive: asIs,
  },
  bot: {
    sql: `SELECT "id" AS "key", jsonb_build_object('id', "id", 'tenantId', "tenant_id", 'status', "status",
                 'accountIds', "account_ids", 'version', "version") AS "entry"
            FROM "bot" WHERE "id" = ANY($1)`,
    parameters: same,
    revive: asIs,
  },
  signingSecrets: {
    sql: `SELECT "tenant_id" AS "key", jsonb_agg(jsonb_build_object('id', "id", 'tenantId', "tenant_id", 'botId', "bot_id",
                 'sealed', "sealed", 'expiresAt', "expires_at") ORDER BY "created_at" DESC) AS "entry"
            FROM "signing_secret"
           WHERE "tenant_id" = ANY($1) AND "revoked_at" IS NULL AND ("expires_at" IS NULL OR "expires_at" > now())
           GROUP BY "tenant_id"`,
    parameters: same,
    revive: list(withDates('expiresAt')),
  },
  apiKey: {
    sql: `SELECT "hash" AS "key", jsonb_build_object('id', "id", 'kind', "kind", 'tenantId', "tenant_id", 'agentId', "agent_id",
                 'scopes', "scopes", 'expiresAt', "expires_at") AS "entry"
            FROM "api_key" WHERE "hash" = ANY($1) AND "revoked_at" IS NULL`,
    parameters: same,
    revive: withDates('expiresAt'),
  },
  signingSecretOwner: {
    sql: `SELECT "id" AS "key", jsonb_build_object('id', "id", 'tenantId', "tenant_id") AS "entry"
            FROM "signing_secret" WHERE "id" = ANY($1) AND "revoked_at" IS NULL`,
    parameters: same,
    revive: asIs,
  },
  alertToken: {
    sql: `SELECT "hash" AS "key", jsonb_build_object('id', "id", 'tenantId', "tenant_id", 'botId', "bot_id",
                 'accountId', "account_id", 'symbolMap', "symbol_map") AS "entry"
            FROM "alert_token" WHERE "hash" = ANY($1) AND "revoked_at" IS NULL`,
    parameters: same,
    revive: asIs,
  },
  jwtIssuers: {
    sql: `SELECT "tenant_id" AS "key", jsonb_agg(jsonb_build_object('id', "id", 'tenantId', "tenant_id", 'botId', "bot_id",
                 'issuer', "issuer", 'audience', "audience", 'jwksUrl', "jwks_url", 'keys', "keys",
                 'sealedSecret', "sealed_secret") ORDER BY "created_at") AS "entry"
            FROM "jwt_issuer" WHERE "tenant_id" = ANY($1) AND "revoked_at" IS NULL GROUP BY "tenant_id"`,
    parameters: same,
    revive: asIs,
  },
  restrictions: {
    sql: `SELECT "tenant_id" AS "key", jsonb_agg(jsonb_build_object('id', "id", 'tenantId', "tenant_id", 'kind', "kind",
                 'suspectKind', "suspect_kind", 'suspectId', "suspect_id", 'pattern', "pattern", 'factor', "factor",
                 'until', "until") ORDER BY "created_at") AS "entry"
            FROM "restriction" WHERE "tenant_id" = ANY($1) AND "released_at" IS NULL AND "until" > now() GROUP BY "tenant_id"`,
    parameters: same,
    revive: list(withDates('until')),
  },
  world: {
    sql: `SELECT "id" AS "key", jsonb_build_object('id', "id", 'partition', "partition", 'name', "name", 'settings', "settings",
                 'status', "status", 'version', "version") AS "entry"
            FROM "world" WHERE "id" = ANY($1)`,
    parameters: same,
    revive: asIs,
  },
  agent: {
    sql: `SELECT "id" AS "key", jsonb_build_object('id', "id", 'tenantId', "tenant_id", 'worldId', "world_id", 'shard', "shard",
                 'name', "name", 'role', "role", 'callbackUrl', "callback_url", 'sealedWebhookSecret', "sealed_webhook_secret",
                 'sealedPreviousSecret', "sealed_previous_secret", 'previousSecretUntil', "previous_secret_until",
                 'status', "status", 'settings', "settings", 'version', "version") AS "entry"
            FROM "agent" WHERE "id" = ANY($1)`,
    parameters: same,
    revive: withDates('previousSecretUntil'),
  },
  endpoints: {
    sql: `SELECT "tenant_id" AS "key", jsonb_agg(jsonb_build_object('id', "id", 'tenantId', "tenant_id", 'url', "url",
                 'events', "events", 'sealedSecret', "sealed_secret", 'sealedPreviousSecret', "sealed_previous_secret",
                 'previousSecretUntil', "previous_secret_until", 'status', "status", 'version', "version") ORDER BY "created_at") AS "entry"
            FROM "webhook_endpoint" WHERE "tenant_id" = ANY($1) AND "status" = 'active' GROUP BY "tenant_id"`,
    parameters: same,
    revive: list(withDates('previousSecretUntil')),
  },
} satisfies Record<string, Lookup>;

export type LookupName = keyof typeof LOOKUPS;
