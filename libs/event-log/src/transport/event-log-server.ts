import { Server, type CustomTransportStrategy, type MessageHandler } from '@nestjs/microservices';
import { TransientError } from '@tickwire/errors';
import { isConnectionError } from '@tickwire/persistence';
import { decodeEvent, isPerishable, type EventEnvelope } from '@tickwire/contracts';
import { isObservable, lastValueFrom } from 'rxjs';
import { deadLetterRecord, REPLAY_GROUP_HEADER } from '../dead-letters/dead-letter.js';
import {
  OwnershipLost,
  type EventLog,
  type LogRecord,
  type LogSink,
  type OwnedBatch,
  type Position,
  type Subscription,
} from '../port.js';
import { positionsAfter } from '../positions.js';
import { EVENT_LOG_TRANSPORT, type HandlerRole } from './decorators.js';
import type {
  AssignmentChange,
  BroadcastOptionsOfEvents,
  EventBatch,
  Fault,
  OwnedBatchOptions,
  ReceivedEvent,
} from './event-batch.js';

/**
 * Nest's transport over the event log: batches across partitions, positions kept by handlers or by the log, dead letters.
 * Controllers use `@OwnedBatches`, `@PartitionsAssigned`, `@PartitionsRevoked` and `@BroadcastEvents`.
 */
export class EventLogServer extends Server implements CustomTransportStrategy {
  override readonly transportId = EVENT_LOG_TRANSPORT;
  override readonly propagatesEventHandlerErrors = true;
  private readonly subscriptions = new Map<string, Subscription>();

  constructor(
    private readonly log: EventLog,
    private readonly sink: LogSink,
    private readonly now: () => number = Date.now,
  ) {
    super();
  }

  override listen(callback: (error?: unknown) => void): void {
    this.subscribeAll().then(
      () => callback(),
      (error: unknown) => callback(error),
    );
  }

  /** Finishes running batches, hands partitions over. */
  override async close(): Promise<void> {
    await Promise.all([...this.subscriptions.values()].map((subscription) => subscription.close()));
  }

  /** For readiness: every subscription heartbeats, owns what it should and has no stopped partition. */
  healthy(): boolean {
    return [...this.subscriptions.values()].every((subscription) => subscription.healthy());
  }

  override on(): never {
    throw new Error('The event log has no raw events; watch healthy()');
  }

  override unwrap<T>(): T {
    return this.log as unknown as T;
  }

  private async subscribeAll(): Promise<void> {
    // Broadcasts first: caches and quotes are being read before the first batch asks for them.
    for (const { handler, role } of this.roles('broadcast')) await this.subscribeBroadcast(handler, role.options);
    for (const { handler, role } of this.roles('owned')) await this.subscribeOwned(handler, role.options);
  }

  private roles<R extends HandlerRole['role']>(
    wanted: R,
  ): { handler: MessageHandler; role: Extract<HandlerRole, { role: R }> }[] {
    return [...this.messageHandlers.values()]
      .map((handler) => ({ handler, role: (handler.extras as { eventLog: HandlerRole }).eventLog }))
      .filter(({ role }) => role.role === wanted) as {
      handler: MessageHandler;
      role: Extract<HandlerRole, { role: R }>;
    }[];
  }

  private async subscribeBroadcast(
    handler: MessageHandler,
    { name, events, from }: BroadcastOptionsOfEvents,
  ): Promise<void> {
    const topics = events.map((definition) => definition.topic);
    const subscription = await this.log.broadcast({
      topics,
      from: typeof from === 'string' ? from : await this.lastOf(topics, from.last),
      handle: async (records) => {
        const { received, faults } = this.decode(name, records);
        if (faults.length > 0) await this.log.append(faults.map((fault) => fault.letter));
        if (received.length > 0) await call(handler, received);
      },
    });
    this.subscriptions.set(`broadcast:${name}`, subscription);
  }

  private async lastOf(topics: readonly string[], last: number): Promise<Position[]> {
    const bounds = await this.log.bounds(topics);
    return bounds.map(({ topic, partition, start, end }) => ({
      topic,
      partition,
      offset: Math.max(start, end - last),
    }));
  }

