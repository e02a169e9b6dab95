import { Inject, Injectable } from '@nestjs/common';
import { newId } from '@tickwire/contracts';
import type { TenantSettings } from '@tickwire/directory';
import { ProblemError } from '@tickwire/problem-details';
import type { AppHost } from '@tickwire/runtime';
import { Audit } from '../audit/audit.js';
import type { Author } from '../audit/author.js';
import { idCursor, pageOf, type Page } from '../listing/page.js';
import type { ListQuery } from '../listing/list-query.js';
import { configChangedRecord } from '../outbox/configuration-records.js';
import { ConfigurationWriter } from '../outbox/configuration-writer.js';
import { mergePatch } from '../settings/merge-patch.js';
import { HOST } from '../tokens.js';
import type { NewTenant } from './tenant-requests.js';

export interface Tenant {
  id: string;
  name: string;
  status: string;
  settings: TenantSettings;
  version: number;
  createdAt: Date;
}

const COLUMNS = `"id", "name", "status", "settings", "version", "created_at" AS "createdAt"`;

@Injectable()
export class Tenants {
  constructor(
    @Inject(HOST) private readonly host: AppHost,
    @Inject(ConfigurationWriter) private readonly writer: ConfigurationWriter,
    @Inject(Audit) private readonly audit: Audit,
  ) {}

  create({ name, settings }: NewTenant): Promise<Tenant> {
    return this.writer.change(async (db, publish) => {
      const { rows } = await db.query<Tenant>(
        `INSERT INTO "tenant" ("id", "name", "settings") VALUES ($1, $2, $3) RETURNING ${COLUMNS}`,
        [newId('ten'), name, JSON.stringify(mergePatch({}, settings ?? {}))],
      );
      const tenant = rows[0]!;
      const by: Author = { tenantId: tenant.id, actor: 'admin' };
      await this.audit.record(db, by, 'tenant.created', tenant.id, { name, settings: tenant.settings });
      publish(
        configChangedRecord({ entity: 'tenant', id: tenant.id, tenantId: tenant.id, version: 1 }, this.host.now()),
      );
      return tenant;
    });
  }

  async list({ limit, cursor }: ListQuery): Promise<Page<Tenant>> {
    const { rows } = await this.host.pool.query<Tenant>(
      `SELECT ${COLUMNS} FROM "tenant" WHERE $1::text IS NULL OR "id" < $1 ORDER BY "id" DESC LIMIT $2`,
      [idCursor(cursor), limit + 1],
    );
    return pageOf(rows, limit, (tenant) => tenant.id);
  }

  /** @throws ProblemError NOT_FOUND */
  async find(id: string): Promise<Tenant> {
    const { rows } = await this.host.pool.query<Tenant>(`SELECT ${COLUMNS} FROM "tenant" WHERE "id" = $1`, [id]);
    if (rows[0] === undefined) throw unknownTenant();
    return rows[0];
  }

  /**
   * @param by       names the tenant
   * @param action   what the audit calls it: operators and tenants change different things by different routes
   * @param settings merged with the present ones, null taking a member away
   * @throws ProblemError NOT_FOUND
   */
  change(by: Author, action: string, { status, settings }: { status?: string; settings?: object }): Promise<Tenant> {
    const id = by.tenantId;
    return this.writer.change(async (db, publish) => {
      const present = await db.query<{ settings: TenantSettings }>(
        `SELECT "settings" FROM "tenant" WHERE "id" = $1 FOR NO KEY UPDATE`,
        [id],
      );
      if (present.rows[0] === undefined) throw unknownTenant();
      const merged = mergePatch(present.rows[0].settings, settings ?? {});
      const { rows } = await db.query<Tenant>(
        `UPDATE "tenant" SET "status" = coalesce($2, "status"), "settings" = $3, "version" = "version" + 1
          WHERE "id" = $1 RETURNING ${COLUMNS}`,
        [id, status ?? null, JSON.stringify(merged)],
      );
      const tenant = rows[0]!;
      await this.audit.record(db, by, action, id, { status, ...settings });
      publish(configChangedRecord({ entity: 'tenant', id, tenantId: id, version: tenant.version }, this.host.now()));
      return tenant;
    });
  }
}

function unknownTenant(): ProblemError {
  return new ProblemError('NOT_FOUND', 'There is no such tenant.');
}
