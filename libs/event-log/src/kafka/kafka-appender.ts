import type { Message, Producer, RecordMetadata, TopicMessages } from 'kafkajs';
import { LogUnavailable } from '../log-errors.js';
import { partitionOfKey } from '../partitioner.js';
import type { NewRecord } from '../port.js';
import { backoffMs, isPowerOfTwo, pause, within } from './deadline.js';
import { CLIENT_RETRY, type KafkaClient, type KafkaNetwork, openClient } from './kafka-client.js';

/** Below the broker's `max.message.bytes` (1 MiB), which bounds what one request brings to one partition. */
const MAX_PARTITION_BYTES = 900_000;
/** What one request carries in all: large enough for throughput, small enough to be acknowledged in milliseconds. */
const MAX_SEND_BYTES = 4_000_000;
/** Framing, timestamps and lengths of a record, generously. */
const RECORD_OVERHEAD_BYTES = 100;
const DEFAULT_MAX_QUEUED_BYTES = 64_000_000;
/** Sends begin at least this far apart; the first after a pause is not held. A request costs a broker more than a record. */
const LINGER_MS = 4;
const RECONNECT_FIRST_MS = 50;
const RECONNECT_MOST_MS = 500;

export interface AppenderOptions {
  network: KafkaNetwork;
  partitionCount: number;
  /** A caller hears after this long at the latest. */
  appendTimeoutMs: number;
  /** What may wait for its turn; above it `append` fails at once. */
  maxQueuedBytes?: number;
  /** Asked once for each topic: kafkajs would fail everybody's records for one unknown topic. */
  missingOf(topics: readonly string[]): Promise<string[]>;
}

interface PreparedRecord {
  topic: string;
  partition: number;
  bytes: number;
  message: Message;
}

/** One `append`: settled once, when all its records are acknowledged or the first of them is lost track of. */
interface PendingAppend {
  records: readonly PreparedRecord[];
  bytes: number;
  deadline: number;
  /** Records handed to a send so far. */
  sent: number;
  acknowledged: number;
  settled: boolean;
  resolve(): void;
  reject(error: Error): void;
}

interface Send {
  topicMessages: TopicMessages[];
  /** How many of its records each append has in this send. */
  shares: Map<PendingAppend, number>;
  partitions: Set<string>;
}

interface ConnectedProducer {
  client: KafkaClient;
  producer: Producer;
}

/**
 * Appends through one idempotent producer, one request in flight. Whatever arrives during a request, or in the few
 * milliseconds after one, leaves together in the next: that is the linger, and it costs an idle log nothing.
 *
 * kafkajs takes a failed send's sequence numbers back and gives them to the next batch, which the broker then takes for
 * a duplicate when the failed send had arrived after all. So a producer whose send failed in any way is never used again.
 */
export class KafkaAppender {
  private readonly queue: PendingAppend[] = [];
  /** Everything unsettled, oldest first: the order in which deadlines pass. */
  private readonly unsettled = new Set<PendingAppend>();
  private readonly knownTopics = new Set<string>();
  private readonly unseenTopics = new Set<string>();
  private queuedBytes = 0;
  private sweep: NodeJS.Timeout | undefined;
  private pumping: Promise<void> | undefined;
  private current: ConnectedProducer | undefined;
  private readonly closing = new AbortController();

  constructor(private readonly options: AppenderOptions) {}

  /**
   * @returns resolved when every record is acknowledged by all replicas in sync
   * @throws {@link LogUnavailable} not acknowledged within `appendTimeoutMs`, or the queue is full
   * @throws Error for a record that could never be appended: unknown topic, no such partition, larger than 900 kB
   */
  async append(records: readonly NewRecord[]): Promise<void> {
    if (records.length === 0) return;
    if (this.closing.signal.aborted) throw new LogUnavailable('The log has been closed');
    const prepared = records.map((record) => prepare(record, this.options.partitionCount));
    const bytes = prepared.reduce((sum, record) => sum + record.bytes, 0);
    if (this.queuedBytes + bytes > (this.options.maxQueuedBytes ?? DEFAULT_MAX_QUEUED_BYTES)) {
      throw new LogUnavailable(`${this.queuedBytes} bytes already wait for the log; nothing of this append was sent`);
    }
    await new Promise<void>((resolve, reject) => {
      const deadline = performance.now() + this.options.appendTimeoutMs;
      const append = { records: prepared, bytes, deadline, sent: 0, acknowledged: 0, settled: false, resolve, reject };
      this.queuedBytes += bytes;
      this.queue.push(append);
      this.unsettled.add(append);
      this.noteUnseenTopics(append);
      this.armSweep();
      this.pump();
    });
  }

