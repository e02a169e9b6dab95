import { statfs } from 'node:fs/promises';
import pg from 'pg';

/** Less of the disk than this share of what is free may be taken for it. */
const SHARE_OF_FREE = 0.25;

/**
 * Makes the segments of the write-ahead log that the server is going to fill. Otherwise it makes each when it gets
 * there: all commits wait while 16 MB are zeroed and forced to disk, 60 to 150 ms under load. A checkpoint turns the
 * segments, all of them past by then, into coming ones; `min_wal_size` keeps as many from then on.
 *
 * @param bytes as many as `min_wal_size`; nothing is done where the disk is too full for that
 * @returns what was made
 */
export async function makeLogAhead(connectionString: string, dataDir: string, bytes: number): Promise<number> {
  const { bavail, bsize } = await statfs(dataDir);
  if (bytes > bavail * bsize * SHARE_OF_FREE) return 0;
  const client = new pg.Client({ connectionString });
  client.on('error', () => undefined); // the query that it broke says so
  await client.connect();
  try {
    const { rows } = await client.query<{ size: string }>(
      `SELECT "setting" AS "size" FROM "pg_settings" WHERE "name" = 'wal_segment_size'`,
    );
    const segmentBytes = Number(rows[0]?.size);
    for (let made = 0; made < bytes; made += segmentBytes) {
      // An empty segment is not left.
      await client.query(`SELECT pg_logical_emit_message(false, '', '')`);
      await client.query('SELECT pg_switch_wal()');
    }
    await client.query('CHECKPOINT');
    return bytes;
  } finally {
    await client.end();
  }
}
