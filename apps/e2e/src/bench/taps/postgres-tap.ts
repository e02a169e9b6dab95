import pg from 'pg';
import { wallMs } from '../load/open-loop.js';
import type { OnRecord, RecordTap } from './record-tap.js';

/** Wake-ups of the embedded log stay inside its process, so a stranger has to ask. Adds half of this to what is measured. */
const POLL_MS = 3;
/** Where nothing is timed, and in the ordinary case nothing comes: each look costs a third of a millisecond on both sides. */
const UNTIMED_POLL_MS = 100;
const MOST_RECORDS = 2_000;

/** A sum over the heads tells whether anything is there: the records are only read then. What looks is what is measured, too. */
const HEADS = {
  name: 'bench-tap-heads',
  text: `SELECT sum("next")::float8 AS "sum" FROM "log_partition" WHERE "topic" = ANY($1)`,
};

interface Row {
  position: number;
  value: Buffer;
}

const READ = {
  name: 'bench-tap',
  text: `SELECT p."index" AS "position", r."value"
           FROM unnest($1::text[], $2::int[], $3::bigint[]) WITH ORDINALITY p("topic", "partition", "from", "index"),
                LATERAL (SELECT "value" FROM "log_record" r
                          WHERE r."topic" = p."topic" AND r."partition" = p."partition" AND r."offset" >= p."from"
                          ORDER BY r."offset" LIMIT ${MOST_RECORDS}) r`,
};

/**
 * Reads the log's table from the present ends on; resolves once these are known.
 * @param isTimed whether it matters when a record is seen
 */
export async function openPostgresTap(
  postgresUrl: string,
  topics: readonly string[],
  isTimed: boolean,
  onRecord: OnRecord,
): Promise<RecordTap> {
  const pollMs = isTimed ? POLL_MS : UNTIMED_POLL_MS;
  const client = new pg.Client({ connectionString: postgresUrl, application_name: 'bench tap' });
  let failure: Error | undefined;
  // Without a listener a lost connection would end the process; the query in flight tells the same.
  client.on('error', (error) => (failure ??= error));
  await client.connect();
  const { rows: positions } = await client.query<{ topic: string; partition: number; next: number }>(
    `SELECT "topic", "partition", "next"::float8 AS "next" FROM "log_partition" WHERE "topic" = ANY($1)`,
    [topics],
  );
  let closing = false;
  let seen = 0;
  const poll = async (): Promise<void> => {
    while (!closing) {
      const { rows: heads } = await client.query<{ sum: number }>({ ...HEADS, values: [topics] });
      if (heads[0]!.sum === seen) {
        await new Promise((resolve) => setTimeout(resolve, pollMs));
        continue;
      }
      const { rows } = await client.query<Row>({
        ...READ,
        values: [
          positions.map(({ topic }) => topic),
          positions.map(({ partition }) => partition),
          positions.map(({ next }) => next),
        ],
      });
      const atMs = wallMs();
      for (const { position, value } of rows) {
        const from = positions[Number(position) - 1]!;
        from.next += 1;
        onRecord(from.topic, value, atMs);
      }
      seen = positions.reduce((sum, { next }) => sum + next, 0);
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  };
  const polling = poll().catch((error: Error) => (failure ??= error));
  return {
    close: async () => {
      closing = true;
      await polling;
      await client.end().catch(() => undefined);
      if (failure) throw failure;
    },
  };
}
