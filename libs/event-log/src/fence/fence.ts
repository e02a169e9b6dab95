import { channel } from 'node:diagnostics_channel';
import type { Pool, PoolClient } from 'pg';
import { OwnershipLost, type EventLog, type LogSink, type NewRecord, type Position, type Queryable } from '../port.js';
import { Backoff } from '../backoff.js';
import { Burst, CommitUnknown, type Statements } from './burst.js';
import { insertOutbox, OutboxRelay, type OutboxDeletion, type OutboxRow } from './outbox-relay.js';

/** Says which step of a transaction path has been reached; fault tests listen and end the process there. */
const steps = channel('tickwire.steps');

/** What moved a group's state: the recorded input of a replay. */
export type Cause = { kind: 'records' } | { kind: 'quote'; quoteId: string } | { kind: 'timer'; at: string };

export interface FencedWork {
  /** Partitions whose state, offsets or outbox change. Those of `next` are added. */
  partitions?: readonly number[];
  /** Positions after the records this work came from. */
  next?: readonly Position[];
  /** Stored under (partition, version) when given. */
  cause?: Cause;
  /**
   * Adds what is written to the database. It may be called again with a new transaction and has to add the same then:
   * compute first, write here.
   */
  write?(transaction: Statements): void;
  /** Records that go out if and only if the transaction commits, by the partition whose fence row covers them. */
  emit?: readonly { partition: number; record: NewRecord }[];
}

interface Held {
  epoch: number;
  version: number;
  offsets: Record<string, number>;
}

interface FenceRow {
  partition: number;
  epoch: string | number;
  version: string | number;
  offsets: Record<string, number>;
}

/**
 * The fence of one consumer group: a row per partition, `(epoch, version, offsets)`. Whoever is assigned a partition bumps
 * its epoch; every transaction that changes state, offsets or outbox bumps the version of the rows it touches and commits
 * only while epoch and version are its own. So a member that was replaced without noticing can write nothing.
 */
export class Fence {
  private readonly held = new Map<number, Held>();
  private readonly relay: OutboxRelay | undefined;

  constructor(
    private readonly pool: Pool,
    private readonly log: EventLog,
    readonly group: string,
    private readonly sink: LogSink,
  ) {
    if (!log.transactional) this.relay = new OutboxRelay(pool, log, group, sink);
  }

  /**
   * Takes partitions over: bumps their epochs, then reads offsets, and whatever `load` reads, in one snapshot.
   * @param alive whether this member may still act for its partitions; the outbox relay asks before each send
   * @returns the stored positions
   */
  async take(
    partitions: readonly number[],
    alive: () => boolean,
    load?: (snapshot: Queryable) => Promise<void>,
  ): Promise<Position[]> {
    await this.pool.query(
      `INSERT INTO "fence" ("group_id", "partition", "epoch") SELECT $1, unnest($2::int[]), 1
       ON CONFLICT ("group_id", "partition") DO UPDATE SET "epoch" = "fence"."epoch" + 1`,
      [this.group, partitions],
    );
    return this.inSnapshot(async (client) => {
      const rows = await this.readRows(client, partitions);
      const left = this.relay ? await this.relay.readLeft(client, partitions) : [];
      await load?.(client);
      for (const row of rows) {
        this.held.set(row.partition, { epoch: Number(row.epoch), version: Number(row.version), offsets: row.offsets });
      }
      this.relay?.take(partitions, left, alive);
      return rows.flatMap((row) =>
        Object.entries(row.offsets).map(([topic, offset]) => ({ topic, partition: row.partition, offset })),
      );
    });
  }

  /** Forgets partitions: nothing of them is written or sent any more. */
  drop(partitions: readonly number[]): void {
    for (const partition of partitions) this.held.delete(partition);
    this.relay?.drop(partitions);
  }

  holds(partition: number): boolean {
    return this.held.has(partition);
  }

  /** The positions stored of a partition that is held, by topic. */
  stored(partition: number): Readonly<Record<string, number>> {
    return this.held.get(partition)?.offsets ?? {};
  }

  /**
   * After an OwnershipLost that no assignment followed (a commit of ours landed late): reads the rows of partitions whose
   * epoch is still ours again. What is held of them in memory has to be loaded anew by the caller.
   * @returns the partitions that are still ours
   */
  async reread(partitions: readonly number[]): Promise<number[]> {
    const rows = await this.readRows(this.pool as unknown as Queryable, partitions);
    const mine = rows.filter((row) => this.held.get(row.partition)?.epoch === Number(row.epoch));
    for (const row of mine) {
      this.held.set(row.partition, { epoch: Number(row.epoch), version: Number(row.version), offsets: row.offsets });
    }
    return mine.map((row) => row.partition);
  }

