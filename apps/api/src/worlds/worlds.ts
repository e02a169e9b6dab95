import { Inject, Injectable } from '@nestjs/common';
import { newId, type WorldControl, type WorldParameters } from '@tickwire/contracts';
import { partitionOfKey } from '@tickwire/event-log';
import { ProblemError } from '@tickwire/problem-details';
import type { AppHost } from '@tickwire/runtime';
import { Audit } from '../audit/audit.js';
import { OPERATORS } from '../audit/author.js';
import type { ListQuery } from '../listing/list-query.js';
import { idCursor, pageOf, type Page } from '../listing/page.js';
import { configChangedRecord, worldControlRecord } from '../outbox/configuration-records.js';
import { ConfigurationWriter } from '../outbox/configuration-writer.js';
import { HOST } from '../tokens.js';
import { fieldRefused } from '../validation/body.pipe.js';
import type { NewWorld, WorldCommand } from './world-requests.js';

export interface World {
  id: string;
  name: string;
  status: string;
  settings: WorldParameters;
  version: number;
  createdAt: Date;
}

const COLUMNS = `"id", "name", "status", "settings", "version", "created_at" AS "createdAt"`;
const DEFAULTS = { companies: 100, tickMs: 1_000, shards: 16 };
/** Nobody can follow faster ticks than this; 0 is another thing: no clock at all. */
const SHORTEST_TICK_MS = 10;

/** Worlds as their operator has set them up. A world's version grows with every record on its control topic. */
@Injectable()
export class Worlds {
  constructor(
    @Inject(HOST) private readonly host: AppHost,
    @Inject(ConfigurationWriter) private readonly writer: ConfigurationWriter,
    @Inject(Audit) private readonly audit: Audit,
  ) {}

  create({ name, seed, companies, tickMs, shards }: NewWorld): Promise<World> {
    checkTickMs(tickMs);
    const id = newId('wld');
    const parameters: WorldParameters = {
      seed: seed ?? id,
      companies: companies ?? DEFAULTS.companies,
      tickMs: tickMs ?? DEFAULTS.tickMs,
      shards: shards ?? DEFAULTS.shards,
    };
    return this.writer.change(async (db, publish) => {
      const { rows } = await db.query<World>(
        `INSERT INTO "world" ("id", "partition", "name", "settings") VALUES ($1, $2, $3, $4) RETURNING ${COLUMNS}`,
        [id, partitionOfKey(id, this.host.log.partitionCount), name, JSON.stringify(parameters)],
      );
      await this.audit.record(db, OPERATORS, 'world.created', id, { name, companies, tickMs, shards });
      const nowMs = this.host.now();
      publish(
        worldControlRecord({ worldId: id, command: 'created', name, parameters, version: 1 }, nowMs),
        configChangedRecord({ entity: 'world', id, version: 1 }, nowMs),
      );
      return rows[0]!;
    });
  }

  async list({ limit, cursor }: ListQuery): Promise<Page<World>> {
    const { rows } = await this.host.pool.query<World>(
      `SELECT ${COLUMNS} FROM "world" WHERE $1::text IS NULL OR "id" < $1 ORDER BY "id" DESC LIMIT $2`,
      [idCursor(cursor), limit + 1],
    );
    return pageOf(rows, limit, (world) => world.id);
  }

  /** @throws ProblemError NOT_FOUND */
  async find(id: string): Promise<World> {
    const { rows } = await this.host.pool.query<World>(`SELECT ${COLUMNS} FROM "world" WHERE "id" = $1`, [id]);
    if (rows[0] === undefined) throw unknownWorld();
    return rows[0];
  }

  /** The world applies it at its next tick, in the order of its versions. @throws ProblemError NOT_FOUND */
  command(id: string, { command, ticks, tickMs }: WorldCommand): Promise<World> {
    if (command === 'speed') checkTickMs(tickMs);
    const status = command === 'paused' ? 'paused' : command === 'resumed' ? 'running' : null;
    return this.writer.change(async (db, publish) => {
      const { rows } = await db.query<World>(
        `UPDATE "world" SET "status" = coalesce($2, "status"), "version" = "version" + 1,
                "settings" = CASE WHEN $3::int IS NULL THEN "settings" ELSE jsonb_set("settings", '{tickMs}', to_jsonb($3::int)) END
          WHERE "id" = $1 RETURNING ${COLUMNS}`,
        [id, status, command === 'speed' ? tickMs : null],
      );
      const [world] = rows;
      if (world === undefined) throw unknownWorld();
      await this.audit.record(db, OPERATORS, 'world.commanded', id, { command, ticks, tickMs });
      const control: WorldControl = { worldId: id, command, version: world.version };
      if (command === 'stepped') control.ticks = ticks;
      if (command === 'speed') control.tickMs = tickMs;
      const nowMs = this.host.now();
      publish(
        worldControlRecord(control, nowMs),
        configChangedRecord({ entity: 'world', id, version: world.version }, nowMs),
      );
      return world;
    });
  }
}

function checkTickMs(tickMs: number | null | undefined): void {
  if (tickMs && tickMs < SHORTEST_TICK_MS) {
    throw fieldRefused('tickMs', 'TOO_SHORT', `has to be 0 (stepped by command only) or at least ${SHORTEST_TICK_MS}`);
  }
}

function unknownWorld(): ProblemError {
  return new ProblemError('NOT_FOUND', 'There is no such world.');
}
