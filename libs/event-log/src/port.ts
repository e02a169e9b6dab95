/**
 * The event log: partitioned, append-only, durable. Kafka in production, Postgres in the embedded default;
 * both keep what this file promises, and `event-log.conformance.ts` holds them to it.
 *
 * Every topic of a log has the same number of partitions, fixed when the log is created. A record's partition is
 * murmur2(key), as in Kafka's Java client, so that producers in other languages agree.
 */

/** A record to append. */
export interface NewRecord {
  topic: string;
  /** Records of one key stay in order. */
  key: string;
  /** Normally one CloudEvent as JSON text. */
  value: string | Buffer;
  headers?: Readonly<Record<string, string>>;
  /** Only where a record has to reach a certain partition (heartbeats); otherwise the key decides. */
  partition?: number;
}

/** A record as it was read. */
export interface LogRecord {
  topic: string;
  partition: number;
  /** Position in the partition: gap-free from the first record kept; a safe integer. */
  offset: number;
  key: string;
  value: Buffer;
  headers: Readonly<Record<string, string>>;
  /** When the log took it, ms since the epoch. */
  timestampMs: number;
}

/** The next offset to read of one partition of one topic. */
export interface Position {
  topic: string;
  partition: number;
  offset: number;
}

/** `start` is the first offset kept, `end` the offset the next record will get. */
export interface PartitionBounds {
  topic: string;
  partition: number;
  start: number;
  end: number;
}

export interface TopicSpec {
  name: string;
  /** How long records are kept, ms. */
  retentionMs?: number;
}

/** Records of all partitions a member owns, so that one transaction can commit them together. */
export interface OwnedBatch {
  group: string;
  /** In offset order within a topic's partition; between partitions in any order. Never empty. */
  records: readonly LogRecord[];
  /** The position after this batch, for each topic and partition that has records in it. */
  next: readonly Position[];
}

/**
 * Who keeps a group's offsets.
 * - `handler`: it stores them in its own transactions and returns them from `assigned`; the log stores none.
 * - `port`: committed at most every 250-1000 ms after `handle` has resolved.
 * - `settle`: as `port`, but a record counts as done only when `Subscription.settle` has passed it.
 */
export type OffsetKeeping = 'handler' | 'port' | 'settle';

/** How one member of a group stands, from what its log knows without asking anybody. */
export interface ConsumerProgress {
  group: string;
  /** Of every topic, the partitions that the member owns. */
  partitions: readonly PartitionProgress[];
  /** By topic: records that expired unread and were passed over since the member joined. Perishable topics only. */
  expired: ReadonlyMap<string, number>;
}

export interface PartitionProgress {
  topic: string;
  partition: number;
  /** Records from the position to the partition's end, as the log last saw it; with `settle`, from what is settled. */
  lag: number;
  /** Nothing of it is read until an operator has dealt with it; see {@link PositionOutOfLog}. */
  isStopped: boolean;
}

export interface OwnedOptions {
  group: string;
  /** All topics have equal partition counts; partition n of every topic goes to the same member. */
  topics: readonly string[];
  /**
   * Those of the topics whose records are worth nothing once they have expired. A position before the start of their
   * partitions goes on at the first record kept, with a warning; on other topics it stops the partition. A position
   * beyond the end stops it on all of them: that is a lost log, not age.
   */
  perishable?: readonly string[];
  offsets: OffsetKeeping;
  /**
   * Called with newly owned partitions before any of their records. With `offsets: 'handler'` it returns the position of
   * every topic and partition it has one for; the rest start at the beginning of the log. A rejection is retried with backoff.
   */
  assigned?(partitions: readonly number[]): Promise<readonly Position[] | void>;
  /**
   * Called when partitions are given up, after the running batch has ended (not waited for when the session was lost).
   * Memory that belongs to them has to be dropped here.
   */
  revoked?(partitions: readonly number[]): Promise<void> | void;
  /**
   * One batch at a time. When it rejects, the same batch comes again after a backoff, for as long as the partitions are owned
   * (so code faults must be dealt with inside); `OwnershipLost` makes the member drop those partitions and join again.
   */
  handle(batch: OwnedBatch): Promise<void>;
  /** A partition whose position lies outside the log, or whose offsets have a gap, is stopped; the others go on. */
  partitionStopped?(error: PositionOutOfLog): void;
  /** The most records in one batch. Default 1000. */
  maxBatchRecords?: number;
  /**
   * Batches begin at least so many ms apart, unless one is full: what comes meanwhile shares the next one, its transaction
   * and its requests. The first record after a pause is not held. Default 0.
   */
  paceMs?: number;
}

