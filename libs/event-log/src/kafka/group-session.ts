import { type Consumer, type EachBatchPayload } from 'kafkajs';
import type { Position, SessionTiming } from '../port.js';
import { copartitionedAssigner } from './assigner.js';
import { within } from './deadline.js';
import { CLIENT_RETRY, type KafkaClient, type KafkaNetwork, openClient } from './kafka-client.js';
import { type GroupMember, hookGroup } from './kafkajs-hazards.js';

/** How long the broker holds a fetch that finds nothing. Long, so that an idle member costs little; data ends it at once. */
const MAX_FETCH_WAIT_MS = 250;
const MAX_FETCH_BYTES = 8_000_000;
const MAX_FETCH_PARTITION_BYTES = 1_048_576;
const LEAVE_TIMEOUT_MS = 4_000;
const COMMIT_TIMEOUT_MS = 2_000;
/** A join lasts at most as long as the others may take to hand over, or to be found dead; and a little. */
const JOIN_MARGIN_MS = 2_000;
/** Within a session kafkajs may retry for about as long as the membership lives. */
const SESSION_RETRIES = 10;

export interface SessionOptions {
  network: KafkaNetwork;
  groupId: string;
  topics: readonly string[];
  partitionCount: number;
  timing: SessionTiming;
  /** The member id of a session that crashed: taken up again, so that the group need not wait for the old one to expire. */
  rejoinAs: string | undefined;
  /** The partitions this process had last. */
  had(): readonly number[];
}

export interface SessionObserver {
  /**
   * Before each join, which waits for it.
   * @param isMember  false when the coordinator has forgotten the member already
   * @param heartbeat keeps the present membership alive; false when it is over
   */
  leaving(isMember: boolean, heartbeat: () => Promise<boolean>): Promise<void>;
  /** Synchronously after each join, before anything is fetched. */
  joined(partitions: readonly number[]): void;
  /** One partition's part of a fetch. Returning without `resolveOffset` means that it is fetched again. */
  fetched(payload: EachBatchPayload): Promise<void>;
  positionOutOfRange(topic: string, partition: number): void;
}

/**
 * One kafkajs consumer from its connection to its end. kafkajs never restarts it by itself: whoever owns the session builds
 * a new one, so that there is one way back and no crash that leaves a live, idle process behind.
 */
export class GroupSession {
  /** Resolves with the reason when the session is over: a crash, or `end`. */
  readonly ended: Promise<Error>;
  private resolveEnded!: (reason: Error) => void;
  private readonly client: KafkaClient;
  private readonly consumer: Consumer;
  private member: GroupMember | undefined;
  private lastMemberId: string | undefined;
  private isOver = false;
  private isJoining = true;
  private joiningSince = performance.now();
  private watch: NodeJS.Timeout | undefined;
  private lastProofAt = -Infinity;
  private lastHeartbeatTookMs = 0;

  constructor(
    private readonly options: SessionOptions,
    private readonly observer: SessionObserver,
  ) {
    this.ended = new Promise((resolve) => (this.resolveEnded = resolve));
    const { network, groupId, timing, partitionCount, had } = options;
    // A member waits for the others' SyncGroup as long as a rebalance may take.
    this.client = openClient(network, Math.max(5_000, timing.rebalanceMs));
    this.consumer = this.client.kafka.consumer({
      groupId,
      sessionTimeout: timing.sessionMs,
      heartbeatInterval: timing.heartbeatMs,
      rebalanceTimeout: timing.rebalanceMs,
      allowAutoTopicCreation: false,
      maxWaitTimeInMs: Math.min(MAX_FETCH_WAIT_MS, timing.heartbeatMs),
      minBytes: 1,
      maxBytes: MAX_FETCH_BYTES,
      maxBytesPerPartition: MAX_FETCH_PARTITION_BYTES,
      partitionAssigners: [copartitionedAssigner(partitionCount, had, (cluster) => this.hook(cluster))],
      retry: { ...CLIENT_RETRY, retries: SESSION_RETRIES, restartOnFailure: async () => false },
    });
    this.observe();
  }

  /** The id under which the member was known last. */
  get memberId(): string | undefined {
    return this.lastMemberId;
  }

  /** How long ago the coordinator last confirmed the membership, counted from when it was asked, ms. */
  silentForMs(): number {
    return performance.now() - this.lastProofAt;
  }

