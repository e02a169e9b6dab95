import type { WebhookReceived, WebhookSuspicious } from '@tickwire/contracts';

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
  /** The ways in that are allowed. Absent: all of them. */
  schemes?: SignalScheme[];
  /** How far a signed time may lie off, by scheme, 5 000 to 300 000. */
  toleranceMs?: Partial<Record<SignalScheme, number>>;
  /** What follows a suspicious pattern. Absent: it is only told. */
  suspicion?: Partial<Record<WebhookSuspicious['pattern'], 'flag' | 'throttle' | 'quarantine'>>;
}

type SignalScheme = WebhookReceived['scheme'];

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

/** What an agent's owner has chosen; an absent member is the default. */
export interface AgentSettings {
  /** Whether callbacks carry `X-Webhook-Signature` and `X-WSS-Signature` beside the signature of their own. Default false. */
  compatibilityHeaders?: boolean;
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
  /** `active`: its ticks are sent; `paused`: skipped until it is active again; anything else: they wait in its inbox. */
  status: string;
  settings: AgentSettings;
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

export interface AlertTokenEntry {
  id: string;
  tenantId: string;
  botId: string;
  accountId: string;
  symbolMap: Record<string, string>;
}

export interface JwtIssuerEntry {
  id: string;
  tenantId: string;
  botId: string | null;
  issuer: string;
  audience: string;
  jwksUrl: string | null;
  /** Public JWKs. */
  keys: object[] | null;
  /** HS256; sealed with the row's id as associated data. */
  sealedSecret: string | null;
}

export interface RestrictionEntry {
  id: string;
  tenantId: string;
  kind: 'throttle' | 'quarantine';
  suspectKind: WebhookSuspicious['suspect']['kind'];
  suspectId: string;
  pattern: WebhookSuspicious['pattern'];
  /** Of the limits, while throttled. */
  factor: number | null;
  until: Date;
}
