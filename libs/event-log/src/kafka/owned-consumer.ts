import type { EachBatchPayload } from 'kafkajs';
import { LogUnavailable, PositionOutOfLog } from '../log-errors.js';
import { ExpiredRecords } from '../expired-records.js';
import type {
  ConsumerProgress,
  OwnedOptions,
  PartitionBounds,
  Position,
  SessionTiming,
  Subscription,
} from '../port.js';
import { Assignment } from './assignment.js';
import { backoffMs, isPowerOfTwo, pause, within } from './deadline.js';
import { GroupSession, type SessionObserver } from './group-session.js';
import type { KafkaAdmin } from './kafka-admin.js';
import type { KafkaNetwork } from './kafka-client.js';
import { toLogRecord } from './kafka-record.js';
import { OffsetCommitter } from './offset-committer.js';
import { startingPositions } from './starting-positions.js';

const COMMIT_INTERVAL_MS = 500;
const DEFAULT_BATCH_RECORDS = 1_000;
const MAX_BUFFERED_BYTES = 16_000_000;
const REJOIN_FIRST_MS = 100;
const REJOIN_MOST_MS = 1_000;
const ASSIGN_RETRY_MOST_MS = 5_000;
const LAST_COMMIT_MS = 2_000;

/** What subscriptions share with their log. */
export interface LogContext {
  network: KafkaNetwork;
  admin: KafkaAdmin;
  partitionCount: number;
  timing: SessionTiming;
  /** Everything that reads, broadcasts too, to be closed with the log: also what has not joined yet. */
  members: Set<OwnedConsumer>;
  isClosing: boolean;
}

interface Opening {
  resolve(): void;
  reject(error: Error): void;
}

/** An assignment with what belongs to its beginning and end. */
interface Tenure {
  assignment: Assignment;
  committer: OffsetCommitter;
  /** Settles when positions are fixed or the assignment has halted. Never rejects. */
  opening: Promise<void>;
  /** `assigned` has been called, so `revoked` has to be. */
  announced: boolean;
  /** Present once the partitions are being given up. */
  ending?: Promise<void>;
  /** Ends the wait for the running batch. */
  cut: AbortController;
}

/**
 * A member of a group: partitions of all topics, batches across them, one `handle` at a time.
 *
 * Threads of control: kafkajs' fetch loop hands records over and heartbeats; `Assignment` runs the handler; `live` builds a
 * new session when one ends. `assigned`, `handle` and `revoked` never overlap, except that a lost session or a rebalance
 * that has run out of time does not wait for `handle` before `revoked`.
 */
export class OwnedConsumer implements Subscription, SessionObserver {
  private session: GroupSession | undefined;
  private tenure: Tenure | undefined;
  /** The end of the last tenure with its handler: the next one begins behind it. */
  private lastEnd: Promise<unknown> = Promise.resolve();
  private had: readonly number[] = [];
  /** By place, with what stopped it. */
  private readonly stopped = new Map<string, PositionOutOfLog>();
  private readonly expired: ExpiredRecords;
  private resting: Promise<void> | undefined;
  private isJoined = false;
  private readonly closing = new AbortController();
  private closed: Promise<void> | undefined;
  private readonly living: Promise<void>;

  private constructor(
    private readonly context: LogContext,
    private readonly options: OwnedOptions,
    /** Whether the group is deleted when its member closes. */
    readonly isTemporary: boolean,
    private readonly opening: Opening,
  ) {
    this.expired = new ExpiredRecords(options.group, options.perishable, context.network.log);
    context.members.add(this);
    this.living = this.live();
  }

  /**
   * Resolves once the member has joined; for as long as the brokers cannot be reached it keeps trying.
   * @throws LogUnavailable when the log is closed before that
   */
  static async open(context: LogContext, options: OwnedOptions, { isTemporary = false } = {}): Promise<OwnedConsumer> {
    // By name and before the group knows of us: a missing topic is a mistake in the set-up, not an outage.
    await context.admin.bounds(options.topics);
    if (context.isClosing) throw new LogUnavailable('The log has been closed');
    return new Promise((resolve, reject) => {
      const opening: Opening = { resolve: () => resolve(consumer), reject };
      const consumer: OwnedConsumer = new OwnedConsumer(context, options, isTemporary, opening);
    });
  }

