import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { newId } from '@tickwire/contracts';
import { SecretBox } from '@tickwire/credentials';
import { AddressGuard } from '@tickwire/delivery';
import type { AgentSettings } from '@tickwire/directory';
import { partitionOfKey } from '@tickwire/event-log';
import { ProblemError } from '@tickwire/problem-details';
import type { AppHost } from '@tickwire/runtime';
import { formatTickSecret } from '@tickwire/signing';
import { Audit, hostOf } from '../audit/audit.js';
import type { Author } from '../audit/author.js';
import { ApiKeys } from '../credentials/api-keys.js';
import { requirePublicUrl } from '../endpoints/callback-url.js';
import type { ListQuery } from '../listing/list-query.js';
import { idCursor, pageOf, type Page } from '../listing/page.js';
import { configChangedRecord, worldControlRecord } from '../outbox/configuration-records.js';
import { ConfigurationWriter, type Publish } from '../outbox/configuration-writer.js';
import { lockOwn, type OwnedTable } from '../outbox/row-locks.js';
import { mergePatch } from '../settings/merge-patch.js';
import { HOST } from '../tokens.js';
import { fieldRefused } from '../validation/body.pipe.js';
import type { AgentChange, AgentKeyRotation, AgentSecretRotation, NewAgent } from './agent-requests.js';

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
  /** During a rotation: until when ticks carry the old secret's signature as well. */
  previousSecretUntil: Date | null;
  settings: AgentSettings;
  version: number;
  createdAt: Date;
}

/** The only answer that holds the key, and the secret where it was generated. */
export type NewlyMadeAgent = AgentListing & { apiKey: string; webhookSecret?: string };

/** The only answer that holds the new secret. */
export type RotatedAgentSecret = Pick<AgentListing, 'agentId' | 'previousSecretUntil' | 'version'> & {
  webhookSecret: string;
};

/** The only answer that holds the new key. */
export interface RotatedAgentKey {
  agentId: string;
  apiKey: string;
}

const MOST_AGENTS = 100_000;
const DEFAULT_OVERLAP_SECONDS = 86_400;
const SECRET_BYTES = 32;
const COLUMNS = `"id" AS "agentId", "world_id" AS "worldId", "name", "role", "status", "shard", "callback_url" AS "callbackUrl",
  "sealed_webhook_secret" IS NOT NULL AS "signed", "settings", "version",
  CASE WHEN "previous_secret_until" > now() THEN "previous_secret_until" END AS "previousSecretUntil", "created_at" AS "createdAt"`;
const ROWS: OwnedTable = { table: 'agent', columns: COLUMNS, what: 'agent' };

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

  /**
   * What an owner may change. Nothing is written where nothing is different.
   * @throws ProblemError NOT_FOUND; SCHEMA for an address that callbacks must not go to; CONFLICT for the status of an agent that operators have stopped
   */
  change(by: Author, id: string, { status, callbackUrl, settings }: AgentChange): Promise<AgentListing> {
    if (callbackUrl) requirePublicUrl(this.guard, 'callbackUrl', callbackUrl);
    return this.writer.change(async (db, publish) => {
      const present = await lockOwn<AgentListing>(db, ROWS, by.tenantId, id);
      if (status !== undefined && present.status !== 'active' && present.status !== 'paused') {
        throw new ProblemError('CONFLICT', `This agent is ${present.status}.`);
      }
      const merged: AgentSettings = mergePatch(present.settings, settings ?? {});
      const wanted = status ?? present.status;
      const sameSettings = merged.compatibilityHeaders === present.settings.compatibilityHeaders;
      const url = callbackUrl === undefined ? present.callbackUrl : callbackUrl;
      if (wanted === present.status && url === present.callbackUrl && sameSettings) return present;
      const { rows } = await db.query<AgentListing>(
        `UPDATE "agent" SET "status" = $2, "settings" = $3, "callback_url" = $4, "version" = "version" + 1
          WHERE "id" = $1 RETURNING ${COLUMNS}`,
        [id, wanted, JSON.stringify(merged), url],
      );
      const agent = rows[0]!;
      const callbackHost = callbackUrl ? hostOf(callbackUrl) : callbackUrl;
      await this.audit.record(db, by, 'agent.changed', id, { status, callbackHost, settings });
      this.tellCaches(publish, by, agent);
      return agent;
    });
  }

  /**
   * Makes a new secret. Ticks are signed with it from now on, and with the one before as well until the overlap has
   * passed; of several rotations within an overlap only the last secret goes on. An agent without a secret gets its first.
   * @throws ProblemError NOT_FOUND
   */
  rotate(by: Author, id: string, { overlapSeconds }: AgentSecretRotation): Promise<RotatedAgentSecret> {
    const overlap = overlapSeconds ?? DEFAULT_OVERLAP_SECONDS;
    const webhookSecret = formatTickSecret(randomBytes(SECRET_BYTES));
    return this.writer.change(async (db, publish) => {
      await lockOwn<AgentListing>(db, ROWS, by.tenantId, id);
      // Both are sealed for the same row, so the old one moves as it is.
      const { rows } = await db.query<AgentListing>(
        `UPDATE "agent" SET "sealed_webhook_secret" = $2, "version" = "version" + 1,
                "sealed_previous_secret" = CASE WHEN $3 > 0 THEN "sealed_webhook_secret" END,
                "previous_secret_until" = CASE WHEN $3 > 0 AND "sealed_webhook_secret" IS NOT NULL
                                               THEN now() + $3 * interval '1 second' END
          WHERE "id" = $1 RETURNING ${COLUMNS}`,
        [id, this.box.seal(webhookSecret, [id]), overlap],
      );
      const agent = rows[0]!;
      const { agentId, previousSecretUntil, version } = agent;
      await this.audit.record(db, by, 'agent.secret_rotated', id, { overlapSeconds: overlap, previousSecretUntil });
      this.tellCaches(publish, by, agent);
      return { agentId, webhookSecret, previousSecretUntil, version };
    });
  }

  /**
   * Makes the agent a new key of its own; those before end after the overlap.
   * @throws ProblemError NOT_FOUND
   */
  rotateKey(by: Author, id: string, { overlapSeconds = 0 }: AgentKeyRotation): Promise<RotatedAgentKey> {
    return this.writer.change(async (db, publish) => {
      const { name } = await lockOwn<AgentListing>(db, ROWS, by.tenantId, id);
      const made = await this.apiKeys.insert(db, publish, by, { kind: 'agent', agentId: id, name, scopes: [] });
      await this.apiKeys.endOthers(db, publish, by, id, made.id, overlapSeconds);
      await this.audit.record(db, by, 'agent.key_rotated', id, { keyId: made.id, overlapSeconds });
      return { agentId: id, apiKey: made.key };
    });
  }

  private tellCaches(publish: Publish, { tenantId }: Author, { agentId, version }: AgentListing): void {
    publish(configChangedRecord({ entity: 'agent', id: agentId, tenantId, version }, this.host.now()));
  }
}
