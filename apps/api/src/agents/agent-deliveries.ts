import { Inject, Injectable } from '@nestjs/common';
import { DELIVERY_OUTCOMES, type AgentDelivery } from '@tickwire/contracts';
import type { AppHost } from '@tickwire/runtime';
import { IsIn, IsOptional } from 'class-validator';
import { ListQuery } from '../listing/list-query.js';
import { badCursor, pageOf, type Page } from '../listing/page.js';
import { HOST } from '../tokens.js';

/** `GET /api/v1/agents/{id}/deliveries`. */
export class AgentDeliveriesQuery extends ListQuery {
  /** Only those that ended so. */
  @IsOptional() @IsIn(DELIVERY_OUTCOMES) outcome?: (typeof DELIVERY_OUTCOMES)[number];
}

/** How one tick's callback ended. */
export interface LoggedDelivery {
  tick: number;
  outcome: AgentDelivery['outcome'];
  /** Requests made; 0 when skipped or superseded. */
  attempts: number;
  statusCode: number | null;
  /** Of the last attempt, ms. */
  responseTimeMs: number | null;
  error: string | null;
  /** Actions taken from the answer. */
  actions: number;
  /** Whether it was skipped by an open breaker; what is skipped otherwise was paused by the agent's owner. */
  circuitBreakerSkipped: boolean;
  settledAt: Date;
}

const TICK_CURSOR = /^(?:0|[1-9]\d{0,14})$/;

/** Reads the log of settled callbacks, which goes back seven days and ten thousand ticks. */
@Injectable()
export class AgentDeliveries {
  constructor(@Inject(HOST) private readonly host: AppHost) {}

  /** Newest tick first; the cursor is the last tick shown. Whose agent it is, the caller has checked. */
  async list(agentId: string, { limit, cursor, outcome }: AgentDeliveriesQuery): Promise<Page<LoggedDelivery>> {
    if (cursor !== undefined && !TICK_CURSOR.test(cursor)) throw badCursor();
    const { rows } = await this.host.pool.query<LoggedDelivery>(
      `SELECT "tick", "outcome", "attempts", "status_code" AS "statusCode", "response_time_ms" AS "responseTimeMs", "error",
              "actions", "circuit_breaker_skipped" AS "circuitBreakerSkipped", "settled_at" AS "settledAt"
         FROM "agent_delivery_log"
        WHERE "agent_id" = $1 AND ($2::bigint IS NULL OR "tick" < $2) AND ($3::text IS NULL OR "outcome" = $3)
        ORDER BY "tick" DESC LIMIT $4`,
      [agentId, cursor ?? null, outcome ?? null, limit + 1],
    );
    return pageOf(rows, limit, ({ tick }) => String(tick));
  }
}
