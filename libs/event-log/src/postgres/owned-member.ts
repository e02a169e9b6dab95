import type { Pool } from 'pg';
import {
  OwnershipLost,
  PositionOutOfLog,
  type ConsumerProgress,
  type LogRecord,
  type LogSink,
  type OwnedOptions,
  type Position,
  type SessionTiming,
  type Subscription,
} from '../port.js';
import { Backoff, sleep } from '../backoff.js';
import { ExpiredRecords } from '../expired-records.js';
import { positionsAfter } from '../positions.js';
import { Membership } from './membership.js';
import { Newsstand } from './news.js';
import { readBounds, readNews } from './record-reader.js';
import type { WakeUps } from './wake-ups.js';

/** After a failed read. */
const RETRY_MS = 500;
/** How often positions that the log keeps are written. */
const COMMIT_MS = 500;
const DEFAULT_BATCH = 1_000;

interface OwnedPartition {
  partition: number;
  /** Next offset to read, by topic. */
  positions: Map<string, number>;
  /** With `settle`: what is done; otherwise it follows the positions. */
  done: Map<string, number>;
  stoppedTopics: Set<string>;
}

/** One member of a consumer group on the Postgres log: a heartbeat for the leases, a loop for the records. */
export class OwnedMember implements Subscription {
  private readonly membership: Membership;
  private readonly partitions = new Map<number, OwnedPartition>();
  private readonly news: Newsstand;
  private readonly committed = new Map<string, number>();
  private readonly expired: ExpiredRecords;
  private toAssign = new Set<number>();
  private toRelease = new Set<number>();
  private lastHeartbeat = performance.now();
  private stopListening: () => void = () => undefined;
  private heartbeatTimer: NodeJS.Timeout | undefined;
  private commitTimer: NodeJS.Timeout | undefined;
  private heartbeating: Promise<void> | undefined;
  private closing = false;
  private loopEnded: Promise<void> = Promise.resolve();
  private closed: Promise<void> | undefined;
  private turn = 0;

  constructor(
    private readonly pool: Pool,
    private readonly options: OwnedOptions,
    memberId: string,
    partitionCount: number,
    private readonly timing: SessionTiming,
    private readonly wakeUps: WakeUps,
    private readonly log: LogSink,
  ) {
    this.news = new Newsstand(options.topics);
    this.expired = new ExpiredRecords(options.group, options.perishable, log);
    this.membership = new Membership(pool, options.group, memberId, partitionCount, timing.sessionMs);
  }

  async start(): Promise<void> {
    await this.membership.join();
    this.stopListening = this.wakeUps.onWake([...this.options.topics, `group:${this.options.group}`], (name, inTail) =>
      this.onWake(name, inTail),
    );
    this.wakeUps.wake(this.options.group);
    await this.heartbeat();
    this.heartbeatTimer = setInterval(() => void this.heartbeat(), this.timing.heartbeatMs);
    if (this.options.offsets !== 'handler') {
      this.commitTimer = setInterval(
        () => void this.commit().catch((error) => this.warn(error, 'commit failed')),
        COMMIT_MS,
      );
    }
    this.loopEnded = this.loop();
  }

  owned(): readonly number[] {
    return [...this.partitions.keys()].sort((a, b) => a - b);
  }

  alive(): boolean {
    return performance.now() - this.lastHeartbeat < this.timing.sessionMs;
  }

  healthy(): boolean {
    return this.alive() && [...this.partitions.values()].every((owned) => owned.stoppedTopics.size === 0);
  }

  progress(): ConsumerProgress {
    const partitions = [...this.partitions.values()].flatMap(({ partition, done, stoppedTopics }) =>
      [...done].map(([topic, offset]) => ({
        topic,
        partition,
        lag: Math.max(0, this.wakeUps.endOf(topic, partition) - offset),
        isStopped: stoppedTopics.has(topic),
      })),
    );
    return { group: this.options.group, partitions, expired: this.expired.byTopic };
  }

  settle({ topic, partition, offset }: Position): void {
    const owned = this.partitions.get(partition);
    if (owned && (owned.done.get(topic) ?? 0) < offset) owned.done.set(topic, offset);
  }

