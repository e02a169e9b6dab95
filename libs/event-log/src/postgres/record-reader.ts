import type { Pool } from 'pg';
import type { LogRecord, PartitionBounds, Position } from '../port.js';
import type { Tail } from './tail.js';

interface RecordRow {
  topic: string;
  partition: number;
  offset: string | number;
  key: string;
  /** Bytes where one of the rows is no text. */
  value: string | Buffer;
  headers: Record<string, string> | null;
  at: number;
}

const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({});
/**
 * Of Postgres: `character_not_in_repertoire`, and `untranslatable_character` in a database that is not in UTF-8. Events are
 * text, and as text they take half the bytes that the hexadecimal digits of a bytea do, and a third of the processor time to
 * read. A foreign record may be anything, and has to reach whoever buries it as it is.
 */
const NOT_TEXT: ReadonlySet<unknown> = new Set(['22021', '22P05']);

/** As {@link readRecords}, without the database where the tail, if given, has everything. */
export async function readNews(
  pool: Pool,
  tail: Tail | undefined,
  positions: readonly Position[],
  perPartition: number,
): Promise<readonly LogRecord[]> {
  const found: LogRecord[] = [];
  for (const position of positions) {
    const records = tail?.read(position, perPartition);
    if (!records) return readRecords(pool, positions, perPartition);
    for (const record of records) found.push(record);
  }
  return found;
}

/** Reads at most `perPartition` records from each position, in offset order within a partition. */
export async function readRecords(
  pool: Pool,
  positions: readonly Position[],
  perPartition: number,
): Promise<LogRecord[]> {
  let rows: RecordRow[];
  try {
    rows = await readRows(pool, 'log-read', `convert_from(r."value", 'UTF8')`, positions, perPartition);
  } catch (error) {
    if (!NOT_TEXT.has((error as { code?: unknown }).code)) throw error;
    rows = await readRows(pool, 'log-read-bytes', 'r."value"', positions, perPartition);
  }
  return rows.map((row) => ({
    topic: row.topic,
    partition: row.partition,
    offset: Number(row.offset),
    key: row.key,
    value: typeof row.value === 'string' ? Buffer.from(row.value, 'utf8') : row.value,
    headers: row.headers ?? NO_HEADERS,
    timestampMs: row.at,
  }));
}

async function readRows(
  pool: Pool,
  name: string,
  value: string,
  positions: readonly Position[],
  perPartition: number,
): Promise<RecordRow[]> {
  const { rows } = await pool.query<RecordRow>({
    name,
    text: `SELECT r."topic", r."partition", r."offset", r."key", ${value} AS "value", r."headers",
                  (extract(epoch FROM r."appended_at") * 1000)::float8 AS "at"
             FROM unnest($1::text[], $2::int[], $3::bigint[]) AS p("topic", "partition", "position")
            CROSS JOIN LATERAL (
              SELECT * FROM "log_record" r
               WHERE r."topic" = p."topic" AND r."partition" = p."partition" AND r."offset" >= p."position"
               ORDER BY r."offset" LIMIT $4) r`,
    values: [
      positions.map((position) => position.topic),
      positions.map((position) => position.partition),
      positions.map((position) => position.offset),
      perPartition,
    ],
  });
  return rows;
}

export async function readBounds(pool: Pool, topics: readonly string[]): Promise<PartitionBounds[]> {
  const { rows } = await pool.query<{
    topic: string;
    partition: number;
    start: string | number;
    next: string | number;
  }>(`SELECT "topic", "partition", "start", "next" FROM "log_partition" WHERE "topic" = ANY($1) ORDER BY 1, 2`, [
    topics,
  ]);
  return rows.map((row) => ({
    topic: row.topic,
    partition: row.partition,
    start: Number(row.start),
    end: Number(row.next),
  }));
}
