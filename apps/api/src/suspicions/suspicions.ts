import { Inject, Injectable } from '@nestjs/common';
import { UUID, type WebhookSuspicious } from '@tickwire/contracts';
import type { TenantSettings } from '@tickwire/directory';
import type { Queryable } from '@tickwire/event-log';
import type { AppHost } from '@tickwire/runtime';
import type { ListQuery } from '../listing/list-query.js';
import { pageOf, readTimeCursor, writeTimeCursor, type Page } from '../listing/page.js';
import { ConfigurationWriter } from '../outbox/configuration-writer.js';
import { HOST } from '../tokens.js';
import { restrictionOf } from './restriction-of.js';
import { Restrictions } from './restrictions.js';

/** A pattern that was seen in requests that name the tenant. */
export interface Suspicion {
  id: string;
  pattern: WebhookSuspicious['pattern'];
  suspect: WebhookSuspicious['suspect'];
  evidence: WebhookSuspicious['evidence'];
  detectedAt: Date;
}

@Injectable()
export class Suspicions {
  constructor(
    @Inject(HOST) private readonly host: AppHost,
    @Inject(ConfigurationWriter) private readonly writer: ConfigurationWriter,
    @Inject(Restrictions) private readonly restrictions: Restrictions,
  ) {}

  /** Those that are known are skipped, with what came of them. All or none. @throws TransientError */
  async store(found: readonly WebhookSuspicious[]): Promise<void> {
    if (found.length === 0) return;
    await this.writer.change(async (db, publish) => {
      for (const suspicion of found) {
        if (!(await insertSuspicion(db, suspicion))) continue;
        const settings = await settingsOf(db, suspicion.tenantId);
        // Whoever has no row has no policy, and nothing that could be restricted.
        if (settings === undefined) continue;
        const restriction = restrictionOf(suspicion, settings, this.host.now());
        if (restriction !== undefined) await this.restrictions.impose(db, publish, suspicion, restriction);
      }
    });
  }

  /** Newest first. */
  async list(tenantId: string, { limit, cursor }: ListQuery): Promise<Page<Suspicion>> {
    const before = readTimeCursor(cursor, UUID);
    const { rows } = await this.host.pool.query<Suspicion>(
      `SELECT "id", "pattern", jsonb_build_object('kind', "suspect_kind", 'id', "suspect_id") AS "suspect", "evidence",
              "detected_at" AS "detectedAt"
         FROM "suspicion"
        WHERE "tenant_id" = $1 AND ($2::timestamptz IS NULL OR ("detected_at", "id") < ($2, $3::uuid))
        ORDER BY "detected_at" DESC, "id" DESC LIMIT $4`,
      [tenantId, before?.at ?? null, before?.id ?? null, limit + 1],
    );
    return pageOf(rows, limit, ({ detectedAt, id }) => writeTimeCursor({ at: detectedAt, id }));
  }
}

/** @returns whether it was new */
async function insertSuspicion(db: Queryable, suspicion: WebhookSuspicious): Promise<boolean> {
  const { suspicionId, tenantId, pattern, suspect, evidence, detectedAt } = suspicion;
  const { rowCount } = await db.query(
    `INSERT INTO "suspicion" ("id", "tenant_id", "pattern", "suspect_kind", "suspect_id", "evidence", "detected_at")
     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT ("id") DO NOTHING`,
    [suspicionId, tenantId, pattern, suspect.kind, suspect.id, JSON.stringify(evidence), detectedAt],
  );
  return rowCount === 1;
}

async function settingsOf(db: Queryable, tenantId: string): Promise<TenantSettings | undefined> {
  const { rows } = await db.query<{ settings: TenantSettings }>(`SELECT "settings" FROM "tenant" WHERE "id" = $1`, [
    tenantId,
  ]);
  return rows[0]?.settings;
}
