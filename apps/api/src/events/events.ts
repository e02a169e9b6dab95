import { Inject, Injectable } from '@nestjs/common';
import type { AppHost } from '@tickwire/runtime';
import { badCursor } from '../listing/page.js';
import { HOST } from '../tokens.js';
import type { EventsQuery } from './events-query.js';

interface EventRow {
  sequence: number;
  event: string;
}

const SEQUENCE = /^\d{1,15}$/;

/** A tenant's lifecycle history, numbered without gaps. */
@Injectable()
export class Events {
  constructor(@Inject(HOST) private readonly host: AppHost) {}

  /**
   * Newest first; the cursor is the sequence of the last one shown.
   * @returns the answer's JSON: events are put in as they were on the log, byte for byte
   */
  async page(tenantId: string, { limit, cursor, type, accountId, webhookId }: EventsQuery): Promise<string> {
    if (cursor !== undefined && !SEQUENCE.test(cursor)) throw badCursor();
    const { rows } = await this.host.pool.query<EventRow>(
      `SELECT "sequence", "event" FROM "lifecycle_event"
        WHERE "tenant_id" = $1 AND "sequence" < $2 AND ($3::text IS NULL OR "type" = $3)
          AND ($4::text IS NULL OR "account_id" = $4) AND ($5::uuid IS NULL OR "webhook_id" = $5)
        ORDER BY "sequence" DESC LIMIT $6`,
      [tenantId, cursor ?? Number.MAX_SAFE_INTEGER, type ?? null, accountId ?? null, webhookId ?? null, limit + 1],
    );
    const shown = rows.slice(0, limit);
    const nextCursor = rows.length > limit ? String(shown.at(-1)!.sequence) : null;
    const data = shown.map(({ sequence, event }) => `{"sequence":${sequence},"event":${event}}`);
    return `{"data":[${data.join(',')}],"nextCursor":${JSON.stringify(nextCursor)}}`;
  }
}