export interface BroadcastOptions {
  topics: readonly string[];
  /** Where to begin: what is there from the first record kept, only what comes after `broadcast` resolved, or stated positions (others at the end). */
  from: 'beginning' | 'end' | readonly Position[];
  /** Every record of the topics, to every subscriber; one call at a time. A rejection is retried with backoff. */
  handle(records: readonly LogRecord[]): Promise<void> | void;
}

export interface Subscription {
  /** Partitions owned now (all of them for a broadcast). */
  owned(): readonly number[];
  /** With `offsets: 'settle'`: everything below `offset` is done. */
  settle(position: Position): void;
  /** False when the member has not been able to heartbeat within its session, has crashed or a partition is stopped. */
  healthy(): boolean;
  /** Whether this member may still act for its partitions: it has heartbeaten within its session. */
  alive(): boolean;
  /** Ends intake, lets the running batch finish, commits, hands the partitions over. Idempotent. */
  close(): Promise<void>;
}

/** What a transaction of ours needs of a database client; `pg`'s Client and PoolClient have it. */
export interface Queryable {
  query<R extends object = Record<string, unknown>>(
    /** With a name it is prepared once for each connection. */
    query: string | { name: string; text: string; values: unknown[] },
    values?: unknown[],
  ): Promise<{ rows: R[]; rowCount: number | null }>;
}

/** A log that lives in the database of its users, so that a record can be appended in their transaction. */
export interface TransactionalAppend {
  /** The append as a statement of the caller's: the last before COMMIT, for it locks the partitions' heads until then. */
  append(records: readonly NewRecord[]): AppendStatement;
}

export interface AppendStatement {
  text: string;
  values: readonly unknown[];
  /** To be called after the commit, with the rows that the statement was answered with: readers get the records. */
  committed(rows: readonly object[]): void;
}

export interface EventLog {
  readonly kind: 'kafka' | 'postgres';
  /** Partitions of every topic. */
  readonly partitionCount: number;
  /** Present where the log shares the caller's database: the outbox insert is then the append itself. */
  readonly transactional?: TransactionalAppend;
  /** Creates the topics that are missing. Idempotent, safe beside others doing the same. */
  ensureTopics(topics: readonly TopicSpec[]): Promise<void>;
  /**
   * @throws {@link LogUnavailable} when the log did not acknowledge in time: the records may be in the log or not
   * @throws Error for a record that no log takes (an unknown topic, a bad partition, above 900 kB): harms no other append
   */
  append(records: readonly NewRecord[]): Promise<void>;
  /** Joins a group; resolves once the member has joined (partitions may come later). */
  owned(options: OwnedOptions): Promise<Subscription>;
  /** Reads everything, commits nothing; resolves once the positions are fixed. */
  broadcast(options: BroadcastOptions): Promise<Subscription>;
  bounds(topics: readonly string[]): Promise<PartitionBounds[]>;
  /** The members of groups that this connection has, for metrics. Broadcasts are not among them. */
  consumers(): readonly ConsumerProgress[];
  /** Reads a stretch of one partition without a subscription: operators' tools. At most `limit` records. */
  read(from: Position, limit: number): Promise<LogRecord[]>;
  /** Usable now? For readiness; answers within a second or two. */
  ping(): Promise<boolean>;
  close(): Promise<void>;
}

/** Where adapters tell what happens to them; pino's logger fits. */
export interface LogSink {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Timing of membership; tests shorten it, production keeps the defaults. */
export interface SessionTiming {
  /** A member that is silent for this long loses its partitions. Default 6000. */
  sessionMs: number;
  /** Default 1000. Also sent while a batch runs. */
  heartbeatMs: number;
  /** How long a rebalance waits for members to hand over. Default 10000. */
  rebalanceMs: number;
}

export const SESSION_TIMING: SessionTiming = { sessionMs: 6_000, heartbeatMs: 1_000, rebalanceMs: 10_000 };
/** Twelve divides by 1, 2, 3, 4, 6: even shares for the usual replica counts. */
export const DEFAULT_PARTITIONS = 12;

export { LogUnavailable, OwnershipLost, PositionOutOfLog } from './log-errors.js';
import type { PositionOutOfLog } from './log-errors.js';
