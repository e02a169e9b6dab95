import type { LogSink, PartitionBounds } from './port.js';

/** Records of perishable topics that expired before a member of a group came to read them: told, and counted by topic. */
export class ExpiredRecords {
  private readonly counts: Map<string, number>;
  private readonly perishable: ReadonlySet<string>;

  constructor(
    private readonly group: string,
    perishable: readonly string[] = [],
    private readonly log: LogSink,
  ) {
    this.perishable = new Set(perishable);
    // Zero is told too: the first that expire are then an increase.
    this.counts = new Map(perishable.map((topic) => [topic, 0]));
  }

  get byTopic(): ReadonlyMap<string, number> {
    return this.counts;
  }

  /** Whether a position outside the log is there by age alone, so that the member goes on at the log's start. */
  excuse(offset: number, { topic, start }: Pick<PartitionBounds, 'topic' | 'start'>): boolean {
    return offset < start && this.perishable.has(topic);
  }

  /** The member goes on at `start`, although it stood at `offset`. */
  passOver(offset: number, { topic, partition, start }: Omit<PartitionBounds, 'end'>): void {
    const expired = start - offset;
    this.counts.set(topic, (this.counts.get(topic) ?? 0) + expired);
    this.log.warn(
      { group: this.group, topic, partition, offset, start, expired },
      'records expired unread; going on at the first one kept',
    );
  }
}
