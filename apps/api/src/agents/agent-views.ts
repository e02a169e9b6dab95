import { Inject, Injectable } from '@nestjs/common';
import { expandTick, type AgentTick, type CarriedItem, type SharedTick, type TickWebhook } from '@tickwire/contracts';
import type { AppHost } from '@tickwire/runtime';
import { deliveryHealth, type DeliveryHealth, type DeliveryRecord } from '../projection/delivery-health.js';
import { percentileMs } from '../projection/response-window.js';
import { HOST } from '../tokens.js';

/** How an agent's callbacks have gone so far, under the seed's names. */
export interface DeliveryCounters {
  webhookFailures: number;
  webhookSuccessCount: number;
  webhookSuperseded: number;
  webhookSkipped: number;
  lastWebhookTick: number | null;
  lastWebhookError: string | null;
  lastWebhookSuccessAt: Date | null;
  lastResponseTimeMs: number | null;
  /** Over all successful deliveries, ms; null before the first. */
  avgResponseTimeMs: number | null;
  /** Percentiles over the last 200 successful deliveries, ms, within 3 %; null before the first. */
  p50Ms: number | null;
  p99Ms: number | null;
  /** `unresponsive`: the last 5 attempted deliveries failed, or the breaker is open; `slow`: p99 of 20 or more is 2 s or more. */
  health: DeliveryHealth;
}

type StoredCounters = Omit<DeliveryCounters, 'p50Ms' | 'p99Ms' | 'health'>;

/** What is stored of an agent in `agent_view`. */
export interface StoredAgentView {
  closedAt: string;
  agent: AgentTick;
}

/** An agent's own part of its world's latest tick. */
export type AgentView = Pick<TickWebhook, 'tick' | 'portfolio' | 'orders'> & { closedAt: string };

type InboxList = CarriedItem['list'];

/** What no callback has handed over yet, oldest first, and what the latest tick brought. */
export type Inbox = Pick<TickWebhook, InboxList | 'orders'> & {
  agentId: string;
  /** Of the newest items; null before the agent's first tick. */
  tick: number | null;
  recentTrades: TickWebhook['market']['recentTrades'];
};

const LISTS = ['actionResults', 'messages', 'alerts', 'investigations'] as const satisfies readonly InboxList[];
const NO_DELIVERIES: DeliveryCounters = {
  webhookFailures: 0,
  webhookSuccessCount: 0,
  webhookSuperseded: 0,
  webhookSkipped: 0,
  lastWebhookTick: null,
  lastWebhookError: null,
  lastWebhookSuccessAt: null,
  lastResponseTimeMs: null,
  avgResponseTimeMs: null,
  p50Ms: null,
  p99Ms: null,
  health: 'ok',
};

/** Reads what has been projected of agents' ticks and deliveries, and what the dispatcher carries for them. */
@Injectable()
export class AgentViews {
  constructor(@Inject(HOST) private readonly host: AppHost) {}

  async counters(agentId: string): Promise<DeliveryCounters> {
    const { rows } = await this.host.pool.query<StoredCounters & DeliveryRecord>(
      `SELECT "failures" AS "webhookFailures", "success_count" AS "webhookSuccessCount", "superseded" AS "webhookSuperseded",
              "skipped" AS "webhookSkipped", "last_tick" AS "lastWebhookTick", "last_error" AS "lastWebhookError",
              "last_success_at" AS "lastWebhookSuccessAt", "last_response_time_ms" AS "lastResponseTimeMs",
              "total_response_time_ms" / nullif("success_count", 0) AS "avgResponseTimeMs",
              "consecutive_failures" AS "consecutiveFailures", "breaker_open" AS "breakerOpen",
              coalesce("response_window", ''::bytea) AS "responseWindow"
         FROM "agent_delivery_stats" WHERE "agent_id" = $1`,
      [agentId],
    );
    if (rows[0] === undefined) return NO_DELIVERIES;
    const { consecutiveFailures, breakerOpen, responseWindow, ...counters } = rows[0];
    return {
      ...counters,
      p50Ms: percentileMs(responseWindow, 50),
      p99Ms: percentileMs(responseWindow, 99),
      health: deliveryHealth({ consecutiveFailures, breakerOpen, responseWindow }),
    };
  }

  /** @returns undefined before the agent's first tick */
  async latest(agentId: string): Promise<AgentView | undefined> {
    const { rows } = await this.host.pool.query<{ tick: number; view: StoredAgentView; shared: SharedTick | null }>(
      `SELECT a."tick", a."view", w."view" AS "shared"
         FROM "agent_view" a LEFT JOIN "world_view" w ON w."world_id" = a."world_id" WHERE a."agent_id" = $1`,
      [agentId],
    );
    const [row] = rows;
    if (!row?.shared) return undefined;
    // Positions are valued at the world's newest prices, which may be a tick ahead of the agent's part.
    const { portfolio, orders } = expandTick(row.shared, row.view.agent, row.view.closedAt);
    return { tick: row.tick, closedAt: row.view.closedAt, portfolio, orders };
  }

  async inbox(agentId: string): Promise<Inbox> {
    const { rows } = await this.host.pool.query<{
      carried: CarriedItem[] | null;
      tick: number | null;
      view: StoredAgentView | null;
    }>(
      `SELECT d."carried", a."tick", a."view" FROM (VALUES ($1::text)) i("agent_id")
         LEFT JOIN "agent_dispatch" d USING ("agent_id") LEFT JOIN "agent_view" a USING ("agent_id")`,
      [agentId],
    );
    const { carried, tick, view } = rows[0]!;
    const agent = view?.agent;
    const inbox: Inbox = {
      agentId,
      tick,
      actionResults: [],
      messages: [],
      alerts: [],
      investigations: [],
      orders: (agent?.orders ?? []).map((order) => ({ ...order, agentId })),
      recentTrades: agent?.trades ?? [],
    };
    for (const list of LISTS) {
      const earlier = (carried ?? []).filter((entry) => entry.list === list).map((entry) => entry.item);
      // The latest tick's items may be carried already: each is shown once.
      const seen = new Set(earlier.map(itemId));
      const now = ((agent?.[list] ?? []) as CarriedItem['item'][]).filter((item) => !seen.has(itemId(item)));
      (inbox[list] as CarriedItem['item'][]) = [...earlier, ...now];
    }
    return inbox;
  }
}

/** An investigation is told again with each new status. */
function itemId(item: CarriedItem['item']): string {
  return 'investigationId' in item ? `${item.investigationId}:${item.status}:${item.tick}` : item.id;
}