  /** Connects and joins the group. @throws when that fails; the session is over then */
  async start(): Promise<void> {
    const { topics, partitionCount, timing } = this.options;
    this.watch = setInterval(() => this.endWhenSilent(), timing.heartbeatMs);
    try {
      await this.consumer.connect();
      await this.consumer.subscribe({ topics: [...topics], fromBeginning: true });
      await this.consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        // All at once: each call only hands its records over, so the next fetch goes out with every partition in it.
        partitionsConsumedConcurrently: topics.length * partitionCount,
        eachBatch: (payload) => this.observer.fetched(payload),
      });
    } catch (error) {
      this.end(error as Error);
    }
    // After a crash during the join `run` resolves as if nothing had happened.
    if (this.isOver) throw await this.ended;
  }

  /** Declares the session over; `close` has to follow. */
  end(reason: Error): void {
    this.isOver = true;
    clearInterval(this.watch);
    this.resolveEnded(reason);
  }

  /** kafkajs would wait for answers and retry for minutes, long after the partitions have gone to others. */
  private endWhenSilent(): void {
    const { sessionMs, rebalanceMs } = this.options.timing;
    const silentMs = this.isJoining ? performance.now() - this.joiningSince : this.silentForMs();
    if (silentMs < (this.isJoining ? sessionMs + rebalanceMs + JOIN_MARGIN_MS : sessionMs)) return;
    this.client.sever();
    this.end(new Error(`no answer from the group's coordinator for ${Math.round(silentMs)} ms`));
  }

  pause(places: readonly { topic: string; partition: number }[]): void {
    if (!this.isOver) this.consumer.pause(places.map(({ topic, partition }) => ({ topic, partitions: [partition] })));
  }

  resume(places: readonly { topic: string; partition: number }[]): void {
    if (!this.isOver) this.consumer.resume(places.map(({ topic, partition }) => ({ topic, partitions: [partition] })));
  }

  seek({ topic, partition, offset }: Position): void {
    if (!this.isOver) this.consumer.seek({ topic, partition, offset: String(offset) });
  }

  /**
   * Commits for the assignment of the latest join and for no later one: the coordinator refuses positions of a generation
   * that has passed, while kafkajs' own `commitOffsets` would try them again under the next.
   */
  commits(): (positions: readonly Position[]) => Promise<void> {
    const { member } = this;
    const generation = member?.generation ?? null;
    return async (positions) => {
      if (member === undefined || generation === null) throw new Error('no generation to commit for');
      await within(COMMIT_TIMEOUT_MS, member.commit(generation, positions), () => new Error('no answer in time'));
    };
  }

  /** Leaves the group, so that others take over at once, and disconnects; never rejects, takes a few seconds at most. */
  async close(): Promise<void> {
    this.end(new Error('closed'));
    await within(LEAVE_TIMEOUT_MS, this.consumer.disconnect(), () => new Error('late')).catch(() => undefined);
    this.client.sever();
  }

  /** Ends without a word to the group, as a process that is gone. */
  sever(): void {
    this.client.sever();
  }

  private hook(cluster: object): void {
    hookGroup(cluster, {
      beforeJoin: async (member) => {
        if (this.lastMemberId === undefined) member.id ??= this.options.rejoinAs ?? null;
        this.member = member;
        await this.observer.leaving(member.id !== null, async () => {
          const askedAt = performance.now();
          const isMember = await member.heartbeat();
          if (isMember) this.lastProofAt = askedAt;
          return isMember;
        });
        this.isJoining = true;
        this.joiningSince = performance.now();
      },
      positionOutOfRange: (topic, partition) => this.observer.positionOutOfRange(topic, partition),
    });
  }

  private observe(): void {
    const { events } = this.consumer;
    this.consumer.on(events.GROUP_JOIN, ({ payload }) => {
      this.isJoining = false;
      this.lastMemberId = payload.memberId;
      this.lastProofAt = performance.now();
      const partitions = new Set(Object.values(payload.memberAssignment).flat());
      this.observer.joined([...partitions].sort((a, b) => a - b));
    });
    // The answer to a heartbeat says only that the membership lived when the request arrived.
    this.consumer.on(events.REQUEST, ({ payload }) => {
      if (payload.apiName === 'Heartbeat') this.lastHeartbeatTookMs = payload.duration;
    });
    this.consumer.on(events.HEARTBEAT, () => {
      this.lastProofAt = performance.now() - this.lastHeartbeatTookMs;
    });
    this.consumer.on(events.CRASH, ({ payload }) => this.end(payload.error));
  }
}
