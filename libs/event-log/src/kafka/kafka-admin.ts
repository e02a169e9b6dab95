import type { Admin } from 'kafkajs';
import { LogUnavailable } from '../log-errors.js';
import type { PartitionBounds, Position, TopicSpec } from '../port.js';
import { pause, within } from './deadline.js';
import { type KafkaClient, type KafkaNetwork, openClient } from './kafka-client.js';

const REQUEST_TIMEOUT_MS = 5_000;
const PING_TIMEOUT_MS = 1_500;
const RETRY_FOR_MS = 4_000;
const RETRY_MS = 100;
/** How long a new topic may take until every broker knows it. */
const TOPIC_VISIBLE_MS = 10_000;
const TOPIC_LED_MS = 45_000;

export interface TopicDefaults {
  partitionCount: number;
  replicationFactor: number;
  minInSync: number;
}

interface AdminSession {
  client: KafkaClient;
  admin: Admin;
  connected: Promise<void>;
}

/**
 * Topics, offsets and groups of the cluster. One kafkajs admin serves all calls and is replaced after the first failure,
 * because kafkajs' own keeps what it knew of a broker or topic that is gone.
 */
export class KafkaAdmin {
  private session: AdminSession | undefined;
  private closed = false;

  constructor(
    private readonly network: KafkaNetwork,
    private readonly defaults: TopicDefaults,
  ) {}

  /** Creates what is missing; safe beside others doing the same. @throws Error when a topic has another partition count. */
  async ensureTopics(topics: readonly TopicSpec[]): Promise<void> {
    if (topics.length === 0) return;
    const names = topics.map(({ name }) => name);
    const missing = await this.missingOf(names);
    if (missing.length > 0) {
      const specs = topics.filter(({ name }) => missing.includes(name));
      await this.ask(async (admin) => {
        await admin.createTopics({ topics: specs.map((spec) => this.creation(spec)), timeout: REQUEST_TIMEOUT_MS });
      }).catch(async (error: unknown) => {
        // Somebody else may have created some of them in between.
        if ((await this.missingOf(names)).length > 0) throw error;
      });
    }
    await this.waitUntilVisible(names);
    await this.waitUntilLed(names);
  }

  /** A new partition is listed before it has a leader; with hundreds of them that takes seconds. */
  private async waitUntilLed(names: readonly string[]): Promise<void> {
    const deadline = performance.now() + TOPIC_LED_MS;
    for (;;) {
      try {
        await this.bounds(names);
        return;
      } catch (error) {
        if (!(error instanceof LogUnavailable) || performance.now() > deadline) throw error;
        await pause(250);
      }
    }
  }

  private creation(spec: TopicSpec) {
    const config: Record<string, string> = {
      'min.insync.replicas': String(this.defaults.minInSync),
      'unclean.leader.election.enable': 'false',
      'cleanup.policy': 'delete',
      // `LogRecord.timestampMs` is when the log took the record, not when a producer's clock made it.
      'message.timestamp.type': 'LogAppendTime',
    };
    if (spec.retentionMs !== undefined) config['retention.ms'] = String(spec.retentionMs);
    return {
      topic: spec.name,
      numPartitions: this.defaults.partitionCount,
      replicationFactor: this.defaults.replicationFactor,
      configEntries: Object.entries(config).map(([name, value]) => ({ name, value })),
    };
  }

  private async waitUntilVisible(names: readonly string[]): Promise<void> {
    const deadline = performance.now() + TOPIC_VISIBLE_MS;
    for (;;) {
      const missing = await this.missingOf(names);
      if (missing.length === 0) return;
      if (performance.now() > deadline) throw new LogUnavailable(`Topics are not visible yet: ${missing.join(', ')}`);
      await pause(100);
    }
  }

  /** Of `names` those that do not exist. */
  async missingOf(names: readonly string[]): Promise<string[]> {
    const existing = new Set(await this.ask((admin) => admin.listTopics()));
    return names.filter((name) => !existing.has(name));
  }

