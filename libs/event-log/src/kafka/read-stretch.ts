import { LogUnavailable, PositionOutOfLog } from '../log-errors.js';
import type { LogRecord, Position } from '../port.js';
import { openBroadcast } from './broadcast-consumer.js';
import { pause } from './deadline.js';
import type { LogContext } from './owned-consumer.js';

/** Nothing new for this long: what is left before the end are not records (transaction markers of a foreign producer). */
const QUIET_MS = 2_000;
const FIRST_RECORD_MS = 10_000;

/**
 * Reads one partition from a position up to `limit` records or to the end as it is now. A subscription for a moment: meant
 * for operators' tools, not for a path that is called often.
 *
 * @throws PositionOutOfLog when the position is not in the log
 * @throws LogUnavailable when nothing came within ten seconds although the log has records there
 */
export async function readStretch(context: LogContext, from: Position, limit: number): Promise<LogRecord[]> {
  const { topic, partition, offset } = from;
  const bounds = (await context.admin.bounds([topic])).find((bound) => bound.partition === partition);
  if (bounds === undefined) throw new RangeError(`${topic} has no partition ${partition}`);
  const { start, end } = bounds;
  if (offset < start || offset > end) {
    throw new PositionOutOfLog({ group: '(a reader)', topic, partition, offset, start, end });
  }
  const wanted = Math.min(limit, end - offset);
  if (wanted <= 0) return [];

  const records: LogRecord[] = [];
  const complete = new AbortController();
  const reader = await openBroadcast(context, {
    topics: [topic],
    from: [from],
    handle: (batch) => {
      records.push(...batch.filter((record) => record.partition === partition && record.offset < end));
      if (records.length >= wanted || records.at(-1)?.offset === end - 1) complete.abort();
    },
  });
  try {
    for (let seen = -1; !complete.signal.aborted && records.length > seen;) {
      seen = records.length;
      await pause(seen === 0 ? FIRST_RECORD_MS : QUIET_MS, complete.signal);
    }
  } finally {
    await reader.close();
  }
  if (records.length === 0) throw new LogUnavailable(`Nothing came of ${topic}/${partition} from ${offset} in time`);
  return records.slice(0, limit);
}
