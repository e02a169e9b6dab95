import { Inject, Injectable } from '@nestjs/common';
import { newId } from '@tickwire/contracts';
import { generateApiKey, hashApiKey } from '@tickwire/credentials';
import type { Queryable } from '@tickwire/event-log';
import { ProblemError } from '@tickwire/problem-details';
import type { AppHost } from '@tickwire/runtime';
import type { ApiConfig } from '../api.config.js';
import { Audit } from '../audit/audit.js';
import type { Author } from '../audit/author.js';
import { requireBot } from '../bots/require-bot.js';
import { idCursor, pageOf, type Page } from '../listing/page.js';
import type { ListQuery } from '../listing/list-query.js';
import { configChangedRecord } from '../outbox/configuration-records.js';
import { ConfigurationWriter } from '../outbox/configuration-writer.js';
import { lockOwn, type OwnedTable } from '../outbox/row-locks.js';
import { CONFIG, HOST } from '../tokens.js';
import { fieldRefused } from '../validation/body.pipe.js';
import type { AlertTokenChange, NewAlertToken } from './alert-token-requests.js';
import { readSymbolMap, type SymbolMap } from './symbol-map.js';

/** An address for a sender that cannot sign; without its token, which nobody keeps. */
export interface AlertTokenFacts {
  id: string;
  name: string;
  botId: string;
  accountId: string;
  symbolMap: SymbolMap;
  /** Prefix and last characters, to recognise it: `tw_alert_…x7Qf`. */
  hint: string | null;
  createdAt: Date;
  revokedAt: Date | null;
}

/** The only answer that holds the token, and the URL that the sender calls. */
export type NewlyMadeAlertToken = AlertTokenFacts & { token: string; url: string };

type TokenRow = Omit<AlertTokenFacts, 'hint'>;

const COLUMNS = `"id", "name", "bot_id" AS "botId", "account_id" AS "accountId", "symbol_map" AS "symbolMap",
  "created_at" AS "createdAt", "revoked_at" AS "revokedAt"`;
const ROWS: OwnedTable = { table: 'alert_token', columns: COLUMNS, what: 'alert token' };
const WITH_HINT = `${COLUMNS}, "hint"`;
const MADE = 1;
/** The row has no counter: microseconds of a moment while it is locked grow from change to change, and stay below 2^53. */
const VERSION = `(extract(epoch FROM clock_timestamp()) * 1e6)::bigint AS "version"`;

@Injectable()
export class AlertTokens {
  private readonly pepper: Buffer;
  private readonly alertsUrl: string;

  constructor(
    @Inject(HOST) private readonly host: AppHost,
    @Inject(CONFIG) config: ApiConfig,
    @Inject(ConfigurationWriter) private readonly writer: ConfigurationWriter,
    @Inject(Audit) private readonly audit: Audit,
  ) {
    this.pepper = Buffer.from(config.API_KEY_PEPPER, 'utf8');
    this.alertsUrl = `${config.INGRESS_PUBLIC_URL.replace(/\/+$/, '')}/api/v1/webhooks/alerts/`;
  }

  /** @throws ProblemError SCHEMA for an unknown bot or account, for two that do not go together, for the map */
  create(by: Author, request: NewAlertToken): Promise<NewlyMadeAlertToken> {
    const { botId, accountId } = request;
    const name = request.name ?? '';
    const symbolMap = readSymbolMap(request.symbolMap ?? {});
    const id = newId('alt');
    const key = generateApiKey('alert');
    return this.writer.change(async (db, publish) => {
      await requireTradable(db, by.tenantId, botId, accountId);
      const { rows } = await db.query<TokenRow>(
        `INSERT INTO "alert_token" ("id", "tenant_id", "bot_id", "account_id", "name", "hash", "symbol_map", "hint")
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING ${COLUMNS}`,
        [id, by.tenantId, botId, accountId, name, hashApiKey(key, this.pepper), JSON.stringify(symbolMap), key.hint],
      );
      const { hint, text } = key;
      await this.audit.record(db, by, 'alert-token.created', id, { hint, name, botId, accountId, symbolMap });
      publish(
        configChangedRecord({ entity: 'alert-token', id, tenantId: by.tenantId, version: MADE }, this.host.now()),
      );
      return { ...rows[0]!, hint, token: text, url: this.alertsUrl + text };
    });
  }

  async list(tenantId: string, { limit, cursor }: ListQuery): Promise<Page<AlertTokenFacts>> {
    const { rows } = await this.host.pool.query<AlertTokenFacts>(
      `SELECT ${WITH_HINT} FROM "alert_token"
        WHERE "tenant_id" = $1 AND ($2::text IS NULL OR "id" < $2) ORDER BY "id" DESC LIMIT $3`,
      [tenantId, idCursor(cursor), limit + 1],
    );
    return pageOf(rows, limit, (token) => token.id);
  }

  /** @throws ProblemError NOT_FOUND, CONFLICT for a revoked one, SCHEMA */
  change(by: Author, id: string, request: AlertTokenChange): Promise<AlertTokenFacts> {
    const name = request.name ?? undefined;
    const symbolMap = request.symbolMap ? readSymbolMap(request.symbolMap) : undefined;
    return this.writer.change(async (db, publish) => {
      const present = await lockOwn<TokenRow>(db, ROWS, by.tenantId, id);
      if (present.revokedAt !== null) throw new ProblemError('CONFLICT', 'A revoked alert token stays as it is.');
      const { rows } = await db.query<AlertTokenFacts & { version: number }>(
        `UPDATE "alert_token" SET "name" = coalesce($2, "name"), "symbol_map" = coalesce($3::jsonb, "symbol_map")
          WHERE "id" = $1 RETURNING ${WITH_HINT}, ${VERSION}`,
        [id, name ?? null, symbolMap === undefined ? null : JSON.stringify(symbolMap)],
      );
      const { version, ...facts } = rows[0]!;
      await this.audit.record(db, by, 'alert-token.changed', id, { name, symbolMap });
      publish(configChangedRecord({ entity: 'alert-token', id, tenantId: by.tenantId, version }, this.host.now()));
      return facts;
    });
  }

  /** Again does nothing. @throws ProblemError NOT_FOUND */
  async revoke(by: Author, id: string): Promise<void> {
    await this.writer.change(async (db, publish) => {
      const present = await lockOwn<TokenRow>(db, ROWS, by.tenantId, id);
      if (present.revokedAt !== null) return;
      const { rows } = await db.query<{ version: number }>(
        `UPDATE "alert_token" SET "revoked_at" = now() WHERE "id" = $1 RETURNING ${VERSION}`,
        [id],
      );
      const { version } = rows[0]!;
      await this.audit.record(db, by, 'alert-token.revoked', id);
      publish(configChangedRecord({ entity: 'alert-token', id, tenantId: by.tenantId, version }, this.host.now()));
    });
  }
}

/** An address on which every alert would be refused later is refused here. */
async function requireTradable(db: Queryable, tenantId: string, botId: string, accountId: string): Promise<void> {
  const allowed = await requireBot(db, tenantId, botId);
  const { rowCount } = await db.query(`SELECT FROM "account" WHERE "id" = $1 AND "tenant_id" = $2`, [
    accountId,
    tenantId,
  ]);
  if (rowCount === 0) throw fieldRefused('accountId', 'UNKNOWN_ACCOUNT', 'there is no such account');
  if (allowed !== null && !allowed.includes(accountId)) {
    throw fieldRefused('accountId', 'BOT_NOT_PERMITTED', 'the bot may not trade on this account');
  }
}
