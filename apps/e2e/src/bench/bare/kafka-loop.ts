/**
 * The bare loop on Kafka: kafkajs as its documentation uses it, batches in front of the producer, offsets committed every
 * half second, nothing checked, nothing deduplicated. It loses and repeats records when a stage is killed.
 */
import { createPool } from '@tickwire/persistence';
import { Kafka, logLevel, Partitioners, type Consumer, type Message, type Producer } from 'kafkajs';
import type { LoadResult } from '../latencies.js';
import { runOpenLoop, SYSTEM_CLOCK, wallMs, type OpenLoopPlan } from '../load/open-loop.js';
import type { PreparedWork } from '../workers/bench-worker.js';
import { gathered } from './gathered.js';
import {
  BARE_TOPICS,
  ensureBareTable,
  executedRecord,
  insertTrades,
  receivedRecord,
  validatedRecord,
  type BareRecord,
  type Trade,
} from './bare-records.js';

export interface KafkaLoadPlan extends OpenLoopPlan {
  run: string;
  brokers: readonly string[];
  accounts: number;
}

export interface KafkaStagePlan {
  run: string;
  brokers: readonly string[];
  stage: 'validate' | 'execute';
  /** For the rows of `execute`. */
  postgresUrl: string;
}

const PARTITIONS = 12;
const COMMIT_INTERVAL_MS = 500;
/** How long a fetch may wait for records; with kafkajs' default of 5 s each hop would wait for the next batch. */
const FETCH_WAIT_MS = 3;

/** Makes the topics; safe to repeat. */
export async function ensureBareKafkaTopics(brokers: readonly string[]): Promise<void> {
  const admin = clientOf(brokers).admin();
  await admin.connect();
  await admin.createTopics({
    topics: Object.values(BARE_TOPICS).map((topic) => ({ topic, numPartitions: PARTITIONS, replicationFactor: 1 })),
  });
  await admin.disconnect();
}

/** Hop one: appends by the clock. A record is accepted when the broker has acknowledged it. */
export async function prepareKafkaLoad(plan: KafkaLoadPlan): Promise<PreparedWork<LoadResult>> {
  const { brokers, run, accounts, ratePerSecond, seconds } = plan;
  const producer = await openProducer(brokers);
  const append = gatheredSends(producer);
  const total = Math.round(ratePerSecond * seconds);
  const records = Array.from({ length: total }, (_, index) => receivedRecord(run, index, accounts));
  return {
    run: async () => {
      const acceptedAtMs = new Float64Array(total).fill(NaN);
      const refused: Record<string, number> = {};
      const sends: Promise<void>[] = [];
      const send = async (index: number): Promise<void> => {
        try {
          await append([records[index]!]);
          acceptedAtMs[index] = wallMs();
        } catch (error) {
          const name = (error as Error).name;
          refused[name] = (refused[name] ?? 0) + 1;
        }
      };
      const { worstDelayMs } = await runOpenLoop(plan, SYSTEM_CLOCK, (index) => sends.push(send(index)));
      await Promise.all(sends);
      return { acceptedAtMs, refused, worstDelayMs };
    },
    close: () => producer.disconnect(),
  };
}

/** Hops two and three. Resolves once it has its partitions and has looked for their ends; works until it is closed. */
export async function prepareKafkaStage({ run, brokers, stage, postgresUrl }: KafkaStagePlan): Promise<PreparedWork> {
  const producer = await openProducer(brokers);
  const append = gatheredSends(producer);
  const pool =
    stage === 'execute'
      ? createPool({ connectionString: postgresUrl, applicationName: 'bench bare', max: 4 })
      : undefined;
  if (pool) await ensureBareTable(pool);
  // All partitions share a commit, as they do in the real stages: with one each, the bare loop would be the slower one.
  const commit = gathered(async (trades: Trade[]) => insertTrades(pool!, trades));
  const consumer = clientOf(brokers).consumer({ groupId: `bench-${run}-${stage}`, maxWaitTimeInMs: FETCH_WAIT_MS });
  await consumer.connect();
  await consumer.subscribe({
    topic: stage === 'validate' ? BARE_TOPICS.received : BARE_TOPICS.validated,
    fromBeginning: false,
  });
  const positioned = firstFetch(consumer);
  const offsets = new Offsets(consumer);
  await consumer.run({
    // kafkajs' own commits come after every batch of every partition, whatever interval it is told.
    autoCommit: false,
    partitionsConsumedConcurrently: PARTITIONS,
    eachBatch: async ({ batch }) => {
      const values = batch.messages.map(({ value }) => value!);
      if (pool) {
        const trades = values.map(executedRecord);
        await commit(trades);
        await append(trades);
      } else {
        await append(values.map(validatedRecord));
      }
      offsets.done(batch.topic, batch.partition, Number(batch.lastOffset()) + 1);
    },
  });
  await positioned;
  return {
    run: async () => undefined,
    close: async () => {
      await offsets.close();
      await consumer.disconnect();
      await producer.disconnect();
      await pool?.end();
    },
  };
}

/** Commits what is done every half second, one commit at a time, beside the work. */
class Offsets {
  private readonly waiting = new Map<string, { topic: string; partition: number; offset: string }>();
  private readonly timer = setInterval(() => void this.commit(), COMMIT_INTERVAL_MS);
  private committing: Promise<void> | undefined;

  constructor(private readonly consumer: Consumer) {}

  done(topic: string, partition: number, offset: number): void {
    this.waiting.set(`${topic}/${partition}`, { topic, partition, offset: String(offset) });
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.committing;
  }

  private commit(): Promise<void> {
    return (this.committing ??= this.commitOnce().finally(() => (this.committing = undefined)));
  }

  private async commitOnce(): Promise<void> {
    const positions = [...this.waiting.values()];
    this.waiting.clear();
    // A refused commit would be repeated with the next one; nobody reads these groups' offsets afterwards.
    if (positions.length > 0) await this.consumer.commitOffsets(positions).catch(() => undefined);
  }
}

function clientOf(brokers: readonly string[]): Kafka {
  return new Kafka({ clientId: 'bench', brokers: [...brokers], logLevel: logLevel.NOTHING });
}

async function openProducer(brokers: readonly string[]): Promise<Producer> {
  const producer = clientOf(brokers).producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    idempotent: true,
    maxInFlightRequests: 1,
  });
  await producer.connect();
  return producer;
}

/** One send at a time, of all that has come meanwhile: kafkajs has no linger. */
function gatheredSends(producer: Producer): (records: readonly BareRecord[]) => Promise<void> {
  return gathered(async (records: BareRecord[]) => {
    await producer.sendBatch({ acks: -1, topicMessages: byTopic(records) });
  });
}

function byTopic(records: readonly BareRecord[]): { topic: string; messages: Message[] }[] {
  return [...Map.groupBy(records, ({ topic }) => topic)].map(([topic, group]) => ({
    topic,
    messages: group.map(({ key, value }) => ({ key, value })),
  }));
}

/** Before its first fetch a consumer without committed offsets asks where the partitions end. */
function firstFetch(consumer: Consumer): Promise<void> {
  return new Promise((resolve) => {
    consumer.on(consumer.events.FETCH, () => resolve());
  });
}
