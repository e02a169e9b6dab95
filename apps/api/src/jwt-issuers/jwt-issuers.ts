import { Inject, Injectable } from '@nestjs/common';
import { newId } from '@tickwire/contracts';
import { SecretBox } from '@tickwire/credentials';
import { AddressGuard } from '@tickwire/delivery';
import type { Queryable } from '@tickwire/event-log';
import { ProblemError } from '@tickwire/problem-details';
import type { AppHost } from '@tickwire/runtime';
import { Audit } from '../audit/audit.js';
import type { Author } from '../audit/author.js';
import { requireBot } from '../bots/require-bot.js';
import { idCursor, pageOf, type Page } from '../listing/page.js';
import type { ListQuery } from '../listing/list-query.js';
import { configChangedRecord } from '../outbox/configuration-records.js';
import { ConfigurationWriter } from '../outbox/configuration-writer.js';
import { lockOwn, lockTenant, type OwnedTable } from '../outbox/row-locks.js';
import { HOST } from '../tokens.js';
import type { NewJwtIssuer } from './jwt-issuer-requests.js';
import { readRegistration, type Registration } from './read-registration.js';

/** Whose tokens a tenant believes. A shared secret is never shown, not even once: the tenant has given it. */
export interface JwtIssuerFacts {
  id: string;
  issuer: string;
  audience: string;
  botId: string | null;
  /** Where its keys come from. */
  keySource: 'jwks' | 'keys' | 'secret';
  jwksUrl: string | null;
  /** Public JWKs. */
  keys: object[] | null;
  createdAt: Date;
  revokedAt: Date | null;
}

const COLUMNS = `"id", "issuer", "audience", "bot_id" AS "botId",
  CASE WHEN "jwks_url" IS NOT NULL THEN 'jwks' WHEN "keys" IS NOT NULL THEN 'keys' ELSE 'secret' END AS "keySource",
  "jwks_url" AS "jwksUrl", "keys", "created_at" AS "createdAt", "revoked_at" AS "revokedAt"`;
const ROWS: OwnedTable = { table: 'jwt_issuer', columns: COLUMNS, what: 'JWT issuer' };
/** The door keeps all of a tenant's issuers together. */
const MOST_LIVE_ISSUERS = 20;
/** A row has no version of its own: it is made, and may be revoked once. */
const MADE = 1;
const REVOKED = 2;

@Injectable()
export class JwtIssuers {
  constructor(
    @Inject(HOST) private readonly host: AppHost,
    @Inject(SecretBox) private readonly box: SecretBox,
    @Inject(AddressGuard) private readonly guard: AddressGuard,
    @Inject(ConfigurationWriter) private readonly writer: ConfigurationWriter,
    @Inject(Audit) private readonly audit: Audit,
  ) {}

  /** @throws ProblemError SCHEMA, CONFLICT for an issuer and audience that are registered, LIMIT_EXCEEDED */
  create(by: Author, body: NewJwtIssuer): Promise<JwtIssuerFacts> {
    const registration = readRegistration(this.guard, body);
    const { issuer, audience, jwksUrl, keys, secret } = registration;
    const { tenantId } = by;
    const botId = body.botId ?? null;
    const id = newId('iss');
    return this.writer.change(async (db, publish) => {
      await requirePlace(db, tenantId, registration);
      if (botId !== null) await requireBot(db, tenantId, botId);
      const { rows } = await db.query<JwtIssuerFacts>(
        `INSERT INTO "jwt_issuer" ("id", "tenant_id", "bot_id", "issuer", "audience", "jwks_url", "keys", "sealed_secret")
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING ${COLUMNS}`,
        [
          id,
          tenantId,
          botId,
          issuer,
          audience,
          jwksUrl ?? null,
          keys === undefined ? null : JSON.stringify(keys),
          secret === undefined ? null : this.box.seal(secret, [id]),
        ],
      );
      const made = rows[0]!;
      const { keySource } = made;
      await this.audit.record(db, by, 'jwt-issuer.created', id, { issuer, audience, botId, keySource });
      publish(configChangedRecord({ entity: 'jwt-issuer', id, tenantId, version: MADE }, this.host.now()));
      return made;
    });
  }

  async list(tenantId: string, { limit, cursor }: ListQuery): Promise<Page<JwtIssuerFacts>> {
    const { rows } = await this.host.pool.query<JwtIssuerFacts>(
      `SELECT ${COLUMNS} FROM "jwt_issuer"
        WHERE "tenant_id" = $1 AND ($2::text IS NULL OR "id" < $2) ORDER BY "id" DESC LIMIT $3`,
      [tenantId, idCursor(cursor), limit + 1],
    );
    return pageOf(rows, limit, (issuer) => issuer.id);
  }

  /** Again does nothing. @throws ProblemError NOT_FOUND */
  async revoke(by: Author, id: string): Promise<void> {
    const { tenantId } = by;
    await this.writer.change(async (db, publish) => {
      const { revokedAt } = await lockOwn<{ revokedAt: Date | null }>(db, ROWS, tenantId, id);
      if (revokedAt !== null) return;
      await db.query(`UPDATE "jwt_issuer" SET "revoked_at" = now() WHERE "id" = $1`, [id]);
      await this.audit.record(db, by, 'jwt-issuer.revoked', id);
      publish(configChangedRecord({ entity: 'jwt-issuer', id, tenantId, version: REVOKED }, this.host.now()));
    });
  }
}

async function requirePlace(db: Queryable, tenantId: string, { issuer, audience }: Registration): Promise<void> {
  // Two at once must neither be the same issuer nor both see room for one.
  await lockTenant(db, tenantId);
  const { rows } = await db.query<{ live: number; taken: boolean }>(
    `SELECT count(*) AS "live", coalesce(bool_or("issuer" = $2 AND "audience" = $3), false) AS "taken"
       FROM "jwt_issuer" WHERE "tenant_id" = $1 AND "revoked_at" IS NULL`,
    [tenantId, issuer, audience],
  );
  const { live, taken } = rows[0]!;
  if (taken) {
    throw new ProblemError('CONFLICT', 'This issuer is registered for this audience: revoke it first.', {
      errors: [
        { pointer: '/issuer', code: 'TAKEN', detail: 'another registration of yours has it with this audience' },
      ],
    });
  }
  if (live >= MOST_LIVE_ISSUERS) {
    throw new ProblemError('LIMIT_EXCEEDED', `A tenant has at most ${MOST_LIVE_ISSUERS} JWT issuers: revoke one.`);
  }
}
