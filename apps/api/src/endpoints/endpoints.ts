import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { newId } from '@tickwire/contracts';
import { SecretBox } from '@tickwire/credentials';
import { AddressGuard } from '@tickwire/delivery';
import { ProblemError } from '@tickwire/problem-details';
import type { AppHost } from '@tickwire/runtime';
import { Audit, hostOf } from '../audit/audit.js';
import type { Author } from '../audit/author.js';
import { formatWebhookSecret } from '@tickwire/signing';
import type { ListQuery } from '../listing/list-query.js';
import { idCursor, pageOf, type Page } from '../listing/page.js';
import { configChangedRecord } from '../outbox/configuration-records.js';
import { ConfigurationWriter } from '../outbox/configuration-writer.js';
import { lockTenant } from '../outbox/row-locks.js';
import { HOST } from '../tokens.js';
import { requirePublicUrl } from './callback-url.js';
import type { EndpointChange, NewEndpoint } from './endpoint-requests.js';

/** A callback URL of a tenant. */
export interface Endpoint {
  id: string;
  url: string;
  description: string;
  /** Empty: all lifecycle events. */
  events: string[];
  status: string;
  version: number;
  createdAt: Date;
}

/** The only answer that holds the secret. */
export type NewlyMadeEndpoint = Endpoint & { secret: string };

const MOST_ENDPOINTS = 50;
const SECRET_BYTES = 32;
const COLUMNS = `"id", "url", "description", "events", "status", "version", "created_at" AS "createdAt"`;

@Injectable()
export class Endpoints {
  constructor(
    @Inject(HOST) private readonly host: AppHost,
    @Inject(SecretBox) private readonly box: SecretBox,
    @Inject(AddressGuard) private readonly guard: AddressGuard,
    @Inject(ConfigurationWriter) private readonly writer: ConfigurationWriter,
    @Inject(Audit) private readonly audit: Audit,
  ) {}

  /** @throws ProblemError SCHEMA for a URL that callbacks may not reach, LIMIT_EXCEEDED */
  create(by: Author, { url, events, description }: NewEndpoint): Promise<NewlyMadeEndpoint> {
    const { tenantId } = by;
    requirePublicUrl(this.guard, 'url', url);
    const id = newId('whe');
    const secret = formatWebhookSecret(randomBytes(SECRET_BYTES));
    return this.writer.change(async (db, publish) => {
      await lockTenant(db, tenantId);
      const { rows: counted } = await db.query<{ count: number }>(
        `SELECT count(*) AS "count" FROM "webhook_endpoint" WHERE "tenant_id" = $1`,
        [tenantId],
      );
      if (counted[0]!.count >= MOST_ENDPOINTS) {
        throw new ProblemError('LIMIT_EXCEEDED', `A tenant has at most ${MOST_ENDPOINTS} webhook endpoints.`);
      }
      const { rows } = await db.query<Endpoint>(
        `INSERT INTO "webhook_endpoint" ("id", "tenant_id", "url", "description", "events", "sealed_secret")
         VALUES ($1, $2, $3, $4, $5, $6) RETURNING ${COLUMNS}`,
        [id, tenantId, url, description ?? '', events ?? [], this.box.seal(secret, [id])],
      );
      await this.audit.record(db, by, 'webhook-endpoint.created', id, { host: hostOf(url), events: events ?? [] });
      publish(configChangedRecord({ entity: 'webhook-endpoint', id, tenantId, version: 1 }, this.host.now()));
      return { ...rows[0]!, secret };
    });
  }

  async list(tenantId: string, { limit, cursor }: ListQuery): Promise<Page<Endpoint>> {
    const { rows } = await this.host.pool.query<Endpoint>(
      `SELECT ${COLUMNS} FROM "webhook_endpoint"
        WHERE "tenant_id" = $1 AND ($2::text IS NULL OR "id" < $2) ORDER BY "id" DESC LIMIT $3`,
      [tenantId, idCursor(cursor), limit + 1],
    );
    return pageOf(rows, limit, (endpoint) => endpoint.id);
  }

  /** @throws ProblemError NOT_FOUND */
  async find(tenantId: string, id: string): Promise<Endpoint> {
    const { rows } = await this.host.pool.query<Endpoint>(
      `SELECT ${COLUMNS} FROM "webhook_endpoint" WHERE "id" = $1 AND "tenant_id" = $2`,
      [id, tenantId],
    );
    if (rows[0] === undefined) throw unknownEndpoint();
    return rows[0];
  }

  /** @throws ProblemError NOT_FOUND, SCHEMA */
  change(by: Author, id: string, { url, events, description, status }: EndpointChange): Promise<Endpoint> {
    const { tenantId } = by;
    if (url) requirePublicUrl(this.guard, 'url', url);
    return this.writer.change(async (db, publish) => {
      const { rows } = await db.query<Endpoint>(
        `UPDATE "webhook_endpoint"
            SET "url" = coalesce($3, "url"), "events" = coalesce($4::text[], "events"),
                "description" = coalesce($5, "description"), "status" = coalesce($6, "status"), "version" = "version" + 1
          WHERE "id" = $1 AND "tenant_id" = $2 RETURNING ${COLUMNS}`,
        [id, tenantId, url ?? null, events ?? null, description ?? null, status ?? null],
      );
      const [endpoint] = rows;
      if (endpoint === undefined) throw unknownEndpoint();
      const details = { events, description, status, ...(url ? { host: hostOf(url) } : {}) };
      await this.audit.record(db, by, 'webhook-endpoint.changed', id, details);
      publish(
        configChangedRecord({ entity: 'webhook-endpoint', id, tenantId, version: endpoint.version }, this.host.now()),
      );
      return endpoint;
    });
  }

  /** @throws ProblemError NOT_FOUND */
  async remove(by: Author, id: string): Promise<void> {
    const { tenantId } = by;
    await this.writer.change(async (db, publish) => {
      const { rows } = await db.query<{ version: number }>(
        `DELETE FROM "webhook_endpoint" WHERE "id" = $1 AND "tenant_id" = $2 RETURNING "version"`,
        [id, tenantId],
      );
      if (rows[0] === undefined) throw unknownEndpoint();
      const version = rows[0].version + 1;
      await this.audit.record(db, by, 'webhook-endpoint.deleted', id);
      publish(configChangedRecord({ entity: 'webhook-endpoint', id, tenantId, version }, this.host.now()));
    });
  }
}

function unknownEndpoint(): ProblemError {
  return new ProblemError('NOT_FOUND', 'There is no such webhook endpoint.');
}
