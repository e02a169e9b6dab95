import { PositionOutOfLog } from '../log-errors.js';
import type { LogRecord, OwnedBatch, Position } from '../port.js';

/** What one fetch brought for one partition. */
export interface Fetched {
  topic: string;
  partition: number;
  /** The offset the fetch had asked for. */
  fetchedFrom: number;
  /** Offsets of everything fetched, ascending: the records and what is not given to handlers (transaction markers). */
  offsets: readonly number[];
  records: readonly LogRecord[];
  /** The end of the partition when it was fetched. */
  end: number;
}

/**
 * - `taken`: gathered (or nothing new in it); the fetch may go on behind it
 * - `stale`: fetched for another position than the one due; fetch from there again
 * - `gap`: offsets that should be there are missing; the partition is stopped
 * - `foreign`: not a partition of this assignment, or stopped
 */
export type Verdict = 'taken' | 'stale' | 'gap' | 'foreign';

export interface GathererLimits {
  maxBatchRecords: number;
  /** Above either, `full()` holds until handled batches make room. */
  maxBufferedRecords: number;
  maxBufferedBytes: number;
}

interface Lane {
  topic: string;
  partition: number;
  /** The offset of the next record to take in. */
  due: number;
  /** The end of the partition, as the last fetch saw it. */
  end: number;
  records: LogRecord[];
  /** How many of `records` are in the batch that is out. */
  out: number;
}

/** What a record occupies besides its value. */
const RECORD_OVERHEAD_BYTES = 200;

/**
 * Holds fetched records until they are handled, and cuts batches that span all partitions. Knows each partition's due
 * offset, so that what was fetched too early, twice or with a hole is told apart. One batch is out at a time.
 */
export class Gatherer {
  private readonly lanes = new Map<string, Lane>();
  private readonly order: Lane[] = [];
  private first = 0;
  private bufferedRecords = 0;
  private bufferedBytes = 0;
  private batchOut = false;

  constructor(
    private readonly group: string,
    positions: readonly (Position & { end: number })[],
    private readonly limits: GathererLimits,
  ) {
    for (const { topic, partition, offset, end } of positions) {
      const lane: Lane = { topic, partition, due: offset, end, records: [], out: 0 };
      this.lanes.set(`${topic}/${partition}`, lane);
      this.order.push(lane);
    }
  }

  /** The offset due next; undefined for a partition that is stopped or not of this assignment. */
  dueOf(topic: string, partition: number): number | undefined {
    return this.lanes.get(`${topic}/${partition}`)?.due;
  }

  /** Where each partition that is not stopped stands: what lies below `offset` is handled. */
  standing(): { topic: string; partition: number; offset: number; end: number }[] {
    return [...this.lanes.values()].map(({ topic, partition, due, end, records }) => ({
      topic,
      partition,
      offset: records[0]?.offset ?? due,
      end: Math.max(end, due),
    }));
  }

  /** What lies between the due offset and this one is not in the log any more: the next record to take in is that one. */
  passOver({ topic, partition, offset }: Position): void {
    const lane = this.lanes.get(`${topic}/${partition}`);
    if (lane !== undefined) lane.due = Math.max(lane.due, offset);
  }

  offer(fetched: Fetched): { verdict: Verdict; error?: PositionOutOfLog } {
    const { topic, partition, offsets, fetchedFrom } = fetched;
    const lane = this.lanes.get(`${topic}/${partition}`);
    if (lane === undefined) return { verdict: 'foreign' };
    lane.end = fetched.end;
    const present = offsets.filter((offset) => offset >= lane.due);
    if (present.length === 0) return { verdict: fetchedFrom > lane.due ? 'stale' : 'taken' };
    if (present[0] !== lane.due && fetchedFrom > lane.due) return { verdict: 'stale' };
    const hole = present.findIndex((offset, index) => offset !== lane.due + index);
    if (hole !== -1) {
      const missing = lane.due + hole;
      const error = new PositionOutOfLog({
        group: this.group,
        topic,
        partition,
        offset: missing,
        start: present[hole]!,
        end: fetched.end,
      });
      this.stop(topic, partition);
      return { verdict: 'gap', error };
    }
    const fresh = fetched.records.filter(({ offset }) => offset >= lane.due);
    for (const record of fresh) {
      this.account(record, 1);
      lane.records.push(record);
    }
    lane.due = present.at(-1)! + 1;
    return { verdict: 'taken' };
  }

  full(): boolean {
    const { maxBufferedRecords, maxBufferedBytes } = this.limits;
    return this.bufferedRecords >= maxBufferedRecords || this.bufferedBytes >= maxBufferedBytes;
  }

  /** @returns up to `maxBatchRecords` of all partitions, or undefined when nothing is there or a batch is out */
  take(): OwnedBatch | undefined {
    if (this.batchOut || this.bufferedRecords === 0) return undefined;
    const records: LogRecord[] = [];
    const next: Position[] = [];
    // Each time another partition comes first, so that a busy one cannot keep the others out of full batches.
    const lanes = [...this.order.slice(this.first), ...this.order.slice(0, this.first)].filter(
      (lane) => lane.records.length > 0,
    );
    let left = this.limits.maxBatchRecords;
    const share = Math.max(1, Math.floor(left / Math.max(1, lanes.length)));
    // An equal share for each, then what is left to those that have more.
    for (const most of [share, Infinity]) {
      for (const lane of lanes) {
        const count = Math.min(most, left, lane.records.length - lane.out);
        lane.out += count;
        left -= count;
      }
    }
    for (const lane of lanes) {
      if (lane.out === 0) continue;
      for (let i = 0; i < lane.out; i++) records.push(lane.records[i]!);
      next.push({ topic: lane.topic, partition: lane.partition, offset: lane.records[lane.out - 1]!.offset + 1 });
    }
    this.first = this.order.length === 0 ? 0 : (this.first + 1) % this.order.length;
    this.batchOut = records.length > 0;
    return this.batchOut ? { group: this.group, records, next } : undefined;
  }

  /** The batch that was out is handled. */
  done(): void {
    for (const lane of this.order) {
      if (lane.out === 0) continue;
      for (const record of lane.records.splice(0, lane.out)) this.account(record, -1);
      lane.out = 0;
    }
    this.batchOut = false;
  }

  /** Drops a partition and what is gathered of it. What is in the batch that is out stays there. */
  stop(topic: string, partition: number): void {
    const lane = this.lanes.get(`${topic}/${partition}`);
    if (lane === undefined) return;
    this.lanes.delete(`${topic}/${partition}`);
    for (const record of lane.records.splice(lane.out)) this.account(record, -1);
  }

  private account(record: LogRecord, sign: 1 | -1): void {
    this.bufferedRecords += sign;
    this.bufferedBytes += sign * (record.value.length + record.key.length + RECORD_OVERHEAD_BYTES);
  }
}
