import { Inject, Injectable } from '@nestjs/common';
import { newId } from '@tickwire/contracts';
import type { Queryable } from '@tickwire/event-log';
import { ProblemError } from '@tickwire/problem-details';
import type { AppHost } from '@tickwire/runtime';
import { Audit } from '../audit/audit.js';
import type { Author } from '../audit/author.js';
import { idCursor, pageOf, type Page } from '../listing/page.js';
import type { ListQuery } from '../listing/list-query.js';
import { configChangedRecord } from '../outbox/configuration-records.js';
import { ConfigurationWriter } from '../outbox/configuration-writer.js';
import { HOST } from '../tokens.js';
import type { BotChange, NewBot } from './bot-requests.js';

export interface Bot {
  id: string;
  name: string;
  status: string;
  accountIds: string[] | null;
  version: number;
  createdAt: Date;
}

const COLUMNS = `"id", "name", "status", "account_ids" AS "accountIds", "version", "created_at" AS "createdAt"`;

@Injectable()
export class Bots {
  constructor(
    @Inject(HOST) private readonly host: AppHost,
    @Inject(ConfigurationWriter) private readonly writer: ConfigurationWriter,
    @Inject(Audit) private readonly audit: Audit,
  ) {}

  create(by: Author, { name, accountIds = null }: NewBot): Promise<Bot> {
    const { tenantId } = by;
    return this.writer.change(async (db, publish) => {
      await requireAccounts(db, tenantId, accountIds);
      const { rows } = await db.query<Bot>(
        `INSERT INTO "bot" ("id", "tenant_id", "name", "account_ids") VALUES ($1, $2, $3, $4) RETURNING ${COLUMNS}`,
        [newId('bot'), tenantId, name, accountIds],
      );
      const bot = rows[0]!;
      await this.audit.record(db, by, 'bot.created', bot.id, { name, accountIds });
      publish(configChangedRecord({ entity: 'bot', id: bot.id, tenantId, version: bot.version }, this.host.now()));
      return bot;
    });
  }

  async list(tenantId: string, { limit, cursor }: ListQuery): Promise<Page<Bot>> {
    const { rows } = await this.host.pool.query<Bot>(
      `SELECT ${COLUMNS} FROM "bot" WHERE "tenant_id" = $1 AND ($2::text IS NULL OR "id" < $2) ORDER BY "id" DESC LIMIT $3`,
      [tenantId, idCursor(cursor), limit + 1],
    );
    return pageOf(rows, limit, (bot) => bot.id);
  }

  /** @throws ProblemError NOT_FOUND */
  change(by: Author, id: string, change: BotChange): Promise<Bot> {
    const { tenantId } = by;
    const { name, status, accountIds } = change;
    return this.writer.change(async (db, publish) => {
      await requireAccounts(db, tenantId, accountIds ?? null);
      const { rows } = await db.query<Bot>(
        `UPDATE "bot" SET "name" = coalesce($3, "name"), "status" = coalesce($4, "status"),
                "account_ids" = CASE WHEN $5 THEN $6::text[] ELSE "account_ids" END, "version" = "version" + 1
          WHERE "id" = $1 AND "tenant_id" = $2 RETURNING ${COLUMNS}`,
        [id, tenantId, name ?? null, status ?? null, accountIds !== undefined, accountIds ?? null],
      );
      const [bot] = rows;
      if (bot === undefined) throw new ProblemError('NOT_FOUND', 'There is no such bot.');
      await this.audit.record(db, by, 'bot.changed', id, change);
      publish(configChangedRecord({ entity: 'bot', id, tenantId, version: bot.version }, this.host.now()));
      return bot;
    });
  }
}

/** Another tenant's account is refused like one that does not exist. */
async function requireAccounts(db: Queryable, tenantId: string, accountIds: readonly string[] | null): Promise<void> {
  if (accountIds === null || accountIds.length === 0) return;
  const { rows } = await db.query<{ id: string }>(
    `SELECT "id" FROM "account" WHERE "tenant_id" = $1 AND "id" = ANY($2)`,
    [tenantId, accountIds],
  );
  const known = new Set(rows.map((row) => row.id));
  const errors = accountIds.flatMap((id, index) =>
    known.has(id)
      ? []
      : [{ pointer: `/accountIds/${index}`, code: 'UNKNOWN_ACCOUNT', detail: 'there is no such account' }],
  );
  if (errors.length > 0)
    throw new ProblemError('SCHEMA', 'A bot can only be given accounts of its tenant.', { errors });
}