  /** Connects now, so that a wrong address is found at the start and the first append does not pay for it. */
  async connect(): Promise<void> {
    this.current ??= await this.connectOnce();
  }

  /** Sends what is queued, for as long as its callers wait, then disconnects. */
  async close(): Promise<void> {
    const drained = this.pumping;
    if (drained) await within(this.options.appendTimeoutMs, drained, () => new Error('late')).catch(() => undefined);
    this.closing.abort();
    for (const append of [...this.unsettled]) this.fail(append, new LogUnavailable('The log has been closed'));
    clearTimeout(this.sweep);
    await this.pumping;
    const last = this.current;
    this.current = undefined;
    if (last === undefined) return;
    await within(1_000, last.producer.disconnect(), () => new Error('late')).catch(() => undefined);
    last.client.sever();
  }

  private pump(): void {
    this.pumping ??= this.sendWhatWaits().finally(() => {
      this.pumping = undefined;
      if (this.queue.length > 0) this.pump();
    });
  }

  private async sendWhatWaits(): Promise<void> {
    let failures = 0;
    while (this.queue.length > 0) {
      if (this.closing.signal.aborted) return this.clearQueue();
      try {
        // Appends of the same turn of the event loop join the first send.
        await Promise.resolve();
        this.current ??= await this.connectOnce();
        while (this.unseenTopics.size > 0) await this.refuseUnknownTopics();
      } catch (error) {
        // Nothing was sent: those who wait go on waiting until their deadlines.
        await pause(backoffMs(failures++, RECONNECT_FIRST_MS, RECONNECT_MOST_MS), this.closing.signal);
        if (isPowerOfTwo(failures)) {
          const fields = { failures, error: (error as Error).message };
          this.options.network.log.warn(fields, 'no producer for the log; connecting again');
        }
        this.dropSettled();
        continue;
      }
      failures = 0;
      const startedAt = performance.now();
      const send = this.compose();
      if (send.shares.size === 0) continue;
      await this.perform(send, this.current);
      const restMs = LINGER_MS - (performance.now() - startedAt);
      // Also with nothing to send: what comes next should not leave alone either.
      if (restMs > 0) await pause(restMs, this.closing.signal);
    }
  }

  private async perform(send: Send, connected: ConnectedProducer): Promise<void> {
    // Shorter than the callers' deadline, so that those queued behind a lost send still get their turn.
    const timeoutMs = Math.ceil(this.options.appendTimeoutMs * 0.8);
    const sending = connected.producer.sendBatch({ acks: -1, timeout: timeoutMs, topicMessages: send.topicMessages });
    try {
      const answers = await within(timeoutMs, sending, () => new Error(`no acknowledgement within ${timeoutMs} ms`));
      requireAll(send.partitions, answers);
    } catch (error) {
      sending.catch(() => undefined);
      this.retire(connected, error as Error);
      for (const append of send.shares.keys()) {
        this.fail(
          append,
          new LogUnavailable(`The log did not acknowledge: ${(error as Error).message}`, { cause: error }),
        );
      }
      return;
    }
    for (const [append, count] of send.shares) {
      append.acknowledged += count;
      if (append.acknowledged === append.records.length && this.settle(append)) append.resolve();
    }
  }

  /** From the head of the queue in order, until a partition's or the request's limit is reached. */
  private compose(): Send {
    const messages = new Map<string, Message[]>();
    const partitionBytes = new Map<string, number>();
    const shares = new Map<PendingAppend, number>();
    let total = 0;
    composing: while (this.queue.length > 0) {
      const append = this.queue[0]!;
      while (!append.settled && append.sent < append.records.length) {
        const record = append.records[append.sent]!;
        const place = placeOf(record);
        const bytes = (partitionBytes.get(place) ?? 0) + record.bytes;
        // The first record always fits: a larger one was refused by `prepare`.
        if (bytes > MAX_PARTITION_BYTES || (total > 0 && total + record.bytes > MAX_SEND_BYTES)) break composing;
        partitionBytes.set(place, bytes);
        total += record.bytes;
        const ofTopic = messages.get(record.topic);
        if (ofTopic) ofTopic.push(record.message);
        else messages.set(record.topic, [record.message]);
        append.sent += 1;
        shares.set(append, (shares.get(append) ?? 0) + 1);
      }
      this.queue.shift();
    }
    const topicMessages = [...messages].map(([topic, ofTopic]) => ({ topic, messages: ofTopic }));
    return { topicMessages, shares, partitions: new Set(partitionBytes.keys()) };
  }

  private noteUnseenTopics({ records }: PendingAppend): void {
    for (const { topic } of records) if (!this.knownTopics.has(topic)) this.unseenTopics.add(topic);
  }

