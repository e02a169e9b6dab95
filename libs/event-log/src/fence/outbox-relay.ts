import { channel } from 'node:diagnostics_channel';
import type { Pool } from 'pg';
import type { EventLog, LogSink, NewRecord, Queryable } from '../port.js';
import { Backoff, sleep } from '../backoff.js';
import { Burst, type Statements } from './burst.js';

export interface OutboxRow {
  partition: number;
  version: number;
  ordinal: number;
  record: NewRecord;
}

/** Says which step of a transaction path has been reached; fault tests listen and end the process there. */
const steps = channel('tickwire.steps');

/** Committed and not yet in the log: above this, transactions wait. */
const MOST_PENDING = 20_000;
/** Records of one send. */
const MOST_SENT = 1_000;
/** Acknowledged rows are deleted this often, by a transaction that is made anyway; a row that is sent twice carries the same id. */
const DELETE_EVERY_MS = 50;
/** By a transaction of its own when no other has come. */
const DELETE_ALONE_MS = 250;
const DELETE_RETRY_MS = 1_000;

/** A deletion of rows that the log has acknowledged. */
export interface OutboxDeletion {
  add(transaction: Statements): void;
  /** What became of it. Rows that stay are deleted by a later one. */
  settle(isCommitted: boolean): void;
}

/**
 * Takes a group's committed records to a log outside the database: in order, one send in flight, deleted when acknowledged.
 * A new owner first sends what the last one left. A member that has not heartbeaten within its session sends nothing.
 */
export class OutboxRelay {
  private readonly queue: OutboxRow[] = [];
  private readonly alive = new Map<number, () => boolean>();
  /** Highest acknowledged version and ordinal by partition, waiting to be deleted. */
  private readonly acknowledged = new Map<number, { version: number; ordinal: number }>();
  /** By partition: nothing is left below this version. */
  private readonly deletedTo = new Map<number, number>();
  private running = false;
  private deleting: NodeJS.Timeout | undefined;
  private deletedAtMs = 0;

  constructor(
    private readonly pool: Pool,
    private readonly log: EventLog,
    private readonly group: string,
    private readonly sink: LogSink,
  ) {}

  async readLeft(snapshot: Queryable, partitions: readonly number[]): Promise<OutboxRow[]> {
    const { rows } = await snapshot.query<{
      partition: number;
      version: string | number;
      ordinal: number;
      topic: string;
      key: string;
      target_partition: number | null;
      value: Buffer;
      headers: Record<string, string> | null;
    }>(
      `SELECT "partition", "version", "ordinal", "topic", "key", "target_partition", "value", "headers" FROM "outbox"
        WHERE "group_id" = $1 AND "partition" = ANY($2) ORDER BY "partition", "version", "ordinal"`,
      [this.group, partitions],
    );
    return rows.map((row) => ({
      partition: row.partition,
      version: Number(row.version),
      ordinal: row.ordinal,
      record: {
        topic: row.topic,
        key: row.key,
        value: row.value,
        headers: row.headers ?? undefined,
        partition: row.target_partition ?? undefined,
      },
    }));
  }

  take(partitions: readonly number[], left: readonly OutboxRow[], alive: () => boolean): void {
    for (const partition of partitions) this.alive.set(partition, alive);
    if (left.length > 0)
      this.sink.info({ group: this.group, records: left.length }, 'sending what the last owner left');
    this.enqueue(left);
  }

  drop(partitions: readonly number[]): void {
    for (const partition of partitions) {
      this.alive.delete(partition);
      this.acknowledged.delete(partition);
      this.deletedTo.delete(partition);
    }
    const kept = this.queue.filter((row) => !partitions.includes(row.partition));
    this.queue.splice(0, this.queue.length, ...kept);
  }

  enqueue(rows: readonly OutboxRow[]): void {
    for (const row of rows) this.queue.push(row);
    if (!this.running && this.queue.length > 0) void this.run();
  }

  async hasRoom(): Promise<void> {
    while (this.queue.length > MOST_PENDING) await sleep(10);
  }

  async flush(timeoutMs: number): Promise<void> {
    const until = performance.now() + timeoutMs;
    while ((this.running || this.queue.length > 0) && performance.now() < until) await sleep(5);
    await this.deleteAcknowledged();
  }