  close(): Promise<void> {
    return (this.closed ??= this.shutDown());
  }

  private async shutDown(): Promise<void> {
    this.closing = true;
    this.stopListening();
    clearInterval(this.commitTimer);
    this.news.wake();
    await this.loopEnded;
    clearInterval(this.heartbeatTimer);
    await this.heartbeating;
    const owned = this.owned();
    await this.commit().catch((error) => this.warn(error, 'last commit failed'));
    if (owned.length > 0) await this.options.revoked?.(owned);
    this.partitions.clear();
    await this.membership.leave().catch((error) => this.warn(error, 'could not leave; the session will run out'));
    this.wakeUps.wake(this.options.group);
  }

  private onWake(name: string, inTail: boolean): void {
    const { group, topics } = this.options;
    // All of them: what was acknowledged on another topic before is then seen with it or before it.
    if (topics.includes(name)) this.news.tell(topics, inTail);
    else if (name === `group:${group}` && !this.closing) void this.heartbeat();
  }

  private heartbeat(): Promise<void> {
    return (this.heartbeating ??= this.beat().finally(() => (this.heartbeating = undefined)));
  }

  private async beat(): Promise<void> {
    if (this.closing && this.partitions.size === 0) return;
    try {
      const { owned, excess } = await this.membership.heartbeat();
      this.lastHeartbeat = performance.now();
      const lost = this.owned().filter((partition) => !owned.includes(partition));
      if (lost.length > 0) {
        this.log.warn({ group: this.options.group, partitions: lost }, 'lost partitions: the session ran out');
        await this.drop(lost);
      }
      this.toAssign = new Set(
        owned.filter((partition) => !this.partitions.has(partition) && !excess.includes(partition)),
      );
      this.toRelease = new Set(excess);
      if (this.toAssign.size > 0 || this.toRelease.size > 0) this.news.wake();
    } catch (error) {
      this.warn(error, 'heartbeat failed');
      if (!this.alive() && this.partitions.size > 0) await this.drop(this.owned());
    }
  }

  /** Memory goes at once; a batch that still runs is refused by the fence. */
  private async drop(partitions: readonly number[]): Promise<void> {
    for (const partition of partitions) this.partitions.delete(partition);
    await this.options.revoked?.(partitions);
  }

  private async loop(): Promise<void> {
    while (!this.closing) {
      try {
        await this.changeAssignment();
        const startedAt = performance.now();
        const found = await this.readAndHandle();
        if (this.closing) continue;
        if (found === 'nothing') await this.idle();
        if (found === 'some') await this.rest(startedAt);
      } catch (error) {
        this.warn(error, 'the log could not be read; trying again');
        this.news.tellAll();
        await sleep(RETRY_MS);
      }
    }
  }

  private async idle(): Promise<void> {
    if (this.toAssign.size === 0 && this.toRelease.size === 0) await this.news.wait();
  }

  private async rest(startedAt: number): Promise<void> {
    const leftMs = (this.options.paceMs ?? 0) - (performance.now() - startedAt);
    if (leftMs > 0) await sleep(leftMs);
  }

  private async changeAssignment(): Promise<void> {
    const release = [...this.toRelease].filter((partition) => this.partitions.has(partition));
    const releaseUntaken = [...this.toRelease].filter((partition) => !this.partitions.has(partition));
    this.toRelease.clear();
    if (release.length > 0) {
      await this.commit();
      await this.drop(release);
    }
    if (release.length + releaseUntaken.length > 0) {
      await this.membership.release([...release, ...releaseUntaken]);
      this.wakeUps.wake(this.options.group);
    }
    const assign = [...this.toAssign].filter((partition) => !this.partitions.has(partition));
    this.toAssign.clear();
    if (assign.length > 0) await this.take(assign);
  }

