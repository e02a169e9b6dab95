import {
  agentActions,
  agentDelivery,
  createEvent,
  encodeEvent,
  isoTime,
  type AgentActions,
  type AgentDelivery,
  type EncodedEvent,
} from '@tickwire/contracts';
import { Backoff, partitionOfKey, sleep, type EventLog, type LogSink, type NewRecord } from '@tickwire/event-log';
import { answerIdOf, deliveryIdOf, type LaneTick } from '../callbacks/tick-callback.js';

/** Records on their way beyond which no more ticks are taken: the log is slower than the callbacks. */
const MOST_PENDING = 20_000;

/** How a callback ended, apart from what its tick says already. */
export type DeliveryEnd = Pick<AgentDelivery, 'outcome' | 'attempts'> &
  Partial<Pick<AgentDelivery, 'circuitBreakerSkipped' | 'statusCode' | 'responseTimeMs' | 'error' | 'actions'>>;

/**
 * For so long ends gather, so that hundreds of callbacks a second are dozens of appends: each costs the process and the
 * database more than a record in it.
 */
const GATHER_MS = 10;
/** Ends in one append: what a takeover supersedes is not one request. */
const MOST_TOGETHER = 500;

interface WaitingEnd {
  record: NewRecord;
  stopped: AbortSignal;
  written(acknowledged: boolean): void;
}

/** Ends for one partition of the log, in the order in which it is to have them. */
interface Line {
  readonly waiting: WaitingEnd[];
  /** Some of them are on their way. */
  leaving: boolean;
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
  private readonly lines = new Map<number, Line>();
  /** Until the ends that have gathered leave. */
  private departure: NodeJS.Timeout | undefined;

  constructor(
    private readonly log: Pick<EventLog, 'append' | 'partitionCount'>,
    private readonly sink: LogSink,
    private readonly now: () => number,
  ) {}

  /** @returns true once acknowledged; false when `stopped` came first: the record may be in the log or not */
  async answer(
    tick: LaneTick,
    answer: Pick<AgentActions, 'actions' | 'truncated'>,
    stopped: AbortSignal,
  ): Promise<boolean> {
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
        actions: answer.actions,
        truncated: answer.truncated,
        receivedAt: isoTime(nowMs),
      },
    });
    const record = encodeEvent(agentActions, event);
    this.pending += 1;
    const acknowledged = await this.append([record], () => stopped.aborted);
    this.pending -= 1;
    return acknowledged;
  }

  /**
   * Ends of one agent reach the log in the order of the calls, also where the log refuses some: whoever counts them
   * takes an earlier one behind a later one for counted. A partition that takes none holds up its own agents only.
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
        outcome: end.outcome,
        circuitBreakerSkipped: end.circuitBreakerSkipped,
        attempts: end.attempts,
        statusCode: end.statusCode,
        responseTimeMs: end.responseTimeMs,
        error: end.error?.slice(0, MOST_ERROR_LENGTH),
        actions: end.actions ?? 0,
        settledAt: isoTime(nowMs),
      },
    });
    return this.inLine(encodeEvent(agentDelivery, event), stopped);
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

  private inLine(encoded: EncodedEvent, stopped: AbortSignal): Promise<boolean> {
    const partition = partitionOfKey(encoded.key, this.log.partitionCount);
    let line = this.lines.get(partition);
    if (!line) {
      line = { waiting: [], leaving: false };
      this.lines.set(partition, line);
    }
    this.pending += 1;
    const { waiting } = line;
    return new Promise((written) => {
      waiting.push({ record: { ...encoded, partition }, stopped, written });
      this.awaitDeparture();
    });
  }

  private awaitDeparture(): void {
    this.departure ??= setTimeout(() => {
      this.departure = undefined;
      // In the same turn, so that the log makes one request of them.
      for (const line of this.lines.values()) if (!line.leaving && line.waiting.length > 0) void this.depart(line);
    }, GATHER_MS);
  }

  private async depart(line: Line): Promise<void> {
    line.leaving = true;
    await this.write(line.waiting.splice(0, MOST_TOGETHER));
    line.leaving = false;
    if (line.waiting.length > 0) this.awaitDeparture();
  }

  /** Those of agents that are given up meanwhile are left out of the next try. */
  private async write(ends: readonly WaitingEnd[]): Promise<void> {
    let left = ends;
    const someStopped = (): boolean => left.some(({ stopped }) => stopped.aborted);
    while (left.length > 0) {
      const acknowledged =
        !someStopped() &&
        (await this.append(
          left.map(({ record }) => record),
          someStopped,
        ));
      const told = acknowledged ? left : left.filter(({ stopped }) => stopped.aborted);
      left = acknowledged ? [] : left.filter(({ stopped }) => !stopped.aborted);
      this.pending -= told.length;
      for (const { written } of told) written(acknowledged);
    }
  }

  /** Tries again until the log has them or they are not wanted any more. @returns whether it has */
  private async append(records: readonly NewRecord[], stopped: () => boolean): Promise<boolean> {
    const backoff = new Backoff();
    while (!stopped()) {
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
        await backoff.wait(stopped);
      }
    }
    return false;
  }
}
