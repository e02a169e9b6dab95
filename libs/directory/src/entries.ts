/** What other apps know of api's configuration. Rows as they are in the database, camel-cased. */

export interface TenantEntry {
  id: string;
  status: string;
  settings: TenantSettings;
  version: number;
}

/** All optional: absent means the default of `interfaces`. */
export interface TenantSettings {
  /** `off`: account rules only annotate; `enforce`: the validator refuses on them too. */
  precheck?: 'annotate' | 'enforce';
  limits?: { tenantPerMinute?: number; botPerMinute?: number; accountPerMinute?: number; burst?: number };
}

export interface AccountEntry {
  id: string;
  tenantId: string;
  externalId: string | null;
  partition: number;
  status: string;
  currency: string;
  /** Minor units. */
  initialBalance: number;
  quoteSource: string;
  version: number;
}

export interface BotEntry {
  id: string;
  tenantId: string;
  status: string;
  /** null: every account of its tenant. */
  accountIds: string[] | null;
  version: number;
}

export interface SigningSecretEntry {
  id: string;
  tenantId: string;
  /** null: the tenant's; otherwise this bot's alone. */
  botId: string | null;
  /** Sealed with the row's id as associated data. */
  sealed: string;
  expiresAt: Date | null;
}

export interface ApiKeyEntry {
  id: string;
  kind: string;
  tenantId: string | null;
  agentId: string | null;
  scopes: string[];
  expiresAt: Date | null;
}

export interface WorldEntry {
  id: string;
  partition: number;
  name: string;
  /** {@link import('@tickwire/contracts').WorldParameters} */
  settings: { seed: string; companies: number; tickMs: number; shards: number };
  status: string;
  version: number;
}

export interface AgentEntry {
  id: string;
  tenantId: string;
  worldId: string;
  shard: number;
  name: string;
  role: string;
  callbackUrl: string | null;
  sealedWebhookSecret: string | null;
  sealedPreviousSecret: string | null;
  previousSecretUntil: Date | null;
  status: string;
  version: number;
}

export interface EndpointEntry {
  id: string;
  tenantId: string;
  url: string;
  /** Empty: all lifecycle events. */
  events: string[];
  sealedSecret: string;
  sealedPreviousSecret: string | null;
  previousSecretUntil: Date | null;
  status: string;
  version: number;
}
