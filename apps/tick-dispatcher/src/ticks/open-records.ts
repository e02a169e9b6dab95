import type { LogRecord, Position } from '@tickwire/event-log';

interface OpenRecord {
  offset: number;
  /** What still has to end before the record is done. */
  left: number;
}

interface OpenPartition {
  topic: string;
  partition: number;
  /** In the order of offsets. */
  open: OpenRecord[];
  /** Everything below was seen. */
  seen: number;
  settled: number;
}

/**
 * Which records of the owned partitions are not done yet. Callbacks end in any order; an offset is settled when all
 * records below it are done.
 */
export class OpenRecords {
  private readonly partitions = new Map<string, OpenPartition>();

  constructor(private readonly settle: (position: Position) => void) {}

  /**
   * Takes a record in. Records of a partition come in order; one that comes again begins anew.
   * @param parts how many ends it takes
   * @returns tells one end; further calls than `parts` do nothing
   */
  open({ topic, partition, offset }: Pick<LogRecord, 'topic' | 'partition' | 'offset'>, parts: number): () => void {
    const place = `${topic}/${partition}`;
    let at = this.partitions.get(place);
    if (!at) {
      at = { topic, partition, open: [], seen: offset, settled: offset };
      this.partitions.set(place, at);
    }
    if (offset < at.settled) return () => undefined;
    const record = { offset, left: parts };
    const behind = at.open.findLastIndex((each) => each.offset < offset) + 1;
    at.open.splice(behind, at.open[behind]?.offset === offset ? 1 : 0, record);
    at.seen = Math.max(at.seen, offset + 1);
    const owner = at;
    return () => {
      record.left -= 1;
      if (record.left === 0) this.advance(place, owner);
    };
  }

  /** Everything of a batch is taken in: what lies between its records is none of ours. */
  seen(positions: readonly Position[]): void {
    for (const { topic, partition, offset } of positions) {
      const place = `${topic}/${partition}`;
      const at = this.partitions.get(place) ?? { topic, partition, open: [], seen: offset, settled: 0 };
      this.partitions.set(place, at);
      at.seen = Math.max(at.seen, offset);
      this.advance(place, at);
    }
  }

  /** These partitions are somebody else's: nothing of them is settled any more. */
  drop(partitions: readonly number[]): void {
    for (const [place, { partition }] of this.partitions)
      if (partitions.includes(partition)) this.partitions.delete(place);
  }

  private advance(place: string, at: OpenPartition): void {
    if (this.partitions.get(place) !== at) return;
    const done = at.open.findIndex((record) => record.left > 0);
    at.open.splice(0, done < 0 ? at.open.length : done);
    const offset = at.open[0]?.offset ?? at.seen;
    if (offset <= at.settled) return;
    at.settled = offset;
    this.settle({ topic: at.topic, partition: at.partition, offset });
  }
}
