import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { newId } from '@tickwire/contracts';
import { SecretBox } from '@tickwire/credentials';
import { AddressGuard } from '@tickwire/delivery';
import { partitionOfKey } from '@tickwire/event-log';
import { ProblemError } from '@tickwire/problem-details';
import type { AppHost } from '@tickwire/runtime';
import { Audit, hostOf } from '../audit/audit.js';
import type { Author } from '../audit/author.js';
import { formatTickSecret } from '@tickwire/signing';
import { ApiKeys } from '../credentials/api-keys.js';
import { requirePublicUrl } from '../endpoints/callback-url.js';
import type { ListQuery } from '../listing/list-query.js';
import { idCursor, pageOf, type Page } from '../listing/page.js';
import { configChangedRecord, worldControlRecord } from '../outbox/configuration-records.js';
import { ConfigurationWriter } from '../outbox/configuration-writer.js';
import { HOST } from '../tokens.js';
import { fieldRefused } from '../validation/body.pipe.js';
import type { NewAgent } from './agent-requests.js';

export interface AgentListing {
  agentId: string;
  worldId: string;
  name: string;
  role: string;
  status: string;
  shard: number;
  callbackUrl: string | null;
  /** Whether its ticks are signed. */
  signed: boolean;
  version: number;
  createdAt: Date;
}

/** The only answer that holds the key, and the secret where it was generated. */
export type NewlyMadeAgent = AgentListing & { apiKey: string; webhookSecret?: string };

const MOST_AGENTS = 100_000;
const SECRET_BYTES = 32;
const COLUMNS = `"id" AS "agentId", "world_id" AS "worldId", "name", "role", "status", "shard", "callback_url" AS "callbackUrl",
  "sealed_webhook_secret" IS NOT NULL AS "signed", "version", "created_at" AS "createdAt"`;

@Injectable()
export class Agents {
  constructor(
    @Inject(HOST) private readonly host: AppHost,
    @Inject(SecretBox) private readonly box: SecretBox,
    @Inject(AddressGuard) private readonly guard: AddressGuard,
    @Inject(ApiKeys) private readonly apiKeys: ApiKeys,
    @Inject(ConfigurationWriter) private readonly writer: ConfigurationWriter,
    @Inject(Audit) private readonly audit: Audit,
  ) {}

  /**
   * The world takes the agent in at its next tick. Its row is locked while the agent is made: registrations of a world
   * are numbered by the world's version, in the order of its log.
   * @throws ProblemError SCHEMA, LIMIT_EXCEEDED
   */
  create(by: Author, body: NewAgent): Promise<NewlyMadeAgent> {
    const { tenantId } = by;
    if (body.callbackUrl) requirePublicUrl(this.guard, 'callbackUrl', body.callbackUrl);
    const id = newId('agt');
    const generated = body.webhookSecret === undefined ? formatTickSecret(randomBytes(SECRET_BYTES)) : undefined;
    const secret = body.webhookSecret === null ? undefined : (body.webhookSecret ?? generated!);
    return this.writer.change(async (db, publish) => {
      const world = await db.query<{ shards: number; version: number }>(
        `UPDATE "world" SET "version" = "version" + 1 WHERE "id" = $1
         RETURNING ("settings" ->> 'shards')::int AS "shards", "version"`,
        [body.worldId],
      );
      if (world.rows[0] === undefined) throw fieldRefused('worldId', 'UNKNOWN_WORLD', 'there is no such world');
      const full = await db.query(`SELECT FROM "agent" WHERE "world_id" = $1 OFFSET $2 LIMIT 1`, [
        body.worldId,
        MOST_AGENTS - 1,
      ]);
      if (full.rowCount !== 0) throw new ProblemError('LIMIT_EXCEEDED', `A world has at most ${MOST_AGENTS} agents.`);
      const { rows } = await db.query<AgentListing>(
        `INSERT INTO "agent" ("id", "tenant_id", "world_id", "shard", "name", "role", "callback_url", "sealed_webhook_secret")
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING ${COLUMNS}`,
        [
          id,
          tenantId,
          body.worldId,
          partitionOfKey(id, world.rows[0].shards),
          body.name,
          body.role,
          body.callbackUrl ?? null,
          secret === undefined ? null : this.box.seal(secret, [id]),
        ],
      );
      const agent = rows[0]!;
      const nowMs = this.host.now();
      const { worldId, role, name, callbackUrl } = body;
      const details = { worldId, role, name, ...(callbackUrl ? { callbackHost: hostOf(callbackUrl) } : {}) };
      await this.audit.record(db, by, 'agent.created', id, details);
      publish(
        worldControlRecord(
          { worldId, command: 'agent-registered', agentId: id, role, name, version: world.rows[0].version },
          nowMs,
        ),
        configChangedRecord({ entity: 'agent', id, tenantId, version: agent.version }, nowMs),
      );
      const { key } = await this.apiKeys.insert(db, publish, by, {
        kind: 'agent',
        agentId: id,
        name: body.name,
        scopes: [],
      });
      return { ...agent, apiKey: key, ...(generated === undefined ? {} : { webhookSecret: generated }) };
    });
  }

  /** @param worldId absent: in all worlds */
  async list(tenantId: string, worldId: string | undefined, { limit, cursor }: ListQuery): Promise<Page<AgentListing>> {
    const { rows } = await this.host.pool.query<AgentListing>(
      `SELECT ${COLUMNS} FROM "agent"
        WHERE "tenant_id" = $1 AND ($2::text IS NULL OR "world_id" = $2) AND ($3::text IS NULL OR "id" < $3)
        ORDER BY "id" DESC LIMIT $4`,
      [tenantId, worldId ?? null, idCursor(cursor), limit + 1],
    );
    return pageOf(rows, limit, (agent) => agent.agentId);
  }

  /** @throws ProblemError NOT_FOUND, for another tenant's agent as for none */
  async find(tenantId: string, id: string): Promise<AgentListing> {
    const { rows } = await this.host.pool.query<AgentListing>(
      `SELECT ${COLUMNS} FROM "agent" WHERE "id" = $1 AND "tenant_id" = $2`,
      [id, tenantId],
    );
    if (rows[0] === undefined) throw new ProblemError('NOT_FOUND', 'There is no such agent.');
    return rows[0];
  }
}
