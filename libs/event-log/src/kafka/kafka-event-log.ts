import type { ConnectionOptions } from 'node:tls';
import type { ISocketFactory, SASLOptions } from 'kafkajs';
import { LogUnavailable } from '../log-errors.js';
import {
  type BroadcastOptions,
  type ConsumerProgress,
  DEFAULT_PARTITIONS,
  type EventLog,
  type LogRecord,
  type LogSink,
  type NewRecord,
  type OwnedOptions,
  type PartitionBounds,
  type Position,
  SESSION_TIMING,
  type SessionTiming,
  type Subscription,
  type TopicSpec,
} from '../port.js';
import { openBroadcast } from './broadcast-consumer.js';
import { pause } from './deadline.js';
import { KafkaAdmin } from './kafka-admin.js';
import { KafkaAppender } from './kafka-appender.js';
import type { KafkaNetwork } from './kafka-client.js';
import { type LogContext, OwnedConsumer } from './owned-consumer.js';
import { readStretch } from './read-stretch.js';

export interface KafkaEventLogOptions {
  /** `host:port` each; one that answers is enough to find the others. */
  brokers: readonly string[];
  /** Names this process to the brokers. */
  clientId: string;
  /** Partitions of every topic, fixed when the first topic is created. Default 12. */
  partitionCount?: number;
  /** Of topics that `ensureTopics` creates. Default 1; production 3. */
  replicationFactor?: number;
  /** Replicas that must have a record before it is acknowledged. Default 1; production 2. */
  minInSync?: number;
  timing?: Partial<SessionTiming>;
  log: LogSink;
  /** After this long `append` gives up, ms. Default 5000. */
  appendTimeoutMs?: number;
  /** Bytes that may wait to be sent. Default 64 MB. */
  maxQueuedBytes?: number;
  ssl?: ConnectionOptions | boolean;
  sasl?: SASLOptions;
  /** Opens the sockets; for tests that stand between client and broker. */
  socketFactory?: ISocketFactory;
}

const CONNECT_ATTEMPTS = 10;
const CONNECT_RETRY_MS = 500;

/** The event log on Kafka, through kafkajs. What it promises is said in `port.ts`. */
export class KafkaEventLog implements EventLog {
  readonly kind = 'kafka';
  private closed: Promise<void> | undefined;

  private constructor(
    private readonly context: LogContext,
    private readonly appender: KafkaAppender,
  ) {}

  /** @throws LogUnavailable when no broker answers within some seconds */
  static async connect(options: KafkaEventLogOptions): Promise<KafkaEventLog> {
    const { brokers, clientId, ssl, sasl, socketFactory, log } = options;
    const { partitionCount = DEFAULT_PARTITIONS, replicationFactor = 1, minInSync = 1 } = options;
    const { appendTimeoutMs = 5_000, maxQueuedBytes } = options;
    const network: KafkaNetwork = { brokers, clientId, ssl, sasl, socketFactory, log };
    const admin = new KafkaAdmin(network, { partitionCount, replicationFactor, minInSync });
    const timing = { ...SESSION_TIMING, ...options.timing };
    const missingOf = (topics: readonly string[]) => admin.missingOf(topics);
    const appender = new KafkaAppender({ network, partitionCount, appendTimeoutMs, maxQueuedBytes, missingOf });
    const context: LogContext = { network, admin, partitionCount, timing, members: new Set(), isClosing: false };
    for (let attempt = 1; ; attempt++) {
      try {
        await appender.connect();
        return new KafkaEventLog(context, appender);
      } catch (error) {
        if (attempt === CONNECT_ATTEMPTS) {
          await admin.close();
          throw new LogUnavailable(`No Kafka broker answers at ${brokers.join(', ')}: ${(error as Error).message}`, {
            cause: error,
          });
        }
        await pause(CONNECT_RETRY_MS);
      }
    }
  }

  get partitionCount(): number {
    return this.context.partitionCount;
  }

  /** Existing topics keep their settings. @throws Error when one has another partition count */
  ensureTopics(topics: readonly TopicSpec[]): Promise<void> {
    return this.context.admin.ensureTopics(topics);
  }

  append(records: readonly NewRecord[]): Promise<void> {
    return this.appender.append(records);
  }

  owned(options: OwnedOptions): Promise<Subscription> {
    return OwnedConsumer.open(this.context, options);
  }

  broadcast(options: BroadcastOptions): Promise<Subscription> {
    return openBroadcast(this.context, options);
  }

  bounds(topics: readonly string[]): Promise<PartitionBounds[]> {
    return this.context.admin.bounds(topics);
  }

  consumers(): readonly ConsumerProgress[] {
    return [...this.context.members].filter(({ isTemporary }) => !isTemporary).map((member) => member.progress());
  }

  read(from: Position, limit: number): Promise<LogRecord[]> {
    return readStretch(this.context, from, limit);
  }

  ping(): Promise<boolean> {
    return this.context.admin.ping();
  }

  /** Closes its subscriptions, lets queued appends go out, then disconnects. Idempotent. */
  close(): Promise<void> {
    this.closed ??= this.shutDown();
    return this.closed;
  }

  private async shutDown(): Promise<void> {
    this.context.isClosing = true;
    // Handlers append, so the appender goes last.
    await Promise.all([...this.context.members].map((member) => member.close()));
    await this.appender.close();
    await this.context.admin.close();
  }
}
