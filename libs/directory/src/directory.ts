import { toTransient } from '@tickwire/persistence';
import type { ConfigChanged } from '@tickwire/contracts';
import type { ReceivedEvent } from '@tickwire/event-log';
import type { Pool } from 'pg';
import type {
  AccountEntry,
  AgentEntry,
  AlertTokenEntry,
  ApiKeyEntry,
  BotEntry,
  EndpointEntry,
  JwtIssuerEntry,
  RestrictionEntry,
  SigningSecretEntry,
  TenantEntry,
  WorldEntry,
} from './entries.js';
import { Freshness } from './freshness.js';
import { LOOKUPS, type LookupName } from './lookups.js';

interface Entries {
  tenant: TenantEntry;
  account: AccountEntry;
  accountByExternalId: AccountEntry;
  bot: BotEntry;
  signingSecrets: SigningSecretEntry[];
  apiKey: ApiKeyEntry;
  world: WorldEntry;
  agent: AgentEntry;
  endpoints: EndpointEntry[];
  signingSecretOwner: { id: string; tenantId: string };
  alertToken: AlertTokenEntry;
  jwtIssuers: JwtIssuerEntry[];
  restrictions: RestrictionEntry[];
}

/** "None" is an answer here, not a refusal, and the usual one: it is remembered until it changes. */
const OFTEN_NONE: ReadonlySet<LookupName> = new Set(['endpoints', 'restrictions']);

/**
 * A read-through cache of api's configuration. `config.changed` empties what has changed; while its heartbeats are missing,
 * everything is read from Postgres. A miss that would be a refusal is never remembered: absence is confirmed there each time.
 * @throws TransientError from every method while the database is away
 */
export class Directory {
  private readonly caches: { [N in LookupName]: Map<string, Entries[N]> } = {
    tenant: new Map(),
    account: new Map(),
    accountByExternalId: new Map(),
    bot: new Map(),
    signingSecrets: new Map(),
    apiKey: new Map(),
    world: new Map(),
    agent: new Map(),
    endpoints: new Map(),
    signingSecretOwner: new Map(),
    alertToken: new Map(),
    jwtIssuers: new Map(),
    restrictions: new Map(),
  };
  /** Grows with every change that was heard: a read that began before one must not fill the cache after it. */
  private generation = 0;
  private readonly freshness: Freshness;

  constructor(
    private readonly pool: Pool,
    partitionCount: number,
    monotonicNow?: () => number,
  ) {
    this.freshness = new Freshness(partitionCount, monotonicNow);
  }

  /** Every app's `@BroadcastEvents({ events: [configChanged] })` method hands its events over here. */
  changed(events: readonly ReceivedEvent<ConfigChanged>[]): void {
    for (const { record, event } of events) {
      this.freshness.heard(record.partition);
      if (event.data.entity === 'heartbeat') continue;
      this.generation += 1;
      this.forget(event.data);
    }
  }

  tenants(ids: readonly string[]): Promise<Map<string, TenantEntry>> {
    return this.find('tenant', ids);
  }

  accounts(ids: readonly string[]): Promise<Map<string, AccountEntry>> {
    return this.find('account', ids);
  }

  bots(ids: readonly string[]): Promise<Map<string, BotEntry>> {
    return this.find('bot', ids);
  }

  worlds(ids: readonly string[]): Promise<Map<string, WorldEntry>> {
    return this.find('world', ids);
  }

  agents(ids: readonly string[]): Promise<Map<string, AgentEntry>> {
    return this.find('agent', ids);
  }

  async tenant(id: string): Promise<TenantEntry | undefined> {
    return (await this.find('tenant', [id])).get(id);
  }

  async account(id: string): Promise<AccountEntry | undefined> {
    return (await this.find('account', [id])).get(id);
  }

  async accountByExternalId(tenantId: string, externalId: string): Promise<AccountEntry | undefined> {
    const key = JSON.stringify([tenantId, externalId]);
    return (await this.find('accountByExternalId', [key])).get(key);
  }

  async bot(id: string): Promise<BotEntry | undefined> {
    return (await this.find('bot', [id])).get(id);
  }

  /** Live ones only: neither revoked nor, when they were read, expired. Of the tenant and of all its bots. */
  async signingSecrets(tenantId: string): Promise<SigningSecretEntry[]> {
    return (await this.find('signingSecrets', [tenantId])).get(tenantId) ?? [];
  }

