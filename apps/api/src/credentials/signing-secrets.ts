import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { newId } from '@tickwire/contracts';
import { SecretBox, SecretUnreadable } from '@tickwire/credentials';
import type { Queryable } from '@tickwire/event-log';
import { ProblemError } from '@tickwire/problem-details';
import type { AppHost } from '@tickwire/runtime';
import { formatWebhookSecret } from '@tickwire/signing';
import { Audit } from '../audit/audit.js';
import type { Author } from '../audit/author.js';
import { requireBot } from '../bots/require-bot.js';
import { idCursor, pageOf, type Page } from '../listing/page.js';
import type { ListQuery } from '../listing/list-query.js';
import { configChangedRecord } from '../outbox/configuration-records.js';
import { ConfigurationWriter, type Publish } from '../outbox/configuration-writer.js';
import { lockOwn, lockTenant, type OwnedTable } from '../outbox/row-locks.js';
import { HOST } from '../tokens.js';
import type { NewSigningSecret, SecretRotation } from './credential-requests.js';

export interface SigningSecretFacts {
  id: string;
  name: string;
  botId: string | null;
  /** Prefix and last characters, to recognise it: `whsec_…q9Xc`; null where it cannot be opened any more. */
  hint: string | null;
  createdAt: Date;
  /** Of a rotated secret: when it stops being accepted. */
  expiresAt: Date | null;
  revokedAt: Date | null;
}

/** The only answer that holds the secret itself. */
export type NewlyMadeSecret = SigningSecretFacts & { secret: string };

/** The new secret, and what became of the old one. */
export type RotatedSecret = NewlyMadeSecret & { previous: { id: string; expiresAt: Date } };

type SecretRow = Omit<SigningSecretFacts, 'hint'> & { sealed: string };

const COLUMNS = `"id", "name", "bot_id" AS "botId", "sealed", "created_at" AS "createdAt", "expires_at" AS "expiresAt",
  "revoked_at" AS "revokedAt"`;
const ROWS: OwnedTable = { table: 'signing_secret', columns: COLUMNS, what: 'signing secret' };
const SECRET_BYTES = 32;
const HINT_LENGTH = 4;
/** Of the tenant itself, and of each bot: the door tries every one of them on a signature. */
const MOST_LIVE_SECRETS = 10;
const DEFAULT_OVERLAP_SECONDS = 86_400;
/** A row has no version of its own: it is made, may be rotated once, and may be revoked once. */
const MADE = 1;
const ROTATED = 2;
const REVOKED = 3;

/** Secrets that senders sign with, sealed at rest. Several are valid side by side, so that senders can change over. */
@Injectable()
export class SigningSecrets {
  constructor(
    @Inject(HOST) private readonly host: AppHost,
    @Inject(SecretBox) private readonly box: SecretBox,
    @Inject(ConfigurationWriter) private readonly writer: ConfigurationWriter,
    @Inject(Audit) private readonly audit: Audit,
  ) {}

  /** @throws ProblemError SCHEMA for an unknown bot, LIMIT_EXCEEDED */
  create(by: Author, request: NewSigningSecret): Promise<NewlyMadeSecret> {
    const name = request.name ?? '';
    const botId = request.botId ?? null;
    return this.writer.change(async (db, publish) => {
      await requireRoom(db, by.tenantId, botId);
      if (botId !== null) await requireBot(db, by.tenantId, botId);
      const made = await this.insert(db, publish, by, name, botId);
      await this.audit.record(db, by, 'signing-secret.created', made.id, { name, botId, hint: made.hint });
      return made;
    });
  }

  async list(tenantId: string, { limit, cursor }: ListQuery): Promise<Page<SigningSecretFacts>> {
    const { rows } = await this.host.pool.query<SecretRow>(
      `SELECT ${COLUMNS} FROM "signing_secret"
        WHERE "tenant_id" = $1 AND ($2::text IS NULL OR "id" < $2) ORDER BY "id" DESC LIMIT $3`,
      [tenantId, idCursor(cursor), limit + 1],
    );
    return pageOf(
      rows,
      limit,
      ({ id }) => id,
      (row) => this.toFacts(row),
    );
  }

