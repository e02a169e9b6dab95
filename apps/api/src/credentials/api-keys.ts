import { Inject, Injectable } from '@nestjs/common';
import { newId } from '@tickwire/contracts';
import { generateApiKey, hashApiKey, type ApiKeyKind } from '@tickwire/credentials';
import type { Queryable } from '@tickwire/event-log';
import { ProblemError } from '@tickwire/problem-details';
import type { AppHost } from '@tickwire/runtime';
import type { ApiConfig } from '../api.config.js';
import { Audit } from '../audit/audit.js';
import type { Author } from '../audit/author.js';
import type { Principal, Scope } from '../authentication/principal.js';
import { idCursor, pageOf, type Page } from '../listing/page.js';
import type { ListQuery } from '../listing/list-query.js';
import { configChangedRecord } from '../outbox/configuration-records.js';
import { ConfigurationWriter, type Publish } from '../outbox/configuration-writer.js';
import { CONFIG, HOST } from '../tokens.js';
import { fieldRefused } from '../validation/body.pipe.js';
import type { NewApiKey } from './credential-requests.js';

/** A key without its text, which nobody keeps. */
export interface ApiKeyFacts {
  id: string;
  name: string;
  kind: string;
  /** Prefix and last characters, to recognise it: `tw_live_…x7Qf`. */
  hint: string | null;
  scopes: string[];
  createdAt: Date;
  expiresAt: Date | null;
  revokedAt: Date | null;
  /** To the minute. */
  lastUsedAt: Date | null;
}

/** The only answer that holds the key itself. */
export type NewlyMadeKey = ApiKeyFacts & { key: string };

const COLUMNS = `"id", "name", "kind", "scopes", "created_at" AS "createdAt", "expires_at" AS "expiresAt",
  "revoked_at" AS "revokedAt", "last_used_at" AS "lastUsedAt"`;
/** A row of keys has no version of its own: it is made, and may be revoked once. */
const MADE = 1;
const REVOKED = 2;

interface KeyProperties {
  kind: ApiKeyKind;
  /** Of agents' keys. */
  agentId?: string;
  name: string;
  scopes: readonly string[];
  expiresAt?: Date;
}

/** API keys of tenants and agents: only their hashes are kept. */
@Injectable()
export class ApiKeys {
  private readonly pepper: Buffer;

  constructor(
    @Inject(HOST) private readonly host: AppHost,
    @Inject(CONFIG) config: ApiConfig,
    @Inject(ConfigurationWriter) private readonly writer: ConfigurationWriter,
    @Inject(Audit) private readonly audit: Audit,
  ) {
    this.pepper = Buffer.from(config.API_KEY_PEPPER, 'utf8');
  }

  /** @throws ProblemError SCHEMA for an expiry in the past */
  async create(by: Author, { name, kind, scopes, expiresAt }: NewApiKey): Promise<NewlyMadeKey> {
    const expiry = expiresAt ? new Date(expiresAt) : undefined;
    if (expiry !== undefined && expiry.getTime() <= this.host.now()) {
      throw fieldRefused('expiresAt', 'IN_THE_PAST', 'has to be in the future');
    }
    return this.writer.change((db, publish) =>
      this.insert(db, publish, by, { kind: kind ?? 'live', name: name ?? '', scopes, expiresAt: expiry }),
    );
  }

  /** In a caller's transaction: an agent gets its key with its registration. */
  async insert(db: Queryable, publish: Publish, by: Author, made: KeyProperties): Promise<NewlyMadeKey> {
    const { tenantId } = by;
    const { kind, agentId = null, name, scopes, expiresAt = null } = made;
    const key = generateApiKey(kind);
    const { rows } = await db.query<Omit<ApiKeyFacts, 'hint'>>(
      `INSERT INTO "api_key" ("id", "kind", "tenant_id", "agent_id", "hash", "name", "scopes", "expires_at", "hint")
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING ${COLUMNS}`,
      [newId('key'), kind, tenantId, agentId, hashApiKey(key, this.pepper), name, scopes, expiresAt, key.hint],
    );
    const facts = { ...rows[0]!, hint: key.hint };
    const details = { hint: key.hint, name, scopes, expiresAt, ...(agentId === null ? {} : { agentId }) };
    await this.audit.record(db, by, 'api-key.created', facts.id, details);
    publish(configChangedRecord({ entity: 'api-key', id: facts.id, tenantId, version: MADE }, this.host.now()));
    return { ...facts, key: key.text };
  }

  async list(tenantId: string, { limit, cursor }: ListQuery): Promise<Page<ApiKeyFacts>> {
    const { rows } = await this.host.pool.query<ApiKeyFacts>(
      `SELECT ${COLUMNS}, "hint" FROM "api_key"
        WHERE "tenant_id" = $1 AND "agent_id" IS NULL AND ($2::text IS NULL OR "id" < $2) ORDER BY "id" DESC LIMIT $3`,
      [tenantId, idCursor(cursor), limit + 1],
    );
    return pageOf(rows, limit, (key) => key.id);
  }

  /**
   * In a caller's transaction: the agent's other keys end after the overlap, where they would not end before.
   * @param kept the id of the one that goes on
   */
  async endOthers(
    db: Queryable,
    publish: Publish,
    { tenantId }: Author,
    agentId: string,
    kept: string,
    overlapSeconds: number,
  ): Promise<void> {
    const { rows } = await db.query<{ id: string }>(
      `UPDATE "api_key" SET "expires_at" = now() + $3 * interval '1 second'
        WHERE "agent_id" = $1 AND "id" <> $2 AND "revoked_at" IS NULL
          AND ("expires_at" IS NULL OR "expires_at" > now() + $3 * interval '1 second') RETURNING "id"`,
      [agentId, kept, overlapSeconds],
    );
    for (const { id } of rows) {
      publish(configChangedRecord({ entity: 'api-key', id, tenantId, version: REVOKED }, this.host.now()));
    }
  }

  /** Works at once here and within the caches' heartbeat elsewhere. Again does nothing. @throws ProblemError NOT_FOUND */
  async revoke(by: Author, id: string): Promise<void> {
    const { tenantId } = by;
    await this.writer.change(async (db, publish) => {
      const { rows } = await db.query<{ revoked: boolean }>(
        `SELECT "revoked_at" IS NOT NULL AS "revoked" FROM "api_key"
          WHERE "id" = $1 AND "tenant_id" = $2 AND "agent_id" IS NULL FOR NO KEY UPDATE`,
        [id, tenantId],
      );
      if (rows[0] === undefined) throw new ProblemError('NOT_FOUND', 'There is no such API key.');
      if (rows[0].revoked) return;
      await db.query(`UPDATE "api_key" SET "revoked_at" = now() WHERE "id" = $1`, [id]);
      await this.audit.record(db, by, 'api-key.revoked', id);
      publish(configChangedRecord({ entity: 'api-key', id, tenantId, version: REVOKED }, this.host.now()));
    });
  }
}

/** A key makes no key that may do more than itself. @throws ProblemError FORBIDDEN, naming each scope */
export function requireScopesOf(caller: Principal, scopes: readonly Scope[]): void {
  const held: readonly string[] = caller.kind === 'tenant' ? caller.scopes : [];
  const errors = scopes.flatMap((scope, index) =>
    held.includes(scope)
      ? []
      : [{ pointer: `/scopes/${index}`, code: 'SCOPE_NOT_HELD', detail: `this key does not have ${scope} itself` }],
  );
  if (errors.length > 0) throw new ProblemError('FORBIDDEN', 'A key cannot give more scopes than it has.', { errors });
}
