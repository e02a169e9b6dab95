import { Inject, Injectable } from '@nestjs/common';
import { agentActions, createEvent, derivedId, encodeEvent, type EncodedEvent } from '@tickwire/contracts';
import { TransientError } from '@tickwire/errors';
import { ProblemError } from '@tickwire/problem-details';
import type { AppHost } from '@tickwire/runtime';
import { InProcessRateLimiter, type Limit } from '@tickwire/throttle';
import { HOST } from '../../tokens.js';
import type { ActionsRequest } from './actions-request.js';
import { TickAllowance } from './tick-allowance.js';

/** The world has the actions in its log; what it makes of them it tells in `actionResults`. */
export interface ActionsAccepted {
  clientId: string;
  agentId: string;
  acceptedActions: number;
  /** The agent's newest tick known here: the results belong to a later one, the next at best. */
  tick: number;
}

interface TradingAgent {
  worldId: string;
  status: string;
  /** Of its newest tick; null before the first. */
  tick: number | null;
}

/** Ten requests a second for each agent, and ten at once: more than a world of one-second ticks has use for. */
const PER_AGENT = { perMinute: 600, burst: 10 };
/** A tick takes ten actions of an agent; what it has sent beyond them waits in the memory of its world to be refused. */
const MOST_PER_TICK = 100;
/** Requests that wait for the log, at most: a slow log is answered with refusals, not with memory. */
const MOST_WAITING = 1_000;
const RETRY_MS = 1_000;

/**
 * Takes agents' actions in between callbacks: one `agent.actions` record per request, appended and acknowledged before
 * the answer. Nothing is kept here. A request sent again appends a record with the same id and the same client id, of
 * which the world applies the first: it remembers the last 256 client ids of each agent.
 */
@Injectable()
export class ActionIntake {
  /** Of this process alone: behind several replicas an agent may send as many times as much. */
  private readonly limiter = new InProcessRateLimiter();
  /** Likewise. */
  private readonly allowance = new TickAllowance(MOST_PER_TICK);
  private waiting = 0;

  constructor(@Inject(HOST) private readonly host: AppHost) {}

  /**
   * @param tenantId whose agent it has to be
   * @throws ProblemError NOT_FOUND; CONFLICT for an agent that operators have stopped, or that its world has not taken
   *   in yet; RATE_LIMITED; LOG_UNAVAILABLE where the record may be in the log or not; UNAVAILABLE where nothing was sent
   */
  async take(tenantId: string, agentId: string, request: ActionsRequest): Promise<ActionsAccepted> {
    const { worldId, tick } = requireTrading(await this.find(tenantId, agentId));
    await this.limit(agentId);
    if (!this.allowance.take(agentId, tick)) {
      throw new ProblemError(
        'RATE_LIMITED',
        `An agent sends ${MOST_PER_TICK} requests from one tick to the next at most.`,
        {
          retryAfterMs: RETRY_MS,
        },
      );
    }
    await this.append(this.record(tenantId, { worldId, agentId, tick }, request), agentId);
    const { clientId, actions } = request;
    return { clientId, agentId, acceptedActions: actions.length, tick };
  }

  private async find(tenantId: string, agentId: string): Promise<TradingAgent> {
    const { rows } = await this.host.pool.query<TradingAgent>(
      `SELECT a."world_id" AS "worldId", a."status", v."tick"
         FROM "agent" a LEFT JOIN "agent_view" v ON v."agent_id" = a."id" WHERE a."id" = $1 AND a."tenant_id" = $2`,
      [agentId, tenantId],
    );
    if (rows[0] === undefined) throw new ProblemError('NOT_FOUND', 'There is no such agent.');
    return rows[0];
  }

  private async limit(agentId: string): Promise<void> {
    const limit: Limit = { key: agentId, name: 'agent', ...PER_AGENT };
    const verdict = await this.limiter.take([limit], 1, this.host.now());
    if (verdict.allowed) return;
    const { refusal } = verdict;
    throw new ProblemError('RATE_LIMITED', 'An agent sends actions ten times a second at most.', {
      retryAfterMs: refusal.neverFits ? undefined : refusal.retryAfterMs,
    });
  }

  /** Its id derives from world, agent, channel and client id: no client id holds a slash, so no two can be confused. */
  private record(
    tenantId: string,
    { worldId, agentId, tick }: { worldId: string; agentId: string; tick: number },
    { clientId, actions }: ActionsRequest,
  ): EncodedEvent {
    const timeMs = this.host.now();
    const receivedAt = new Date(timeMs).toISOString();
    const event = createEvent(agentActions, {
      id: derivedId(`${worldId}/${agentId}/${clientId}`, 'actions', 'api'),
      source: 'api',
      subject: agentId,
      tenantId,
      timeMs,
      data: { worldId, agentId, tick, channel: 'api', clientId, actions, receivedAt },
    });
    return encodeEvent(agentActions, event);
  }

  private async append(record: EncodedEvent, agentId: string): Promise<void> {
    if (this.waiting >= MOST_WAITING) {
      throw new ProblemError('UNAVAILABLE', 'Too many requests wait for the log. Send the same one again.', {
        retryAfterMs: RETRY_MS,
      });
    }
    this.waiting += 1;
    try {
      await this.host.log.append([record]);
    } catch (error) {
      if (!TransientError.is(error)) throw error;
      this.host.logger.warn({ agentId, err: error }, 'an append of actions ended without an acknowledgement');
      const detail = 'The actions may have been taken in or not: send the same request again, with the same clientId.';
      throw new ProblemError('LOG_UNAVAILABLE', detail, { retryAfterMs: RETRY_MS });
    } finally {
      this.waiting -= 1;
    }
  }
}

/**
 * An agent that is paused still trades: the pause is of its callbacks. One that has had no tick is refused because its
 * world drops what comes before the registration.
 */
function requireTrading({ worldId, status, tick }: TradingAgent): { worldId: string; tick: number } {
  if (status !== 'active' && status !== 'paused') throw new ProblemError('CONFLICT', `This agent is ${status}.`);
  if (tick === null) {
    throw new ProblemError('CONFLICT', 'This agent has had no tick yet: its world takes it in with the next one.', {
      retryAfterMs: RETRY_MS,
    });
  }
  return { worldId, tick };
}