  /**
   * Makes a secret for the same bot or tenant; the old one is accepted until the overlap has passed. A secret is
   * rotated once: where that answer was lost, the new one is rotated, and the one that nobody knows is revoked.
   * @throws ProblemError NOT_FOUND, CONFLICT for one that is revoked or was rotated, LIMIT_EXCEEDED
   */
  rotate(by: Author, id: string, { overlapSeconds }: SecretRotation): Promise<RotatedSecret> {
    const overlap = overlapSeconds ?? DEFAULT_OVERLAP_SECONDS;
    return this.writer.change(async (db, publish) => {
      const { tenantId } = by;
      await lockTenant(db, tenantId);
      const old = await lockOwn<SecretRow>(db, ROWS, tenantId, id);
      if (old.revokedAt !== null) throw new ProblemError('CONFLICT', 'This signing secret is revoked.');
      if (old.expiresAt !== null) {
        throw new ProblemError('CONFLICT', 'This signing secret has been rotated already: rotate its successor.');
      }
      // With an overlap of nothing, the old one makes room.
      if (overlap > 0) await requireRoom(db, tenantId, old.botId);
      const { rows } = await db.query<{ expiresAt: Date }>(
        `UPDATE "signing_secret" SET "expires_at" = now() + $2 * interval '1 second' WHERE "id" = $1
         RETURNING "expires_at" AS "expiresAt"`,
        [id, overlap],
      );
      const { expiresAt } = rows[0]!;
      publish(configChangedRecord({ entity: 'signing-secret', id, tenantId, version: ROTATED }, this.host.now()));
      const made = await this.insert(db, publish, by, old.name, old.botId);
      const details = { successor: made.id, hint: made.hint, overlapSeconds: overlap, expiresAt };
      await this.audit.record(db, by, 'signing-secret.rotated', id, details);
      return { ...made, previous: { id, expiresAt } };
    });
  }

  /** At once, whatever is left of an overlap. Again does nothing. @throws ProblemError NOT_FOUND */
  async revoke(by: Author, id: string): Promise<void> {
    const { tenantId } = by;
    await this.writer.change(async (db, publish) => {
      const secret = await lockOwn<SecretRow>(db, ROWS, tenantId, id);
      if (secret.revokedAt !== null) return;
      await db.query(`UPDATE "signing_secret" SET "revoked_at" = now() WHERE "id" = $1`, [id]);
      await this.audit.record(db, by, 'signing-secret.revoked', id);
      publish(configChangedRecord({ entity: 'signing-secret', id, tenantId, version: REVOKED }, this.host.now()));
    });
  }

  private async insert(
    db: Queryable,
    publish: Publish,
    { tenantId }: Author,
    name: string,
    botId: string | null,
  ): Promise<NewlyMadeSecret> {
    const id = newId('sec');
    const secret = formatWebhookSecret(randomBytes(SECRET_BYTES));
    const { rows } = await db.query<SecretRow>(
      `INSERT INTO "signing_secret" ("id", "tenant_id", "bot_id", "name", "sealed") VALUES ($1, $2, $3, $4, $5)
       RETURNING ${COLUMNS}`,
      [id, tenantId, botId, name, this.box.seal(secret, [id])],
    );
    publish(configChangedRecord({ entity: 'signing-secret', id, tenantId, version: MADE }, this.host.now()));
    return { ...this.toFacts(rows[0]!), secret };
  }

  private toFacts({ sealed, ...facts }: SecretRow): SigningSecretFacts {
    return { ...facts, hint: this.hintOf(facts.id, sealed) };
  }

  private hintOf(id: string, sealed: string): string | null {
    try {
      return `whsec_…${this.box.open(sealed, [id]).replace(/=+$/, '').slice(-HINT_LENGTH)}`;
    } catch (error) {
      // One row under a sealing key that is gone must not hide the others.
      if (error instanceof SecretUnreadable) return null;
      throw error;
    }
  }
}

async function requireRoom(db: Queryable, tenantId: string, botId: string | null): Promise<void> {
  await lockTenant(db, tenantId);
  const { rows } = await db.query<{ count: number }>(
    `SELECT count(*) AS "count" FROM "signing_secret"
      WHERE "tenant_id" = $1 AND "bot_id" IS NOT DISTINCT FROM $2
        AND "revoked_at" IS NULL AND ("expires_at" IS NULL OR "expires_at" > now())`,
    [tenantId, botId],
  );
  if (rows[0]!.count < MOST_LIVE_SECRETS) return;
  const owner = botId === null ? 'A tenant' : 'A bot';
  throw new ProblemError('LIMIT_EXCEEDED', `${owner} has at most ${MOST_LIVE_SECRETS} signing secrets: revoke one.`);
}
