import { Inject, Injectable } from '@nestjs/common';
import { newId, OWN_ID, type WebhookSuspicious } from '@tickwire/contracts';
import type { Queryable } from '@tickwire/event-log';
import type { AppHost } from '@tickwire/runtime';
import { Audit } from '../audit/audit.js';
import type { Author } from '../audit/author.js';
import type { ListQuery } from '../listing/list-query.js';
import { badCursor, pageOf, readJsonCursor, type Page } from '../listing/page.js';
import { configChangedRecord } from '../outbox/configuration-records.js';
import { ConfigurationWriter, type Publish } from '../outbox/configuration-writer.js';
import { lockOwn, type OwnedTable } from '../outbox/row-locks.js';
import { HOST } from '../tokens.js';
import type { NewRestriction } from './restriction-of.js';

/** What the door does about a suspect. */
export interface Restriction {
  id: string;
  /** `throttle`: its limits times `factor`; `quarantine`: it is refused. */
  kind: 'throttle' | 'quarantine';
  factor: number | null;
  suspect: WebhookSuspicious['suspect'];
  pattern: WebhookSuspicious['pattern'];
  suspicionId: string;
  active: boolean;
  until: Date;
  createdAt: Date;
  releasedAt: Date | null;
}

/** A place in the list, which is as it was when its first page was read: nothing moves from one part to the other. */
interface ListPlace {
  asOf: Date;
  active: boolean;
  id: string;
}

const ENDING: OwnedTable = {
  table: 'restriction',
  columns: `"released_at" IS NULL AND "until" > now() AS "active"`,
  what: 'restriction',
};
/** A row has no version of its own: it is imposed, and may be released once. */
const IMPOSED = 1;
const RELEASED = 2;

@Injectable()
export class Restrictions {
  constructor(
    @Inject(HOST) private readonly host: AppHost,
    @Inject(ConfigurationWriter) private readonly writer: ConfigurationWriter,
    @Inject(Audit) private readonly audit: Audit,
  ) {}

  /** In the transaction that stores the suspicion, and so once for each. */
  async impose(
    db: Queryable,
    publish: Publish,
    { suspicionId, tenantId, suspect, pattern }: WebhookSuspicious,
    restriction: NewRestriction,
  ): Promise<void> {
    const { kind, until } = restriction;
    const factor = restriction.kind === 'throttle' ? restriction.factor : null;
    const id = newId('rst');
    await db.query(
      `INSERT INTO "restriction" ("id", "tenant_id", "suspicion_id", "kind", "suspect_kind", "suspect_id", "pattern", "factor", "until")
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      [id, tenantId, suspicionId, kind, suspect.kind, suspect.id, pattern, factor, until],
    );
    const details = { kind, suspect, pattern, suspicionId, until };
    await this.audit.record(db, { tenantId, actor: 'policy' }, 'restriction.imposed', id, details);
    publish(configChangedRecord({ entity: 'restriction', id, tenantId, version: IMPOSED }, this.host.now()));
  }

  /** Those in force first, each part newest first. */
  async list(tenantId: string, { limit, cursor }: ListQuery): Promise<Page<Restriction>> {
    const after = readPlace(cursor);
    const asOf = after?.asOf ?? new Date(this.host.now());
    const { rows } = await this.host.pool.query<Restriction>(
      `SELECT "id", "kind", "factor", jsonb_build_object('kind', "suspect_kind", 'id', "suspect_id") AS "suspect", "pattern",
              "suspicion_id" AS "suspicionId", "active", "until", "created_at" AS "createdAt", "released_at" AS "releasedAt"
         FROM (SELECT *, "until" > $2 AND ("released_at" IS NULL OR "released_at" > $2) AS "active"
                 FROM "restriction" WHERE "tenant_id" = $1) AS "seen"
        WHERE $3::boolean IS NULL OR ("active", "id") < ($3, $4)
        ORDER BY "active" DESC, "id" DESC LIMIT $5`,
      [tenantId, asOf, after?.active ?? null, after?.id ?? null, limit + 1],
    );
    return pageOf(rows, limit, ({ active, id }) => writePlace({ asOf, active, id }));
  }

  /** Ends it before its time. One that has ended or was released stays as it is. @throws ProblemError NOT_FOUND */
  async release(by: Author, id: string): Promise<void> {
    const { tenantId } = by;
    await this.writer.change(async (db, publish) => {
      const { active } = await lockOwn<{ active: boolean }>(db, ENDING, tenantId, id);
      if (!active) return;
      await db.query(`UPDATE "restriction" SET "released_at" = now() WHERE "id" = $1`, [id]);
      await this.audit.record(db, by, 'restriction.released', id);
      publish(configChangedRecord({ entity: 'restriction', id, tenantId, version: RELEASED }, this.host.now()));
    });
  }
}

function writePlace({ asOf, active, id }: ListPlace): string {
  return Buffer.from(JSON.stringify([asOf.getTime(), active, id])).toString('base64url');
}

function readPlace(cursor: string | undefined): ListPlace | undefined {
  if (cursor === undefined) return undefined;
  const parts = readJsonCursor(cursor);
  const [ms, active, id] = Array.isArray(parts) ? (parts as unknown[]) : [];
  const asOf = new Date(typeof ms === 'number' ? ms : NaN);
  if (Number.isNaN(asOf.getTime()) || typeof active !== 'boolean' || typeof id !== 'string' || !OWN_ID.test(id)) {
    throw badCursor();
  }
  return { asOf, active, id };
}
