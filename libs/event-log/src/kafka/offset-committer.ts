import type { LogSink, Position } from '../port.js';

/**
 * Commits positions rarely: one commit in flight, the next at the earliest `intervalMs` after the last, and only when
 * something moved (commits after every batch queue up at the broker and cost seconds).
 */
export class OffsetCommitter {
  private readonly moved = new Map<string, Position>();
  private readonly highest = new Map<string, number>();
  private timer: NodeJS.Timeout | undefined;
  private inFlight: Promise<void> = Promise.resolve();
  private ended = false;

  constructor(
    private readonly commit: (positions: readonly Position[]) => Promise<void>,
    private readonly intervalMs: number,
    private readonly log: LogSink,
  ) {}

  /** Everything below the position is done. A lower position than before is ignored. */
  advance({ topic, partition, offset }: Position): void {
    const place = `${topic}/${partition}`;
    if (offset <= (this.highest.get(place) ?? -1)) return;
    this.highest.set(place, offset);
    this.moved.set(place, { topic, partition, offset });
    if (this.timer === undefined && !this.ended) {
      this.timer = setTimeout(() => void this.commitMoved().finally(() => this.rearm()), this.intervalMs);
    }
  }

  /** Where the assignment began: nothing to commit, and the least that `doneUpTo` says. */
  startAt({ topic, partition, offset }: Position): void {
    const place = `${topic}/${partition}`;
    if (!this.highest.has(place)) this.highest.set(place, offset);
  }

  /** Everything below is done; undefined for a place that the assignment does not have. */
  doneUpTo(topic: string, partition: number): number | undefined {
    return this.highest.get(`${topic}/${partition}`);
  }

  /** The last commit of this assignment; later positions are forgotten, and come again to the next owner. */
  async finish(): Promise<void> {
    this.ended = true;
    clearTimeout(this.timer);
    await this.commitMoved();
  }

  private rearm(): void {
    this.timer = undefined;
    const [any] = this.moved.values();
    if (any === undefined || this.ended) return;
    this.timer = setTimeout(() => void this.commitMoved().finally(() => this.rearm()), this.intervalMs);
  }

  private commitMoved(): Promise<void> {
    this.inFlight = this.inFlight.then(async () => {
      const positions = [...this.moved.values()];
      if (positions.length === 0) return;
      this.moved.clear();
      try {
        await this.commit(positions);
      } catch (error) {
        this.log.warn({ error: (error as Error).message }, 'offsets were not committed; they go with the next commit');
        for (const position of positions) {
          const place = `${position.topic}/${position.partition}`;
          if (!this.moved.has(place)) this.moved.set(place, position);
        }
      }
    });
    return this.inFlight;
  }
}
