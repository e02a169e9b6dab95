import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { newId } from '@tickwire/contracts';
import { SecretBox } from '@tickwire/credentials';
import { ProblemError } from '@tickwire/problem-details';
import type { AppHost } from '@tickwire/runtime';
import { formatWebhookSecret } from '@tickwire/signing';
import { idCursor, pageOf, type Page } from '../listing/page.js';
import type { ListQuery } from '../listing/list-query.js';
import { configChangedRecord } from '../outbox/configuration-records.js';
import { ConfigurationWriter } from '../outbox/configuration-writer.js';
import { HOST } from '../tokens.js';
import { fieldRefused } from '../validation/body.pipe.js';
import type { NewSigningSecret } from './credential-requests.js';

export interface SigningSecretFacts {
  id: string;
  botId: string | null;
  createdAt: Date;
  expiresAt: Date | null;
  revokedAt: Date | null;
}

/** The only answer that holds the secret itself. */
export type NewlyMadeSecret = SigningSecretFacts & { secret: string };

const COLUMNS = `"id", "bot_id" AS "botId", "created_at" AS "createdAt", "expires_at" AS "expiresAt", "revoked_at" AS "revokedAt"`;
const SECRET_BYTES = 32;
const MADE = 1;
const REVOKED = 2;

/**
 * Secrets that senders sign with, sealed at rest. Several are valid side by side: to rotate, make the new one, let the
 * senders change over, revoke the old one.
 */
@Injectable()
export class SigningSecrets {
  constructor(
    @Inject(HOST) private readonly host: AppHost,
    @Inject(SecretBox) private readonly box: SecretBox,
    @Inject(ConfigurationWriter) private readonly writer: ConfigurationWriter,
  ) {}

  create(tenantId: string, { botId }: NewSigningSecret): Promise<NewlyMadeSecret> {
    const id = newId('sec');
    const secret = formatWebhookSecret(randomBytes(SECRET_BYTES));
    return this.writer.change(async (db, publish) => {
      if (botId) {
        const { rowCount } = await db.query(`SELECT FROM "bot" WHERE "id" = $1 AND "tenant_id" = $2`, [
          botId,
          tenantId,
        ]);
        if (rowCount === 0) throw fieldRefused('botId', 'UNKNOWN_BOT', 'there is no such bot');
      }
      const { rows } = await db.query<SigningSecretFacts>(
        `INSERT INTO "signing_secret" ("id", "tenant_id", "bot_id", "sealed") VALUES ($1, $2, $3, $4) RETURNING ${COLUMNS}`,
        [id, tenantId, botId ?? null, this.box.seal(secret, [id])],
      );
      publish(configChangedRecord({ entity: 'signing-secret', id, tenantId, version: MADE }, this.host.now()));
      return { ...rows[0]!, secret };
    });
  }

  async list(tenantId: string, { limit, cursor }: ListQuery): Promise<Page<SigningSecretFacts>> {
    const { rows } = await this.host.pool.query<SigningSecretFacts>(
      `SELECT ${COLUMNS} FROM "signing_secret"
        WHERE "tenant_id" = $1 AND ($2::text IS NULL OR "id" < $2) ORDER BY "id" DESC LIMIT $3`,
      [tenantId, idCursor(cursor), limit + 1],
    );
    return pageOf(rows, limit, (secret) => secret.id);
  }

  /** Again does nothing. @throws ProblemError NOT_FOUND */
  revoke(tenantId: string, id: string): Promise<SigningSecretFacts> {
    return this.writer.change(async (db, publish) => {
      const select = `SELECT ${COLUMNS} FROM "signing_secret" WHERE "id" = $1 AND "tenant_id" = $2 FOR NO KEY UPDATE`;
      const { rows } = await db.query<SigningSecretFacts>(select, [id, tenantId]);
      if (rows[0] === undefined) throw new ProblemError('NOT_FOUND', 'There is no such signing secret.');
      if (rows[0].revokedAt !== null) return rows[0];
      const revoked = await db.query<SigningSecretFacts>(
        `UPDATE "signing_secret" SET "revoked_at" = now() WHERE "id" = $1 RETURNING ${COLUMNS}`,
        [id],
      );
      publish(configChangedRecord({ entity: 'signing-secret', id, tenantId, version: REVOKED }, this.host.now()));
      return revoked.rows[0]!;
    });
  }
}