  /** Waits until what has been committed is in the log, or `timeoutMs` has passed. */
  async flush(timeoutMs: number): Promise<void> {
    await this.relay?.flush(timeoutMs);
  }

  /**
   * One fenced transaction.
   * @throws OwnershipLost when another member has taken one of the partitions: drop memory, join again
   */
  async transact(work: FencedWork): Promise<void> {
    const partitions = [
      ...new Set([...(work.partitions ?? []), ...(work.next ?? []).map((position) => position.partition)]),
    ].sort((a, b) => a - b);
    if (partitions.length === 0) return;
    await this.relay?.hasRoom();
    const mine = partitions.map((partition) => this.held.get(partition));
    const missing = partitions.filter((_, index) => mine[index] === undefined);
    if (missing.length > 0) throw new OwnershipLost(this.group, missing);
    const expected = mine as Held[];
    const offsets = expected.map((held, index) => ({ ...held.offsets, ...nextOf(work.next, partitions[index]!) }));
    const rows = this.outboxRows(work, partitions, expected);

    const deletion = this.relay?.deletion();
    let isCommitted = false;
    try {
      await this.commit(work, partitions, expected, offsets, rows, deletion);
      isCommitted = true;
    } finally {
      deletion?.settle(isCommitted);
    }
  }

  private async commit(
    work: FencedWork,
    partitions: readonly number[],
    expected: readonly Held[],
    offsets: readonly Record<string, number>[],
    rows: readonly OutboxRow[],
    deletion: OutboxDeletion | undefined,
  ): Promise<void> {
    const backoff = new Backoff();
    for (;;) {
      let wake: (() => void) | undefined;
      const burst = new Burst();
      this.advance(burst, partitions, expected, offsets);
      deletion?.add(burst);
      work.write?.(burst);
      if (work.cause) this.recordCause(burst, partitions, expected, work);
      this.publish(burst, work, rows, (handOver) => (wake = handOver));
      steps.publish('fence.committing');
      try {
        await burst.commit(this.pool);
      } catch (error) {
        if (isUntrue(error)) await this.requireStillMine(partitions, expected);
        if (!(error instanceof CommitUnknown)) throw error;
        // The commit was sent and not answered: only the rows know.
        this.sink.warn({ group: this.group, err: error.cause }, 'a commit went unanswered; reading the fence');
        if (!(await this.wasCommitted(partitions, expected))) {
          await backoff.wait();
          continue;
        }
      }
      steps.publish('fence.committed');
      this.committed(partitions, expected, offsets, rows);
      wake?.();
      return;
    }
  }

  private committed(
    partitions: readonly number[],
    expected: readonly Held[],
    offsets: readonly Record<string, number>[],
    rows: readonly OutboxRow[],
  ): void {
    const kept = new Set<number>();
    partitions.forEach((partition, index) => {
      const held = expected[index]!;
      // Dropped meanwhile, perhaps taken again: whoever took it has read this transaction and its outbox.
      if (this.held.get(partition) !== held) return;
      held.version += 1;
      held.offsets = offsets[index]!;
      kept.add(partition);
    });
    this.relay?.enqueue(rows.filter((row) => kept.has(row.partition)));
  }

  private advance(
    burst: Burst,
    partitions: readonly number[],
    expected: readonly Held[],
    offsets: readonly Record<string, number>[],
  ): void {
    burst.add(
      `WITH "moved" AS (
         UPDATE "fence" f SET "version" = f."version" + 1, "offsets" = m."offsets"
           FROM unnest($2::int[], $3::bigint[], $4::bigint[], $5::jsonb[]) m("partition", "epoch", "version", "offsets")
          WHERE f."group_id" = $1 AND f."partition" = m."partition" AND f."epoch" = m."epoch" AND f."version" = m."version"
         RETURNING 1
       ) SELECT assert_true(count(*) = cardinality($2::int[]), 'the fence has moved') FROM "moved"`,
      [
        this.group,
        partitions,
        expected.map((held) => held.epoch),
        expected.map((held) => held.version),
        offsets.map((offset) => JSON.stringify(offset)),
      ],
    );
  }