  /**
   * Start and end of every partition of the topics.
   * @throws Error when a topic does not exist or has another partition count than the log
   */
  async bounds(topics: readonly string[]): Promise<PartitionBounds[]> {
    const missing = await this.missingOf(topics);
    if (missing.length > 0) throw new Error(`Topics do not exist (ensureTopics creates them): ${missing.join(', ')}`);
    const perTopic = await Promise.all(
      topics.map(async (topic) => {
        const offsets = await this.ask((admin) => admin.fetchTopicOffsets(topic));
        this.checkPartitionCount(topic, offsets.length);
        return offsets.map(({ partition, low, high }) => ({ topic, partition, start: Number(low), end: Number(high) }));
      }),
    );
    return perTopic.flat().sort((a, b) => a.topic.localeCompare(b.topic) || a.partition - b.partition);
  }

  private checkPartitionCount(topic: string, count: number): void {
    const { partitionCount } = this.defaults;
    if (count !== partitionCount) {
      throw new Error(
        `Topic ${topic} has ${count} partitions, but the log was set up with ${partitionCount}. Partition counts are fixed ` +
          `at creation: a key's place would change. Use the count the topic has, or another topic.`,
      );
    }
  }

  /** The offsets a group has committed; partitions without one are absent. */
  async committed(groupId: string, topics: readonly string[]): Promise<Position[]> {
    const byTopic = await this.ask((admin) => admin.fetchOffsets({ groupId, topics: [...topics] }));
    return byTopic.flatMap(({ topic, partitions }) =>
      partitions
        .map(({ partition, offset }) => ({ topic, partition, offset: Number(offset) }))
        .filter(({ offset }) => offset >= 0),
    );
  }

  /** Best effort: an empty group without offsets vanishes by itself, only later. */
  async deleteGroup(groupId: string): Promise<void> {
    await this.ask((admin) => admin.deleteGroups([groupId])).catch(() => undefined);
  }

  async ping(): Promise<boolean> {
    try {
      const { brokers } = await this.askOnce((admin) => admin.describeCluster(), PING_TIMEOUT_MS);
      return brokers.length > 0;
    } catch {
      return false;
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.discard(this.session);
  }

  /**
   * Again on a new session while kafkajs says that it may help: a leader has just moved, a coordinator loads.
   * @throws LogUnavailable whatever the reason: what callers can mend is checked by name elsewhere
   */
  private async ask<T>(question: (admin: Admin) => Promise<T>): Promise<T> {
    const giveUpAt = performance.now() + RETRY_FOR_MS;
    for (;;) {
      try {
        return await this.askOnce(question, 2 * REQUEST_TIMEOUT_MS);
      } catch (error) {
        const again = isRetriable(error) && performance.now() < giveUpAt && !this.closed;
        if (!again) throw new LogUnavailable(`Kafka did not answer: ${(error as Error).message}`, { cause: error });
        await pause(RETRY_MS);
      }
    }
  }

  private async askOnce<T>(question: (admin: Admin) => Promise<T>, timeoutMs: number): Promise<T> {
    if (this.closed) throw new LogUnavailable('The log has been closed');
    const session = (this.session ??= this.open());
    const answer = session.connected.then(() => question(session.admin));
    try {
      return await within(timeoutMs, answer, () => new Error(`no answer within ${timeoutMs} ms`));
    } catch (error) {
      answer.catch(() => undefined);
      void this.discard(session);
      throw error;
    }
  }

  private open(): AdminSession {
    const client = openClient(this.network, REQUEST_TIMEOUT_MS);
    const admin = client.kafka.admin();
    const connected = admin.connect();
    connected.catch(() => undefined);
    return { client, admin, connected };
  }

  /** Others may still be waiting for answers of this session: they get them, or a second at most. */
  private async discard(session: AdminSession | undefined): Promise<void> {
    if (session === undefined) return;
    if (this.session === session) this.session = undefined;
    await within(1_000, session.admin.disconnect(), () => new Error('late')).catch(() => undefined);
    session.client.sever();
  }
}

/** kafkajs wraps the reason of a refused retry. */
function isRetriable(error: unknown): boolean {
  const { retriable, cause } = error as { retriable?: boolean; cause?: unknown };
  return retriable === true || (cause !== undefined && cause !== null && isRetriable(cause));
}