  private async take(partitions: readonly number[]): Promise<void> {
    const { group, topics } = this.options;
    const given = await this.startPositions(partitions);
    const bounds = await readBounds(this.pool, topics);
    for (const partition of partitions) {
      const owned: OwnedPartition = { partition, positions: new Map(), done: new Map(), stoppedTopics: new Set() };
      for (const topic of topics) {
        const bound = bounds.find((each) => each.topic === topic && each.partition === partition);
        if (!bound) throw new Error(`Topic ${topic} does not exist; create it before joining group ${group}`);
        const stated =
          given.find((each) => each.topic === topic && each.partition === partition)?.offset ?? bound.start;
        const isExpired = this.expired.excuse(stated, bound);
        if (isExpired) this.expired.passOver(stated, bound);
        const offset = isExpired ? bound.start : stated;
        owned.positions.set(topic, offset);
        owned.done.set(topic, offset);
        if (offset < bound.start || offset > bound.end) {
          this.stopTopic(
            owned,
            new PositionOutOfLog({ group, topic, partition, offset, start: bound.start, end: bound.end }),
          );
        }
      }
      this.partitions.set(partition, owned);
    }
    this.news.tellAll();
    this.log.info({ group, partitions }, 'owns partitions');
  }

  private async startPositions(partitions: readonly number[]): Promise<readonly Position[]> {
    const { group, offsets, assigned } = this.options;
    const given = (await assigned?.call(this.options, partitions)) ?? [];
    if (offsets === 'handler') return given;
    const { rows } = await this.pool.query<{ topic: string; partition: number; offset: string | number }>(
      `SELECT "topic", "partition", "offset" FROM "log_offset" WHERE "group_id" = $1 AND "partition" = ANY($2)`,
      [group, partitions],
    );
    return rows.map((row) => ({ ...row, offset: Number(row.offset) }));
  }

  private stopTopic(owned: OwnedPartition, error: PositionOutOfLog): void {
    owned.stoppedTopics.add(error.at.topic);
    this.log.error({ ...error.at }, error.message);
    this.options.partitionStopped?.(error);
  }

  /** @returns what there was to handle; `more`: others may wait already */
  private async readAndHandle(): Promise<'nothing' | 'some' | 'more'> {
    const most = this.options.maxBatchRecords ?? DEFAULT_BATCH;
    // Also without partitions: those that come later are news by themselves, and what is not taken would keep the loop from idling.
    const { topics, inTail } = this.news.take();
    if (topics.length === 0 || this.partitions.size === 0) return 'nothing';

    const wanted = [...this.partitions.values()].flatMap((owned) =>
      topics
        .filter((topic) => !owned.stoppedTopics.has(topic))
        .map((topic) => ({ topic, partition: owned.partition, offset: owned.positions.get(topic)! })),
    );
    if (wanted.length === 0) return 'nothing';
    const perPartition = Math.max(1, Math.min(most, Math.ceil((most * 4) / wanted.length)));
    const found = await this.withoutGaps(
      await readNews(this.pool, inTail ? this.wakeUps.tail : undefined, wanted, perPartition),
    );
    if (found.length === 0) return 'nothing';

    // More may be there than was asked for or than fits: look again.
    const counts = new Map<string, number>();
    for (const { topic, partition } of found)
      counts.set(`${topic}/${partition}`, (counts.get(`${topic}/${partition}`) ?? 0) + 1);
    const isFull = found.length > most || [...counts.values()].some((count) => count >= perPartition);
    if (isFull) this.news.tell(topics, inTail);
    // Another partition comes first each time, so that none is starved when a batch is full.
    const start = found.length > most ? this.turn++ % found.length : 0;
    const records = found.length > most ? fairShare(found, start, most) : found;
    await this.handleUntilDone(records);
    return isFull ? 'more' : 'some';
  }

  private async withoutGaps(records: readonly LogRecord[]): Promise<LogRecord[]> {
    const kept: LogRecord[] = [];
    const expected = new Map<string, number>();
    for (const record of records) {
      const owned = this.partitions.get(record.partition);
      if (!owned || owned.stoppedTopics.has(record.topic)) continue;
      const key = `${record.topic}/${record.partition}`;
      const next = expected.get(key) ?? owned.positions.get(record.topic)!;
      if (record.offset !== next && !(await this.hasExpired(owned, next, record))) {
        const { group } = this.options;
        const { topic, partition, offset } = record;
        this.stopTopic(
          owned,
          new PositionOutOfLog({ group, topic, partition, offset: next, start: offset, end: offset + 1 }),
        );
        continue;
      }
      expected.set(key, record.offset + 1);
      kept.push(record);
    }
    return kept;
  }

