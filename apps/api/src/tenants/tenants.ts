import { Inject, Injectable } from '@nestjs/common';
import { newId } from '@tickwire/contracts';
import { ProblemError } from '@tickwire/problem-details';
import type { AppHost } from '@tickwire/runtime';
import { idCursor, pageOf, type Page } from '../listing/page.js';
import type { ListQuery } from '../listing/list-query.js';
import { configChangedRecord } from '../outbox/configuration-records.js';
import { ConfigurationWriter } from '../outbox/configuration-writer.js';
import { HOST } from '../tokens.js';
import type { NewTenant } from './tenant-requests.js';

export interface Tenant {
  id: string;
  name: string;
  status: string;
  settings: object;
  version: number;
  createdAt: Date;
}

const COLUMNS = `"id", "name", "status", "settings", "version", "created_at" AS "createdAt"`;

@Injectable()
export class Tenants {
  constructor(
    @Inject(HOST) private readonly host: AppHost,
    @Inject(ConfigurationWriter) private readonly writer: ConfigurationWriter,
  ) {}

  create({ name, settings }: NewTenant): Promise<Tenant> {
    return this.writer.change(async (db, publish) => {
      const { rows } = await db.query<Tenant>(
        `INSERT INTO "tenant" ("id", "name", "settings") VALUES ($1, $2, $3) RETURNING ${COLUMNS}`,
        [newId('ten'), name, JSON.stringify(settings ?? {})],
      );
      const tenant = rows[0]!;
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
    if (rows[0] === undefined) throw new ProblemError('NOT_FOUND', 'There is no such tenant.');
    return rows[0];
  }
}