  owned(): readonly number[] {
    const assignment = this.tenure?.assignment;
    return assignment?.isOpen ? assignment.partitions : [];
  }

  settle(position: Position): void {
    if (this.options.offsets !== 'settle') throw new Error('settle needs a subscription with offsets: settle');
    if (this.owned().includes(position.partition)) this.tenure?.committer.advance(position);
  }

  alive(): boolean {
    return this.session !== undefined && this.session.silentForMs() < this.context.timing.sessionMs;
  }

  healthy(): boolean {
    return this.isJoined && this.alive() && this.stopped.size === 0;
  }

  progress(): ConsumerProgress {
    const { tenure } = this;
    const settles = this.options.offsets === 'settle';
    const running = (tenure?.assignment.standing() ?? []).map(({ topic, partition, offset, end }) => {
      const done = settles ? tenure!.committer.doneUpTo(topic, partition) : offset;
      return { topic, partition, lag: Math.max(0, end - (done ?? offset)), isStopped: false };
    });
    const stopped = [...this.stopped.values()].map(({ at: { topic, partition, offset, end } }) => ({
      topic,
      partition,
      lag: Math.max(0, end - offset),
      isStopped: true,
    }));
    return { group: this.options.group, partitions: [...running, ...stopped], expired: this.expired.byTopic };
  }

  close(): Promise<void> {
    this.closed ??= this.shutDown();
    return this.closed;
  }

  private async shutDown(): Promise<void> {
    const { tenure, session } = this;
    if (tenure) {
      session?.pause(this.placesOf(tenure.assignment.partitions));
      // The fetch loop heartbeats meanwhile, so the batch may take its time.
      await this.relinquish(tenure);
    }
    this.closing.abort();
    session?.end(new Error('closed'));
    if (!this.isJoined) session?.sever();
    await this.living;
    this.opening.reject(new LogUnavailable('The log was closed before the group was joined'));
    if (this.isTemporary) await this.context.admin.deleteGroup(this.options.group);
    this.context.members.delete(this);
  }

  /** One session after the other until closed. */
  private async live(): Promise<void> {
    const { group } = this.options;
    const { log } = this.context.network;
    let rejoinAs: string | undefined;
    for (let failures = 0; !this.closing.signal.aborted; failures++) {
      const startedAt = performance.now();
      const session = this.newSession(rejoinAs);
      this.session = session;
      let reason: Error;
      try {
        await session.start();
        this.isJoined = true;
        this.opening.resolve();
        reason = await session.ended;
      } catch (error) {
        reason = error as Error;
      }
      this.isJoined = false;
      // Heartbeats have ended; the batch may use what is left of the session, after which the partitions are others'.
      if (this.tenure)
        await this.relinquish(this.tenure, Math.max(0, this.context.timing.sessionMs - session.silentForMs()));
      await session.close();
      rejoinAs = session.memberId ?? rejoinAs;
      if (this.closing.signal.aborted || this.closed) return;
      if (performance.now() - startedAt > this.context.timing.sessionMs) failures = 0;
      const waitMs = backoffMs(failures, REJOIN_FIRST_MS, REJOIN_MOST_MS);
      if (isPowerOfTwo(failures + 1)) {
        log.warn({ group, error: reason.message, failures, waitMs }, 'a group member ended; joining again');
      }
      await pause(waitMs, this.closing.signal);
    }
  }

  private newSession(rejoinAs: string | undefined): GroupSession {
    const { network, partitionCount, timing } = this.context;
    const { group: groupId, topics } = this.options;
    return new GroupSession({ network, groupId, topics, partitionCount, timing, rejoinAs, had: () => this.had }, this);
  }

  async leaving(isMember: boolean, heartbeat: () => Promise<boolean>): Promise<void> {
    const { tenure } = this;
    if (tenure === undefined) return;
    const { rebalanceMs, heartbeatMs } = this.context.timing;
    // The rebalance began up to a heartbeat ago, and joining takes a moment too.
    const budgetMs = !isMember ? 0 : Math.max(rebalanceMs / 2, rebalanceMs - 2 * heartbeatMs);
    const ending = this.relinquish(tenure, budgetMs);
    const done = new AbortController();
    void ending.then(() => done.abort());
    while (!done.signal.aborted) {
      await pause(heartbeatMs, done.signal);
      if (!done.signal.aborted && !(await heartbeat())) tenure.cut.abort();
    }
    await ending;
  }