  private async refuseUnknownTopics(): Promise<void> {
    const unknown = [...this.unseenTopics];
    const missing = new Set(await this.options.missingOf(unknown));
    for (const topic of unknown) {
      this.unseenTopics.delete(topic);
      if (!missing.has(topic)) this.knownTopics.add(topic);
    }
    for (const append of this.queue) {
      const topic = append.records.find((record) => missing.has(record.topic))?.topic;
      if (topic !== undefined) this.fail(append, new Error(`Topic ${topic} does not exist (ensureTopics creates it)`));
    }
    this.dropSettled();
  }

  private async connectOnce(): Promise<ConnectedProducer> {
    const { network, appendTimeoutMs } = this.options;
    // Not below the send's own limit: a request that times out inside kafkajs would be sent a second time by it.
    const client = openClient(network, appendTimeoutMs);
    const producer = client.kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      retry: CLIENT_RETRY,
      createPartitioner: () => (args) => args.message.partition!,
    });
    try {
      await within(appendTimeoutMs, producer.connect(), () => new Error('no connection in time'));
      return { client, producer };
    } catch (error) {
      client.sever();
      throw error;
    }
  }

  private retire(connected: ConnectedProducer, error: Error): void {
    this.options.network.log.warn({ error: error.message }, 'a send ended without an answer; its producer is retired');
    // Cut off first: a retry inside kafkajs must not reach the broker after the next producer has begun.
    connected.client.sever();
    connected.producer.disconnect().catch(() => undefined);
    if (this.current === connected) this.current = undefined;
    // The reason may be a topic that has been deleted.
    this.knownTopics.clear();
    for (const append of this.queue) this.noteUnseenTopics(append);
  }

  private armSweep(): void {
    if (this.sweep !== undefined) return;
    const [oldest] = this.unsettled;
    if (oldest === undefined) return;
    const delayMs = Math.max(1, oldest.deadline - performance.now());
    this.sweep = setTimeout(() => {
      this.sweep = undefined;
      const now = performance.now();
      for (const append of this.unsettled) {
        if (append.deadline > now) break;
        const waitedMs = this.options.appendTimeoutMs;
        this.fail(append, new LogUnavailable(`The log did not acknowledge within ${waitedMs} ms`));
      }
      this.armSweep();
    }, delayMs);
  }

  private fail(append: PendingAppend, error: Error): void {
    if (this.settle(append)) append.reject(error);
  }

  private settle(append: PendingAppend): boolean {
    if (append.settled) return false;
    append.settled = true;
    this.unsettled.delete(append);
    this.queuedBytes -= append.bytes;
    return true;
  }

  private dropSettled(): void {
    const waiting = this.queue.filter((append) => !append.settled);
    this.queue.splice(0, this.queue.length, ...waiting);
  }

  private clearQueue(): void {
    for (const append of this.queue) this.fail(append, new LogUnavailable('The log has been closed'));
    this.queue.length = 0;
  }
}

function prepare(record: NewRecord, partitionCount: number): PreparedRecord {
  const { topic, key, value, headers = {} } = record;
  const partition = record.partition ?? partitionOfKey(key, partitionCount);
  if (!Number.isInteger(partition) || partition < 0 || partition >= partitionCount) {
    throw new RangeError(`${topic} has no partition ${partition}; the log has ${partitionCount}`);
  }
  const content = Buffer.isBuffer(value) ? value : Buffer.from(value, 'utf8');
  let bytes = RECORD_OVERHEAD_BYTES + content.length + Buffer.byteLength(key);
  for (const [name, text] of Object.entries(headers)) bytes += 10 + Buffer.byteLength(name) + Buffer.byteLength(text);
  if (bytes > MAX_PARTITION_BYTES) {
    throw new RangeError(`A record of ${bytes} bytes for ${topic} is above the limit of ${MAX_PARTITION_BYTES}`);
  }
  return { topic, partition, bytes, message: { key, value: content, headers, partition } };
}

function placeOf({ topic, partition }: { topic: string; partition: number }): string {
  return `${topic}/${partition}`;
}

/**
 * kafkajs calls a send done although a partition was in no request, when its leader moved between brokers during a retry.
 * @throws Error when a partition of the send has no answer
 */
function requireAll(partitions: ReadonlySet<string>, answers: readonly RecordMetadata[]): void {
  const answered = new Set(answers.map(({ topicName, partition }) => placeOf({ topic: topicName, partition })));
  const left = [...partitions].filter((place) => !answered.has(place));
  if (left.length > 0) throw new Error(`no answer for ${left.join(', ')}`);
}
