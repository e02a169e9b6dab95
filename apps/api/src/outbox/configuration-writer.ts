import { partitionOfKey, type EventLog, type NewRecord, type Queryable } from '@tickwire/event-log';
import { toTransient } from '@tickwire/persistence';
import type { Pool } from 'pg';

/** Adds records that go out if and only if the change is committed. */
export type Publish = (...records: NewRecord[]) => void;

/**
 * Every change of configuration: rows and records in one transaction. Where the log lives in the same database the
 * append is the transaction's last statement; elsewhere the records wait in `config_outbox`, numbered per partition by
 * a counter that is locked until the commit, so that their numbers are gap-free and visible in order.
 */
export class ConfigurationWriter {
  constructor(
    private readonly pool: Pool,
    private readonly log: EventLog,
    /** Called after a commit that left records in the outbox. */
    private readonly written: () => void,
  ) {}

  /**
   * @param work writes rows; its locks come before those of the log, which are held only for the commit
   * @throws TransientError while the database is away: the change may have been committed if it was committing
   */
  async change<T>(work: (db: Queryable, publish: Publish) => Promise<T>): Promise<T> {
    const records: NewRecord[] = [];
    const client = await this.pool.connect().catch((error: unknown) => {
      throw toTransient(error);
    });
    let wake: () => void = this.written;
    let result: T;
    try {
      const db = client as unknown as Queryable;
      await db.query('BEGIN');
      result = await work(db, (...more) => void records.push(...more));
      if (records.length > 0) {
        if (this.log.transactional) {
          const { text, values, committed } = this.log.transactional.append(records);
          const { rows } = await db.query(text, [...values]);
          wake = () => committed(rows);
        } else {
          await insertOutbox(db, records, this.log.partitionCount);
        }
      }
      await db.query('COMMIT');
      client.release();
    } catch (error) {
      const clean = await client.query('ROLLBACK').then(
        () => true,
        () => false,
      );
      client.release(clean ? undefined : (error as Error));
      throw toTransient(error);
    }
    if (records.length > 0) wake();
    return result;
  }
}

async function insertOutbox(db: Queryable, records: readonly NewRecord[], partitionCount: number): Promise<void> {
  const placed = records.map((record) => ({
    ...record,
    partition: record.partition ?? partitionOfKey(record.key, partitionCount),
  }));
  const counts = new Map<string, { topic: string; partition: number; count: number }>();
  for (const { topic, partition } of placed) {
    const target = counts.get(targetOf(topic, partition)) ?? { topic, partition, count: 0 };
    counts.set(targetOf(topic, partition), { ...target, count: target.count + 1 });
  }
  // Sorted, so that two changes never wait for each other in a circle.
  const targets = [...counts.values()].sort((a, b) =>
    a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1,
  );
  const { rows } = await db.query<{ topic: string; partition: number; next: number }>(
    `INSERT INTO "config_head" ("topic", "partition", "next") SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[])
     ON CONFLICT ("topic", "partition") DO UPDATE SET "next" = "config_head"."next" + EXCLUDED."next"
     RETURNING "topic", "partition", "next"`,
    [targets.map(({ topic }) => topic), targets.map(({ partition }) => partition), targets.map(({ count }) => count)],
  );
  const nextOf = new Map(
    rows.map((row) => {
      const target = targetOf(row.topic, row.partition);
      return [target, row.next - counts.get(target)!.count];
    }),
  );
  const sequences = placed.map(({ topic, partition }) => {
    const target = targetOf(topic, partition);
    const sequence = nextOf.get(target)!;
    nextOf.set(target, sequence + 1);
    return sequence;
  });
  await db.query(
    `INSERT INTO "config_outbox" ("topic", "partition", "sequence", "key", "value")
     SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[], $4::text[], $5::bytea[])`,
    [
      placed.map(({ topic }) => topic),
      placed.map(({ partition }) => partition),
      sequences,
      placed.map(({ key }) => key),
      placed.map(({ value }) => (typeof value === 'string' ? Buffer.from(value, 'utf8') : value)),
    ],
  );
}

function targetOf(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}
