import { Inject, Injectable } from '@nestjs/common';
import { UUID } from '@tickwire/contracts';
import type { Queryable } from '@tickwire/event-log';
import type { AppHost } from '@tickwire/runtime';
import { v7 } from 'uuid';
import { pageOf, readTimeCursor, writeTimeCursor, type Page } from '../listing/page.js';
import { HOST } from '../tokens.js';
import type { AuditQuery } from './audit-query.js';
import type { Actor, Author } from './author.js';

/** One change that was made. */
export interface AuditEntry {
  id: string;
  /** When its transaction began. */
  at: Date;
  actor: Actor;
  /** What was done to which kind of thing: `bot.created`. */
  action: string;
  /** Id of what was changed. */
  subject: string;
  details: object;
}

/** Who changed what. Entries are written with the change or not at all, and never changed. */
@Injectable()
export class Audit {
  constructor(@Inject(HOST) private readonly host: AppHost) {}

  /**
   * @param db      the transaction of the change
   * @param action  `<entity>.<past participle>`
   * @param subject id of what was changed
   * @param details never a secret, nor an address that may hold one: see {@link hostOf}
   */
  async record(
    db: Queryable,
    { tenantId, actor }: Author,
    action: string,
    subject: string,
    details: object = {},
  ): Promise<void> {
    await db.query(
      `INSERT INTO "audit_log" ("id", "tenant_id", "at", "actor", "action", "subject", "details")
       VALUES ($1, $2, now(), $3, $4, $5, $6)`,
      [v7(), tenantId, actor, action, subject, JSON.stringify(details)],
    );
  }

  /** Newest first. */
  async list(tenantId: string, { limit, cursor, action, subject }: AuditQuery): Promise<Page<AuditEntry>> {
    const before = readTimeCursor(cursor, UUID);
    const { rows } = await this.host.pool.query<AuditEntry>(
      `SELECT "id", "at", "actor", "action", "subject", "details" FROM "audit_log"
        WHERE "tenant_id" = $1 AND ($2::timestamptz IS NULL OR ("at", "id") < ($2, $3::uuid))
          AND ($4::text IS NULL OR "action" = $4) AND ($5::text IS NULL OR "subject" = $5)
        ORDER BY "at" DESC, "id" DESC LIMIT $6`,
      [tenantId, before?.at ?? null, before?.id ?? null, action ?? null, subject ?? null, limit + 1],
    );
    return pageOf(rows, limit, writeTimeCursor);
  }
}

/** What may be told of a callback URL: its path and query are where receivers keep their own secrets. */
export function hostOf(url: string): string {
  return new URL(url).host;
}
