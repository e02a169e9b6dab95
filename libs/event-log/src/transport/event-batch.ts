import type { EventDefinition, EventEnvelope } from '@tickwire/contracts';
import type { LogRecord, NewRecord, OffsetKeeping, Position } from '../port.js';

/** A record with its event, decoded and checked against its contract. Shared between the groups of a process: not to be changed. */
export interface ReceivedEvent<T extends object = object> {
  record: LogRecord;
  event: EventEnvelope<T>;
}

/** A record that could not be read or handled. `letter` is on its way to the dead letters. */
export interface Fault {
  record: LogRecord;
  error: unknown;
  letter: NewRecord;
}

/** What a decorated batch handler gets. */
export interface EventBatch {
  group: string;
  /** In offset order within a topic's partition. */
  events: readonly ReceivedEvent[];
  /**
   * Records of this batch that are no events, or whose handling failed. With `offsets: 'handler'` the handler has to emit
   * their letters in its transaction; otherwise the server appends them once the handler is through.
   */
  faults: readonly Fault[];
  /** The positions after this batch. */
  next: readonly Position[];
  /** With `offsets: 'settle'`: everything below `position.offset` is done. */
  settle(position: Position): void;
}

/** Events of one type in a batch, typed. */
export function eventsOf<T extends object>(batch: EventBatch, definition: EventDefinition<T>): ReceivedEvent<T>[] {
  return batch.events.filter(({ event }) => event.type === definition.type) as ReceivedEvent<T>[];
}

/** What `@PartitionsAssigned` and `@PartitionsRevoked` methods get. */
export interface AssignmentChange {
  group: string;
  partitions: readonly number[];
  /** Whether this member may still act for its partitions. */
  alive(): boolean;
}

export interface OwnedBatchOptions {
  group: string;
  // A handler takes several types; each definition keeps its own payload.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  events: readonly EventDefinition<any>[];
  offsets: OffsetKeeping;
  maxBatchRecords?: number;
  /** See `OwnedOptions.paceMs`. */
  paceMs?: number;
}

export interface BroadcastOptionsOfEvents {
  /** Names the reader in dead letters and logs. */
  name: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  events: readonly EventDefinition<any>[];
  /** `last`: from the last so many records of each partition: for state that is said again and again. */
  from: 'beginning' | 'end' | { last: number };
}
