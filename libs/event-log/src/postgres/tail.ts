import type { LogRecord, Position } from '../port.js';

/** Bytes kept of each partition: about a second of a busy one. */
const DEFAULT_BYTES = 256 * 1024;
/** What a record takes besides its value. */
const RECORD_BYTES = 200;

interface PartitionTail {
  /** Without gaps, oldest first. */
  records: LogRecord[];
  bytes: number;
}

/**
 * The newest records of each partition as this thread has appended them, so that its readers need not ask the database
 * for what just left them. A stretch without gaps; whoever wants something outside it reads the table.
 */
export class Tail {
  private readonly partitions = new Map<string, PartitionTail>();

  constructor(private readonly mostBytes = DEFAULT_BYTES) {}

  /** @param records committed, in offset order within each partition */
  add(records: readonly LogRecord[]): void {
    for (const record of records) {
      const key = `${record.topic}/${record.partition}`;
      let tail = this.partitions.get(key);
      if (!tail) this.partitions.set(key, (tail = { records: [], bytes: 0 }));
      const last = tail.records.at(-1);
      // Older than what is here: its commit was heard of late. Its readers find it in the table.
      if (last && record.offset <= last.offset) continue;
      // Somebody else's records lie between.
      if (last && record.offset > last.offset + 1) Object.assign(tail, { records: [], bytes: 0 });
      tail.records.push(record);
      tail.bytes += sizeOf(record);
      if (tail.bytes > this.mostBytes) trim(tail, this.mostBytes / 2);
    }
  }

  /** Keeps the newest record of each partition, for `endOf`, and lets go of all others. */
  addEnds(records: readonly LogRecord[]): void {
    for (const record of records) {
      const { topic, partition, offset } = record;
      if (offset >= this.endOf(topic, partition))
        this.partitions.set(`${topic}/${partition}`, { records: [record], bytes: sizeOf(record) });
    }
  }

  /** The offset after the newest record that is known here; 0 where none is. */
  endOf(topic: string, partition: number): number {
    const last = this.partitions.get(`${topic}/${partition}`)?.records.at(-1);
    return last ? last.offset + 1 : 0;
  }

  /**
   * @returns at most `limit` records from the position on, none if it is at the end of what is known here, and
   *   undefined where only the table can tell
   */
  read({ topic, partition, offset }: Position, limit: number): readonly LogRecord[] | undefined {
    const records = this.partitions.get(`${topic}/${partition}`)?.records;
    const first = records?.[0];
    if (!records || !first) return [];
    if (offset < first.offset) return undefined;
    return records.slice(offset - first.offset, offset - first.offset + limit);
  }
}

/** Half at a time, so that trimming is rare. The newest record stays. */
function trim(tail: PartitionTail, toBytes: number): void {
  let drop = 0;
  while (tail.bytes > toBytes && drop < tail.records.length - 1) tail.bytes -= sizeOf(tail.records[drop++]!);
  tail.records.splice(0, drop);
}

function sizeOf(record: LogRecord): number {
  return record.value.length + RECORD_BYTES;
}