  private async run(): Promise<void> {
    this.running = true;
    let backoff = new Backoff();
    while (this.queue.length > 0) {
      // Kept in the queue until acknowledged: what comes later must not overtake it.
      const batch = this.queue.slice(0, MOST_SENT).filter((row) => this.alive.get(row.partition)?.() ?? false);
      if (batch.length === 0) {
        // Silent towards the log until the session is known to hold, or the partitions are dropped.
        await sleep(50);
        continue;
      }
      try {
        await this.log.append(batch.map((row) => row.record));
        steps.publish('outbox.appended');
        const sent = new Set(batch);
        const kept = this.queue.filter((row) => !sent.has(row));
        this.queue.splice(0, this.queue.length, ...kept);
        for (const { partition, version, ordinal } of batch) {
          if (this.alive.has(partition)) this.acknowledged.set(partition, { version, ordinal });
        }
        this.deleting ??= setTimeout(() => void this.deleteAcknowledged(), DELETE_ALONE_MS);
        backoff = new Backoff();
      } catch (error) {
        this.sink.warn(
          { group: this.group, pending: this.queue.length, err: error },
          'the log takes nothing; the outbox waits',
        );
        await backoff.wait();
      }
    }
    this.running = false;
  }

  /**
   * What is to be deleted, for a transaction of the caller's; until that is settled nobody else deletes it.
   * @returns undefined while there is little
   */
  deletion(): OutboxDeletion | undefined {
    return performance.now() - this.deletedAtMs < DELETE_EVERY_MS ? undefined : this.takeDeletion();
  }

  private takeDeletion(): OutboxDeletion | undefined {
    clearTimeout(this.deleting);
    this.deleting = undefined;
    if (this.acknowledged.size === 0) return undefined;
    this.deletedAtMs = performance.now();
    const rows = [...this.acknowledged].map(([partition, to]) => ({
      partition,
      from: this.deletedTo.get(partition) ?? 0,
      ...to,
    }));
    this.acknowledged.clear();
    return {
      add: (transaction) => deleteOutbox(transaction, this.group, rows),
      settle: (isCommitted) => {
        for (const { partition, version, ordinal } of rows) {
          if (!this.alive.has(partition)) continue;
          if (isCommitted) this.deletedTo.set(partition, version);
          else if (!this.acknowledged.has(partition)) this.acknowledged.set(partition, { version, ordinal });
        }
        if (!isCommitted) this.deleting ??= setTimeout(() => void this.deleteAcknowledged(), DELETE_RETRY_MS);
      },
    };
  }

  private async deleteAcknowledged(): Promise<void> {
    const deletion = this.takeDeletion();
    if (!deletion) return;
    const burst = new Burst();
    deletion.add(burst);
    try {
      await burst.commit(this.pool);
      deletion.settle(true);
    } catch (error) {
      this.sink.warn(
        { group: this.group, err: error },
        'acknowledged outbox rows stay a while; sending them again does no harm',
      );
      deletion.settle(false);
    }
  }
}

/**
 * Everything from a partition's first version to its last acknowledged row. What was deleted before stays in the index until
 * the next vacuum: without a lower end, or with one that is no condition of an index scan, each deletion would read all of it
 * again. Hence a look-up for each partition, which the planner cannot turn into a join.
 */
function deleteOutbox(
  transaction: Statements,
  group: string,
  rows: readonly { partition: number; from: number; version: number; ordinal: number }[],
): void {
  transaction.add(
    `DELETE FROM "outbox" WHERE ctid = ANY (ARRAY(
       SELECT o."place" FROM unnest($2::int[], $3::bigint[], $4::bigint[], $5::int[]) d("partition", "from", "to", "ordinal")
        CROSS JOIN LATERAL (
          SELECT ctid AS "place" FROM "outbox"
           WHERE "group_id" = $1 AND "partition" = d."partition" AND "version" BETWEEN d."from" AND d."to"
             AND ("version" < d."to" OR "ordinal" <= d."ordinal") OFFSET 0) o))`,
    [
      group,
      rows.map(({ partition }) => partition),
      rows.map(({ from }) => from),
      rows.map(({ version }) => version),
      rows.map(({ ordinal }) => ordinal),
    ],
  );
}

export function insertOutbox(transaction: Statements, group: string, rows: readonly OutboxRow[]): void {
  transaction.add(
    `INSERT INTO "outbox" ("group_id", "partition", "version", "ordinal", "topic", "key", "target_partition", "value", "headers")
     SELECT $1, t.* FROM unnest($2::int[], $3::bigint[], $4::int[], $5::text[], $6::text[], $7::int[], $8::bytea[], $9::jsonb[]) t`,
    [
      group,
      rows.map((row) => row.partition),
      rows.map((row) => row.version),
      rows.map((row) => row.ordinal),
      rows.map((row) => row.record.topic),
      rows.map((row) => row.record.key),
      rows.map((row) => row.record.partition ?? null),
      rows.map((row) =>
        typeof row.record.value === 'string' ? Buffer.from(row.record.value, 'utf8') : row.record.value,
      ),
      rows.map((row) => (row.record.headers ? JSON.stringify(row.record.headers) : null)),
    ],
  );
}