  /** Whether what is missing before `record` expired while the member was at work, on a topic where that does no harm. */
  private async hasExpired(owned: OwnedPartition, offset: number, record: LogRecord): Promise<boolean> {
    const { topic, partition } = record;
    if (!this.expired.excuse(offset, { topic, start: record.offset })) return false;
    const bounds = await readBounds(this.pool, [topic]);
    const start = bounds.find((each) => each.partition === partition)?.start ?? 0;
    // Above the start something is missing that should be there. The start may have moved on since the record was read.
    if (record.offset > start) return false;
    this.expired.passOver(offset, { topic, partition, start: record.offset });
    // What was not settled yet below it cannot come again.
    if ((owned.done.get(topic) ?? 0) < record.offset) owned.done.set(topic, record.offset);
    return true;
  }

  private async handleUntilDone(records: readonly LogRecord[]): Promise<void> {
    const backoff = new Backoff();
    for (;;) {
      const mine = records.filter((record) => this.partitions.has(record.partition));
      if (mine.length === 0) return;
      const held = new Map(mine.map((record) => [record.partition, this.partitions.get(record.partition)!]));
      const next = positionsAfter(mine);
      try {
        await this.options.handle({ group: this.options.group, records: mine, next });
        for (const { topic, partition, offset } of next) {
          const owned = this.partitions.get(partition);
          if (!owned || owned !== held.get(partition)) continue; // lost meanwhile, perhaps taken again
          owned.positions.set(topic, offset);
          if (this.options.offsets !== 'settle') owned.done.set(topic, offset);
        }
        return;
      } catch (error) {
        if (error instanceof OwnershipLost) {
          this.log.warn({ group: this.options.group, partitions: error.partitions }, 'ownership lost; joining again');
          await this.drop(error.partitions.filter((partition) => this.partitions.has(partition)));
          void this.heartbeat();
          return;
        }
        if (this.closing) return;
        this.warn(error, 'the batch failed; the same records come again');
        await backoff.wait(() => this.closing);
        if (this.closing) return;
      }
    }
  }

  private async commit(): Promise<void> {
    if (this.options.offsets === 'handler') return;
    const changed: Position[] = [];
    for (const owned of this.partitions.values()) {
      for (const [topic, offset] of owned.done) {
        if (this.committed.get(`${topic}/${owned.partition}`) !== offset)
          changed.push({ topic, partition: owned.partition, offset });
      }
    }
    if (changed.length === 0) return;
    await this.pool.query(
      `INSERT INTO "log_offset" ("group_id", "topic", "partition", "offset")
       SELECT $1, t.* FROM unnest($2::text[], $3::int[], $4::bigint[]) t("topic", "partition", "offset")
        WHERE EXISTS (SELECT FROM "log_lease" l WHERE l."group_id" = $1 AND l."partition" = t."partition" AND l."member_id" = $5)
       ON CONFLICT ("group_id", "topic", "partition") DO UPDATE SET "offset" = EXCLUDED."offset"`,
      [
        this.options.group,
        changed.map((position) => position.topic),
        changed.map((position) => position.partition),
        changed.map((position) => position.offset),
        this.membership.id,
      ],
    );
    for (const { topic, partition, offset } of changed) this.committed.set(`${topic}/${partition}`, offset);
  }

  private warn(error: unknown, message: string): void {
    this.log.warn({ group: this.options.group, err: error }, message);
  }
}

/** `most` records, whole runs of partitions beginning with the one at `start`; order within a partition is kept. */
function fairShare(records: readonly LogRecord[], start: number, most: number): LogRecord[] {
  let from = start;
  while (from > 0 && sameRun(records[from - 1]!, records[from]!)) from -= 1;
  return [...records.slice(from), ...records.slice(0, from)].slice(0, most);
}

function sameRun(a: LogRecord, b: LogRecord): boolean {
  return a.topic === b.topic && a.partition === b.partition;
}