  joined(partitions: readonly number[]): void {
    const { session } = this;
    if (session === undefined) return;
    session.pause(this.placesOf(partitions));
    this.had = partitions;
    if (this.tenure) void this.relinquish(this.tenure, 0);
    this.stopped.clear();
    this.context.network.log.info({ group: this.options.group, partitions }, 'joined the group');
    if (partitions.length > 0 && this.closed === undefined) this.tenure = this.begin(session, partitions);
  }

  private begin(session: GroupSession, partitions: readonly number[]): Tenure {
    const { group, offsets, handle, maxBatchRecords = DEFAULT_BATCH_RECORDS } = this.options;
    const { log } = this.context.network;
    const committer = new OffsetCommitter(session.commits(), COMMIT_INTERVAL_MS, log);
    const assignment = new Assignment({
      group,
      partitions,
      limits: { maxBatchRecords, maxBufferedRecords: 4 * maxBatchRecords, maxBufferedBytes: MAX_BUFFERED_BYTES },
      handle,
      handled: ({ next }) => {
        if (offsets === 'port') for (const position of next) committer.advance(position);
      },
      ownershipLost: (error) => session.end(error),
      log,
    });
    const tenure: Tenure = {
      assignment,
      committer,
      opening: Promise.resolve(),
      announced: false,
      cut: new AbortController(),
    };
    tenure.opening = this.openTenure(session, tenure, this.lastEnd);
    return tenure;
  }

  private async openTenure(session: GroupSession, tenure: Tenure, previousEnd: Promise<unknown>): Promise<void> {
    const { assignment } = tenure;
    const { group, topics, offsets, assigned } = this.options;
    await previousEnd;
    const stated = await this.persist(assignment, 'assigned', async () => {
      tenure.announced = true;
      return (await assigned?.(assignment.partitions)) ?? [];
    });
    const positions = await this.persist(assignment, 'positions', async () => {
      const kept = offsets === 'handler' ? (stated ?? []) : await this.context.admin.committed(group, topics);
      // After the positions: the log only grows, so a position is never beyond an end read later.
      const bounds = await this.context.admin.bounds(topics);
      return startingPositions(kept, bounds, { group, partitions: assignment.partitions, expired: this.expired });
    });
    if (positions === undefined || assignment.halted.aborted) return;
    assignment.open(positions.inside);
    for (const { offset, ...bounds } of positions.aged) this.passOver(tenure, offset, bounds);
    for (const position of positions.inside) tenure.committer.startAt(position);
    for (const error of positions.outside) this.stopPartition(session, tenure, error);
    for (const position of positions.inside) session.seek(position);
    session.resume(positions.inside);
  }

  /** Until it succeeds. @returns undefined when the assignment halted first */
  private async persist<T>(assignment: Assignment, step: string, attempt: () => Promise<T>): Promise<T | undefined> {
    for (let failures = 0; !assignment.halted.aborted; failures++) {
      try {
        return await attempt();
      } catch (error) {
        const waitMs = backoffMs(failures, REJOIN_FIRST_MS, ASSIGN_RETRY_MOST_MS);
        const { group } = this.options;
        this.context.network.log.error({ group, step, waitMs, err: error }, 'partitions could not be taken over yet');
        await pause(waitMs, assignment.halted);
      }
    }
    return undefined;
  }

  /** Gives the partitions up: the running batch may end within `waitMs`, then the last commit, then `revoked`. */
  private relinquish(tenure: Tenure, waitMs?: number): Promise<void> {
    tenure.assignment.halt();
    if (waitMs !== undefined) void pause(waitMs, tenure.cut.signal).then(() => tenure.cut.abort());
    tenure.ending ??= this.endTenure(tenure);
    return tenure.ending;
  }