  /** @throws OwnershipLost for those of the partitions whose rows are not as they are held here */
  private async requireStillMine(partitions: readonly number[], expected: readonly Held[]): Promise<void> {
    const rows = await this.readRows(this.pool as unknown as Queryable, partitions);
    const lost = partitions.filter((partition, index) => {
      const row = rows.find((each) => each.partition === partition);
      return !row || Number(row.epoch) !== expected[index]!.epoch || Number(row.version) !== expected[index]!.version;
    });
    if (lost.length > 0) throw new OwnershipLost(this.group, lost);
  }

  private recordCause(burst: Burst, partitions: readonly number[], expected: readonly Held[], work: FencedWork): void {
    burst.add(
      `INSERT INTO "cause" ("group_id", "partition", "version", "cause")
       SELECT $1, * FROM unnest($2::int[], $3::bigint[], $4::jsonb[])`,
      [
        this.group,
        partitions,
        expected.map((held) => held.version + 1),
        partitions.map((partition, index) =>
          JSON.stringify(
            work.cause!.kind === 'records'
              ? { kind: 'records', from: expected[index]!.offsets, to: nextOf(work.next, partition) }
              : work.cause,
          ),
        ),
      ],
    );
  }

  /** In the Postgres log the outbox insert is the append itself, and so the last statement before COMMIT. */
  private publish(
    burst: Burst,
    work: FencedWork,
    rows: readonly OutboxRow[],
    handOver: (wake: () => void) => void,
  ): void {
    if (!work.emit || work.emit.length === 0) return;
    if (this.log.transactional) {
      const append = this.log.transactional.append(work.emit.map(({ record }) => record));
      burst.add(append.text, append.values, (answer) => handOver(() => append.committed(answer)));
    } else {
      insertOutbox(burst, this.group, rows);
    }
  }

  private outboxRows(work: FencedWork, partitions: readonly number[], expected: readonly Held[]): OutboxRow[] {
    if (!this.relay) return [];
    const ordinals = new Map<number, number>();
    return (work.emit ?? []).map(({ partition, record }) => {
      const index = partitions.indexOf(partition);
      if (index < 0)
        throw new Error(`A record was emitted for partition ${partition}, which the transaction does not touch`);
      const ordinal = ordinals.get(partition) ?? 0;
      ordinals.set(partition, ordinal + 1);
      return { partition, version: expected[index]!.version + 1, ordinal, record };
    });
  }

  private async wasCommitted(partitions: readonly number[], expected: readonly Held[]): Promise<boolean> {
    const backoff = new Backoff();
    for (;;) {
      let rows: FenceRow[];
      try {
        rows = await this.readRows(this.pool as unknown as Queryable, partitions);
      } catch (error) {
        // Given up meanwhile: the next owner reads what came of it.
        const dropped = partitions.filter((partition, index) => this.held.get(partition) !== expected[index]);
        if (dropped.length > 0) throw new OwnershipLost(this.group, dropped);
        this.sink.warn({ group: this.group, err: error }, 'the fence cannot be read; trying again');
        await backoff.wait();
        continue;
      }
      const lost = partitions.filter((partition, index) => {
        const row = rows.find((each) => each.partition === partition);
        return !row || Number(row.epoch) !== expected[index]!.epoch;
      });
      if (lost.length > 0) throw new OwnershipLost(this.group, lost);
      // One transaction: all of the rows moved, or none did.
      return Number(rows[0]!.version) === expected[partitions.indexOf(rows[0]!.partition)]!.version + 1;
    }
  }

  private async readRows(client: Queryable, partitions: readonly number[]): Promise<FenceRow[]> {
    const { rows } = await client.query<FenceRow>(
      `SELECT "partition", "epoch", "version", "offsets" FROM "fence" WHERE "group_id" = $1 AND "partition" = ANY($2) ORDER BY 1`,
      [this.group, partitions],
    );
    return rows;
  }

  private async inSnapshot<T>(work: (client: PoolClient & Queryable) => Promise<T>): Promise<T> {
    const client = (await this.pool.connect()) as PoolClient & Queryable;
    try {
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      const result = await work(client);
      await client.query('COMMIT');
      client.release();
      return result;
    } catch (error) {
      const clean = await client.query('ROLLBACK').then(
        () => true,
        () => false,
      );
      client.release(clean ? undefined : (error as Error));
      throw error;
    }
  }
}

function nextOf(next: readonly Position[] | undefined, partition: number): Record<string, number> {
  return Object.fromEntries(
    (next ?? []).filter((each) => each.partition === partition).map(({ topic, offset }) => [topic, offset]),
  );
}

/** `assert_true` was told otherwise: by the fence, or by a statement of the work. */
function isUntrue(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'TW001';
}
