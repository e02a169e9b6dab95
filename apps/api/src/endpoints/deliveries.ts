import { Inject, Injectable } from '@nestjs/common';
import { UUID } from '@tickwire/contracts';
import type { AppHost } from '@tickwire/runtime';
import type { ListQuery } from '../listing/list-query.js';
import { pageOf, readTimeCursor, writeTimeCursor, type Page } from '../listing/page.js';
import { HOST } from '../tokens.js';

/** One event on its way to one endpoint. */
export interface Delivery {
  eventId: string;
  type: string;
  /** pending, delivered, exhausted */
  status: string;
  attempts: number;
  nextAttemptAt: Date | null;
  createdAt: Date;
  settledAt: Date | null;
  /** In the order they were made. */
  log: Attempt[];
}

interface Attempt {
  attempt: number;
  at: string;
  statusCode: number | null;
  error: string | null;
  durationMs: number;
  responseExcerpt: string | null;
}

/** Reads the notifier's tables; writes nothing there. */
@Injectable()
export class Deliveries {
  constructor(@Inject(HOST) private readonly host: AppHost) {}

  /** Newest first. The tenant is part of the question, although the caller has checked whose endpoint it is. */
  async list(tenantId: string, endpointId: string, { limit, cursor }: ListQuery): Promise<Page<Delivery>> {
    const before = readTimeCursor(cursor, UUID);
    const { rows } = await this.host.pool.query<Delivery>(
      `SELECT d."event_id" AS "eventId", e."type", d."status", d."attempts", d."next_attempt_at" AS "nextAttemptAt",
              d."created_at" AS "createdAt", d."settled_at" AS "settledAt",
              coalesce((SELECT jsonb_agg(jsonb_build_object(
                                 'attempt', a."attempt",
                                 'at', to_char(a."at" AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
                                 'statusCode', a."status_code", 'error', a."error", 'durationMs', a."duration_ms",
                                 'responseExcerpt', a."response_excerpt") ORDER BY a."attempt")
                          FROM "callback_attempt" a
                         WHERE a."endpoint_id" = d."endpoint_id" AND a."event_id" = d."event_id"), '[]') AS "log"
         FROM "callback_delivery" d JOIN "callback_event" e ON e."event_id" = d."event_id"
        WHERE d."endpoint_id" = $1 AND d."tenant_id" = $2
          AND ($3::timestamptz IS NULL OR (d."created_at", d."event_id") < ($3, $4::uuid))
        ORDER BY d."created_at" DESC, d."event_id" DESC LIMIT $5`,
      [endpointId, tenantId, before?.at ?? null, before?.id ?? null, limit + 1],
    );
    return pageOf(rows, limit, (delivery) => writeTimeCursor({ at: delivery.createdAt, id: delivery.eventId }));
  }
}
