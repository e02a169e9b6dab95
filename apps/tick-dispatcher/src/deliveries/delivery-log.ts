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

/** Ends of one agent in one append: a backlog of an hour is not one request. */
const MOST_TOGETHER = 100;

/** An end that waits for those of the same agent before it. */
interface WaitingEnd {
  record: EncodedEvent;
  stopped: AbortSignal;
  written(acknowledged: boolean): void;
}

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
  /** By agent: what waits while an end is on its way. */
  private readonly lines = new Map<string, WaitingEnd[]>();

  constructor(
    private readonly log: Pick<EventLog, 'append'>,
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
    return this.append([encodeEvent(agentActions, event)], stopped);
  }

  /**
   * Ends of one agent reach the log in the order of the calls, also where the log refuses some: whoever counts them
   * takes an earlier one behind a later one for counted.
   * @returns as `answer`
   */
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
    return this.inOrder(agent.id, encodeEvent(agentDelivery, event), stopped);
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

  private inOrder(agentId: string, record: EncodedEvent, stopped: AbortSignal): Promise<boolean> {
    return new Promise((written) => {
      this.pending += 1;
      const end = { record, stopped, written };
      const line = this.lines.get(agentId);
      if (line) line.push(end);
      else void this.appendLine(agentId, [end]);
    });
  }

  /** All that wait leave together; those of an agent's earlier lane apart from those of its next. */
  private async appendLine(agentId: string, line: WaitingEnd[]): Promise<void> {
    this.lines.set(agentId, line);
    while (line.length > 0) {
      const { stopped } = line[0]!;
      const next = line.findIndex((end) => end.stopped !== stopped);
      const together = line.splice(0, Math.min(next < 0 ? line.length : next, MOST_TOGETHER));
      this.pending -= together.length;
      const acknowledged = await this.append(
        together.map(({ record }) => record),
        stopped,
      );
      for (const { written } of together) written(acknowledged);
    }
    this.lines.delete(agentId);
  }

  private async append(records: readonly EncodedEvent[], stopped: AbortSignal): Promise<boolean> {
    let backoff: Backoff | undefined;
    this.pending += records.length;
    try {
      while (!stopped.aborted) {
        try {
          await this.log.append(records);
          this.isAway = false;
          return true;
        } catch (error) {
          // Once for all the callbacks that wait.
          if (!this.isAway) {
            this.sink.warn(
              { topic: records[0]?.topic, pending: this.pending, err: error },
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
      this.pending -= records.length;
    }
  }
}