  /** @param hash of `hashApiKey`; revoked keys are absent, expiry is the caller's to judge */
  async apiKey(hash: string): Promise<ApiKeyEntry | undefined> {
    return (await this.find('apiKey', [hash])).get(hash);
  }

  async agent(id: string): Promise<AgentEntry | undefined> {
    return (await this.find('agent', [id])).get(id);
  }

  /** The tenant's active callback endpoints. */
  async endpoints(tenantId: string): Promise<EndpointEntry[]> {
    return (await this.find('endpoints', [tenantId])).get(tenantId) ?? [];
  }

  /** Whose signing secret this is; revoked ones are absent. */
  async tenantOfSigningSecret(id: string): Promise<string | undefined> {
    return (await this.find('signingSecretOwner', [id])).get(id)?.tenantId;
  }

  /** @param hash of `hashApiKey`; revoked tokens are absent */
  async alertToken(hash: string): Promise<AlertTokenEntry | undefined> {
    return (await this.find('alertToken', [hash])).get(hash);
  }

  async jwtIssuers(tenantId: string): Promise<JwtIssuerEntry[]> {
    return (await this.find('jwtIssuers', [tenantId])).get(tenantId) ?? [];
  }

  /** In force when they were read: the end of each is the caller's to judge. */
  async restrictions(tenantId: string): Promise<RestrictionEntry[]> {
    return (await this.find('restrictions', [tenantId])).get(tenantId) ?? [];
  }

  private async find<N extends LookupName>(name: N, keys: readonly string[]): Promise<Map<string, Entries[N]>> {
    const cache = this.caches[name] as Map<string, Entries[N]>;
    const found = new Map<string, Entries[N]>();
    const missing = new Set<string>();
    const fresh = this.freshness.fresh();
    for (const key of keys) {
      const cached = fresh ? cache.get(key) : undefined;
      if (cached !== undefined) found.set(key, cached);
      else missing.add(key);
    }
    if (missing.size === 0) return found;
    const before = this.generation;
    const rows = await this.read(name, [...missing]);
    if (OFTEN_NONE.has(name)) {
      for (const key of missing) if (!rows.has(key)) rows.set(key, [] as unknown as Entries[N]);
    }
    for (const [key, entry] of rows) {
      found.set(key, entry);
      if (this.generation === before) cache.set(key, entry);
    }
    return found;
  }

  private async read<N extends LookupName>(name: N, keys: readonly string[]): Promise<Map<string, Entries[N]>> {
    const lookup = LOOKUPS[name];
    try {
      const { rows } = await this.pool.query<{ key: string; entry: Entries[N] }>(lookup.sql, [lookup.parameters(keys)]);
      const entries = new Map<string, Entries[N]>();
      for (const row of rows) entries.set(row.key, lookup.revive(row.entry) as Entries[N]);
      return entries;
    } catch (error) {
      throw toTransient(error);
    }
  }

  private forget({ entity, id, tenantId }: ConfigChanged): void {
    switch (entity) {
      case 'tenant':
        this.caches.tenant.delete(id);
        break;
      case 'account':
        this.caches.account.delete(id);
        for (const [key, account] of this.caches.accountByExternalId) {
          if (account.id === id) this.caches.accountByExternalId.delete(key);
        }
        break;
      case 'bot':
        this.caches.bot.delete(id);
        break;
      case 'signing-secret':
        this.caches.signingSecrets.delete(tenantId ?? id);
        this.caches.signingSecretOwner.delete(id);
        break;
      case 'api-key':
        for (const [hash, key] of this.caches.apiKey) if (key.id === id) this.caches.apiKey.delete(hash);
        break;
      case 'world':
        this.caches.world.delete(id);
        break;
      case 'agent':
        this.caches.agent.delete(id);
        break;
      case 'webhook-endpoint':
        this.caches.endpoints.delete(tenantId ?? id);
        break;
      case 'alert-token':
        for (const [hash, token] of this.caches.alertToken) if (token.id === id) this.caches.alertToken.delete(hash);
        break;
      case 'jwt-issuer':
        this.caches.jwtIssuers.delete(tenantId ?? id);
        break;
      case 'restriction':
        this.caches.restrictions.delete(tenantId ?? id);
        break;
      case 'heartbeat':
        break;
    }
  }
}
