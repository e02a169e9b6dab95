import {
  agentActions,
  agentDelivery,
  createEvent,
  encodeEvent,
  type AgentActions,
  type AgentDelivery,
  type EncodedEvent,
} from '@tickwire/contracts';
import { Backoff, sleep, type EventLog, type LogSink } from '@tickwire/event-log';
import { answerIdOf, deliveryIdOf, type LaneTick } from '../callbacks/tick-callback.js';

/** Records on their way beyond which no more ticks are taken: the log is slower than the callbacks. */
const MOST_PENDING = 20_000;

/** How a callback ended, apart from what its tick says already. */
export type DeliveryEnd = Pick<AgentDelivery, 'outcome' | 'attempts'> &
  Partial<Pick<AgentDelivery, 'circuitBreakerSkipped' | 'statusCode' | 'responseTimeMs' | 'error' | 'actions'>>;

/** Of the contract. */
const MOST_ERROR_LENGTH = 512;

/**
 * Writes answers and ends of callbacks to the log. The ids derive from world, agent and tick, so writing again, by this
 * process or the next, writes the same.
 */
export class DeliveryLog {
  private pending = 0;
  /** Of the outage that has been told, until a record is taken again. */
  private isAway = false;

  constructor(
    private readonly log: EventLog,
    private readonly sink: LogSink,
    private readonly now: () => number,
  ) {}

  /** @returns true once acknowledged; false when `stopped` came first: the record may be in the log or not */
  answer(tick: LaneTick, answer: Pick<AgentActions, 'actions' | 'truncated'>, stopped: AbortSignal): Promise<boolean> {
    const { worldId, agent } = tick;
    const nowMs = this.now();
    const event = createEvent(agentActions, {
      ...this.facts(tick, nowMs),
      id: answerIdOf(tick),
      data: {
        worldId,
        agentId: agent.id,
        tick: tick.tick,
        channel: 'callback',
        ...answer,
        receivedAt: new Date(nowMs).toISOString(),
      },
    });
    return this.append(encodeEvent(agentActions, event), stopped);
  }

  /** @returns as `answer` */
  end(tick: LaneTick, end: DeliveryEnd, stopped: AbortSignal): Promise<boolean> {
    const { worldId, agent } = tick;
    const nowMs = this.now();
    const event = createEvent(agentDelivery, {
      ...this.facts(tick, nowMs),
      id: deliveryIdOf(tick),
      data: {
        worldId,
        agentId: agent.id,
        tick: tick.tick,
        actions: 0,
        ...end,
        error: end.error?.slice(0, MOST_ERROR_LENGTH),
        settledAt: new Date(nowMs).toISOString(),
      },
    });
    return this.append(encodeEvent(agentDelivery, event), stopped);
  }

  /** Waits while the log is behind; memory must not grow with an outage. */
  async hasRoom(given: () => boolean): Promise<void> {
    while (this.pending > MOST_PENDING && !given()) await sleep(20);
  }

  private facts(tick: LaneTick, timeMs: number) {
    const { agent, causeId } = tick;
    return {
      source: 'tick-dispatcher',
      subject: agent.id,
      tenantId: agent.tenantId,
      causationId: causeId,
      timeMs,
    } as const;
  }

  private async append(record: EncodedEvent, stopped: AbortSignal): Promise<boolean> {
    let backoff: Backoff | undefined;
    this.pending += 1;
    try {
      while (!stopped.aborted) {
        try {
          await this.log.append([record]);
          this.isAway = false;
          return true;
        } catch (error) {
          // Once for all the callbacks that wait.
          if (!this.isAway) {
            this.sink.warn(
              { topic: record.topic, pending: this.pending, err: error },
              'the log takes no records of callbacks; trying again',
            );
          }
          this.isAway = true;
          backoff ??= new Backoff();
          await backoff.wait(() => stopped.aborted);
        }
      }
      return false;
    } finally {
      this.pending -= 1;
    }
  }
}
