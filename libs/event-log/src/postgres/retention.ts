import type { Pool } from 'pg';

/** Partitions are trimmed one at a time and in small deletes, so that no append waits long for a head. */
const DELETE_AT_MOST = 10_000;

/** Deletes records past their topic's retention and moves the partitions' start. One instance at a time; the others return at once. */
export async function trimExpired(pool: Pool): Promise<void> {
  const client = await pool.connect();
  try {
    const { rows: lock } = await client.query<{ got: boolean }>(
      `SELECT pg_try_advisory_lock(hashtext('tickwire log retention')) AS "got"`,
    );
    if (!lock[0]?.got) {
      client.release();
      return;
    }
    try {
      const { rows } = await client.query<{
        topic: string;
        partition: number;
        start: string | number;
        retention: string | number;
      }>(
        `SELECT p."topic", p."partition", p."start", t."retention_ms" AS "retention"
           FROM "log_partition" p JOIN "log_topic" t ON t."name" = p."topic"
          WHERE t."retention_ms" IS NOT NULL AND p."start" < p."next"`,
      );
      for (const { topic, partition, start, retention } of rows) {
        const { rows: kept } = await client.query<{ first: string | number | null }>(
          `SELECT min("offset") AS "first" FROM (
             SELECT "offset", "appended_at" FROM "log_record"
              WHERE "topic" = $1 AND "partition" = $2 ORDER BY "offset" LIMIT $3) r
            WHERE "appended_at" >= clock_timestamp() - make_interval(secs => $4)`,
          [topic, partition, DELETE_AT_MOST, Number(retention) / 1000],
        );
        const first = kept[0]?.first === null ? Number(start) + DELETE_AT_MOST : Number(kept[0]!.first);
        if (first <= Number(start)) continue;
        await client.query('BEGIN');
        await client.query(
          `UPDATE "log_partition" SET "start" = least($3, "next") WHERE "topic" = $1 AND "partition" = $2`,
          [topic, partition, first],
        );
        await client.query(`DELETE FROM "log_record" WHERE "topic" = $1 AND "partition" = $2 AND "offset" < $3`, [
          topic,
          partition,
          first,
        ]);
        await client.query('COMMIT');
      }
    } finally {
      await client.query(`SELECT pg_advisory_unlock(hashtext('tickwire log retention'))`);
    }
    client.release();
  } catch (error) {
    client.release(error as Error);
    throw error;
  }
}