  private async subscribeOwned(handler: MessageHandler, options: OwnedBatchOptions): Promise<void> {
    const { group } = options;
    const assigned = this.messageHandlers.get(`assigned:${group}`);
    const revoked = this.messageHandlers.get(`revoked:${group}`);
    const subscription = (): Subscription | undefined => this.subscriptions.get(group);
    const change = (partitions: readonly number[]): AssignmentChange => ({
      group,
      partitions,
      // Before `owned` has returned the member is joining, with a fresh heartbeat.
      alive: () => subscription()?.alive() ?? true,
    });
    const topics = options.events.map((definition) => definition.topic);
    const joined = await this.log.owned({
      group,
      topics,
      perishable: topics.filter(isPerishable),
      offsets: options.offsets,
      maxBatchRecords: options.maxBatchRecords,
      assigned: assigned && ((partitions) => call<readonly Position[] | void>(assigned, change(partitions))),
      revoked: revoked && ((partitions) => call<void>(revoked, change(partitions))),
      paceMs: options.paceMs,
      handle: (batch) => this.handleOwned(handler, options, batch, (position) => subscription()?.settle(position)),
      partitionStopped: (error) => this.sink.error({ ...error.at }, 'a partition is stopped; readiness says so'),
    });
    this.subscriptions.set(group, joined);
  }

  private async handleOwned(
    handler: MessageHandler,
    options: OwnedBatchOptions,
    batch: OwnedBatch,
    settle: (position: Position) => void,
  ): Promise<void> {
    const { received, faults } = this.decode(options.group, batch.records);
    try {
      await this.deliver(handler, options, { group: batch.group, events: received, faults, next: batch.next, settle });
    } catch (error) {
      if (isInfrastructure(error)) throw error;
      this.sink.error(
        { group: options.group, records: batch.records.length, err: error },
        'a batch failed; its records one by one',
      );
      await this.oneByOne(handler, options, batch.records, settle);
    }
  }

  /** A fault in code or data: finds the guilty record, so that its neighbours go on. */
  private async oneByOne(
    handler: MessageHandler,
    options: OwnedBatchOptions,
    records: readonly LogRecord[],
    settle: (position: Position) => void,
  ): Promise<void> {
    for (const record of records) {
      const { received, faults } = this.decode(options.group, [record]);
      const single: EventBatch = {
        group: options.group,
        events: received,
        faults,
        next: positionsAfter([record]),
        settle,
      };
      try {
        await this.deliver(handler, options, single);
      } catch (error) {
        if (isInfrastructure(error)) throw error;
        this.sink.error(
          { ...where(record), group: options.group, err: error },
          'a record cannot be handled; to the dead letters',
        );
        const fault: Fault = { record, error, letter: deadLetterRecord(options.group, record, error, this.now()) };
        await this.deliver(handler, options, { ...single, events: [], faults: [fault] });
      }
    }
  }

  private async deliver(handler: MessageHandler, options: OwnedBatchOptions, batch: EventBatch): Promise<void> {
    await call(handler, batch);
    // Before the position moves, and only once the batch is through: a batch that comes again buries nothing twice.
    if (options.offsets !== 'handler' && batch.faults.length > 0) {
      await this.log.append(batch.faults.map((fault) => fault.letter));
    }
  }

  /** Groups of one thread may be handed the same record; its event is read and checked for the first of them. */
  private eventOf(record: LogRecord): EventEnvelope {
    let event = decoded.get(record);
    if (!event) decoded.set(record, (event = decodeEvent(record.topic, record.value)));
    return event;
  }

  private decode(group: string, records: readonly LogRecord[]): { received: ReceivedEvent[]; faults: Fault[] } {
    const received: ReceivedEvent[] = [];
    const faults: Fault[] = [];
    for (const record of records) {
      const replayFor = record.headers[REPLAY_GROUP_HEADER];
      if (replayFor && replayFor !== group) continue;
      try {
        received.push({ record, event: this.eventOf(record) });
      } catch (error) {
        this.sink.warn({ ...where(record), group, err: error }, 'a record is no event; to the dead letters');
        faults.push({ record, error, letter: deadLetterRecord(group, record, error, this.now()) });
      }
    }
    return { received, faults };
  }
}

/** As long as somebody holds the record. */
const decoded = new WeakMap<LogRecord, EventEnvelope>();

async function call<T>(handler: MessageHandler, payload: unknown): Promise<T> {
  const result: unknown = await handler(payload);
  return (isObservable(result) ? await lastValueFrom(result, { defaultValue: undefined }) : result) as T;
}

function isInfrastructure(error: unknown): boolean {
  return TransientError.is(error) || error instanceof OwnershipLost || isConnectionError(error);
}

function where({ topic, partition, offset }: LogRecord): Position {
  return { topic, partition, offset };
}