  private async endTenure(tenure: Tenure): Promise<void> {
    const { assignment, committer, cut, opening } = tenure;
    const quiet = Promise.all([opening, assignment.idle()]);
    const ended = Promise.race([quiet, new Promise((resolve) => cut.signal.addEventListener('abort', resolve))]);
    let finish = () => {};
    const finished = new Promise<void>((resolve) => (finish = resolve));
    this.lastEnd = Promise.all([quiet, finished]);
    await ended;
    await within(LAST_COMMIT_MS, committer.finish(), () => new Error('late')).catch(() => undefined);
    cut.abort();
    if (this.tenure === tenure) this.tenure = undefined;
    try {
      if (tenure.announced) await this.options.revoked?.(assignment.partitions);
    } catch (error) {
      this.context.network.log.error({ group: this.options.group, err: error }, 'revoked has failed');
    }
    finish();
  }

  async fetched({ batch, resolveOffset, heartbeat, isRunning, isStale }: EachBatchPayload): Promise<void> {
    const { tenure, session } = this;
    // Not resolved, so fetched again once positions are fixed; until then the partitions are paused.
    if (!tenure?.assignment.isOpen || !session || !isRunning() || isStale()) return;
    const { assignment } = tenure;
    const { topic, partition } = batch;
    const { rawMessages, fetchedOffset } = batch as typeof batch & {
      rawMessages: { offset: string }[];
      fetchedOffset: string;
    };
    const { verdict, error } = assignment.offer({
      topic,
      partition,
      fetchedFrom: Number(fetchedOffset),
      offsets: rawMessages.map(({ offset }) => Number(offset)),
      records: batch.messages.map((message) => toLogRecord(topic, partition, message)),
      end: Number(batch.highWatermark),
    });
    switch (verdict) {
      case 'taken':
        resolveOffset(batch.lastOffset());
        break;
      case 'stale':
        session.seek({ topic, partition, offset: assignment.dueOf(topic, partition)! });
        break;
      case 'gap':
        this.stopPartition(session, tenure, error!);
        break;
      case 'foreign':
        session.pause([{ topic, partition }]);
    }
    while (!(await assignment.room(this.context.timing.heartbeatMs)) && isRunning()) await heartbeat();
    await this.rest(assignment);
  }

  /**
   * Holds the next fetch back, so that what comes meanwhile is one answer, and one batch. All partitions of a fetch rest
   * together; what another broker was asked for before may still come, and is not held.
   */
  private rest({ halted }: Assignment): Promise<void> | undefined {
    const { paceMs = 0 } = this.options;
    if (paceMs === 0) return undefined;
    this.resting ??= pause(paceMs, halted).then(() => (this.resting = undefined));
    return this.resting;
  }

  positionOutOfRange(topic: string, partition: number): void {
    const { tenure, session } = this;
    const offset = tenure?.assignment.dueOf(topic, partition);
    if (tenure === undefined || session === undefined || offset === undefined) return;
    session.pause([{ topic, partition }]);
    void this.persist(tenure.assignment, 'bounds', () => this.context.admin.bounds([topic])).then((found) => {
      const bounds = found?.find((bound) => bound.partition === partition);
      if (bounds === undefined || this.tenure !== tenure) return;
      if (!this.expired.excuse(offset, bounds)) {
        const { start, end } = bounds;
        const at = { group: this.options.group, topic, partition, offset, start, end };
        return this.stopPartition(session, tenure, new PositionOutOfLog(at));
      }
      this.passOver(tenure, offset, bounds);
      const position = { topic, partition, offset: bounds.start };
      tenure.assignment.passOver(position);
      session.seek(position);
      session.resume([position]);
    });
  }

  /** The position moves to the start of the log, and is kept there whether or not a record comes soon. */
  private passOver(tenure: Tenure, offset: number, bounds: Omit<PartitionBounds, 'end'>): void {
    this.expired.passOver(offset, bounds);
    const { topic, partition, start } = bounds;
    if (this.options.offsets !== 'handler') tenure.committer.advance({ topic, partition, offset: start });
  }

  private stopPartition(session: GroupSession, tenure: Tenure, error: PositionOutOfLog): void {
    if (this.tenure !== tenure) return;
    const { topic, partition } = error.at;
    tenure.assignment.stop(topic, partition);
    session.pause([{ topic, partition }]);
    this.stopped.set(`${topic}/${partition}`, error);
    this.context.network.log.error(error.at, error.message);
    this.options.partitionStopped?.(error);
  }

  private placesOf(partitions: readonly number[]): { topic: string; partition: number }[] {
    return this.options.topics.flatMap((topic) => partitions.map((partition) => ({ topic, partition })));
  }
}
