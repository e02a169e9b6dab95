import { OwnershipLost, type PositionOutOfLog } from '../log-errors.js';
import type { LogSink, OwnedBatch, Position } from '../port.js';
import { backoffMs, pause } from './deadline.js';
import { type Fetched, Gatherer, type GathererLimits, type Verdict } from './gatherer.js';

const RETRY_FIRST_MS = 100;
const RETRY_MOST_MS = 5_000;

export interface AssignmentOptions {
  group: string;
  partitions: readonly number[];
  limits: GathererLimits;
  handle(batch: OwnedBatch): Promise<void>;
  /** A batch was handled: everything below its `next` is done. */
  handled(batch: OwnedBatch): void;
  /** The handler says that the partitions are another's. The assignment has halted. */
  ownershipLost(error: OwnershipLost): void;
  log: LogSink;
}

/**
 * The partitions a member owns from one join to the next: gathers their records and runs one `handle` at a time over
 * them. Once halted it is never used again, so nothing of an earlier assignment can leak into a later one.
 */
export class Assignment {
  private gatherer: Gatherer | undefined;
  private running: Promise<void> | undefined;
  private readonly halting = new AbortController();
  private readonly roomWaiters = new Set<() => void>();

  constructor(private readonly options: AssignmentOptions) {}

  get partitions(): readonly number[] {
    return this.options.partitions;
  }

  /** Aborts when the assignment ends. */
  get halted(): AbortSignal {
    return this.halting.signal;
  }

  /** Whether positions are fixed and records are taken in. */
  get isOpen(): boolean {
    return this.gatherer !== undefined && !this.halted.aborted;
  }

  /** Records are accepted from these positions on. */
  open(positions: readonly (Position & { end: number })[]): void {
    this.gatherer = new Gatherer(this.options.group, positions, this.options.limits);
  }

  offer(fetched: Fetched): { verdict: Verdict; error?: PositionOutOfLog } {
    if (!this.isOpen) return { verdict: 'foreign' };
    const answer = this.gatherer!.offer(fetched);
    this.wake();
    return answer;
  }

  dueOf(topic: string, partition: number): number | undefined {
    return this.gatherer?.dueOf(topic, partition);
  }

  /** @see Gatherer.standing */
  standing(): ReturnType<Gatherer['standing']> {
    return this.gatherer?.standing() ?? [];
  }

  passOver(position: Position): void {
    this.gatherer?.passOver(position);
  }

  stop(topic: string, partition: number): void {
    this.gatherer?.stop(topic, partition);
  }

  /** Waits at most `ms` for room. @returns whether there is room (or the assignment has halted) */
  async room(ms: number): Promise<boolean> {
    if (!this.isFull()) return true;
    let wake = () => {};
    const woken = new Promise<void>((resolve) => (wake = resolve));
    this.roomWaiters.add(wake);
    await Promise.race([woken, pause(ms, this.halted)]);
    this.roomWaiters.delete(wake);
    return !this.isFull();
  }

  /** No further batch begins, and a batch that waits for its next attempt is given up. */
  halt(): void {
    this.halting.abort();
    this.releaseRoomWaiters();
  }

  /** Resolves when no `handle` is running. */
  async idle(): Promise<void> {
    await this.running;
  }

  private isFull(): boolean {
    return this.isOpen && this.gatherer!.full();
  }

  private wake(): void {
    this.running ??= this.run();
  }

  private async run(): Promise<void> {
    try {
      // The other partitions of the same fetch are offered before this turn of the event loop ends.
      await Promise.resolve();
      while (this.isOpen) {
        const batch = this.gatherer!.take();
        if (batch === undefined) return;
        if (!(await this.handleUntilDone(batch))) return;
        this.gatherer!.done();
        this.releaseRoomWaiters();
        this.options.handled(batch);
      }
    } finally {
      // Here and not in a `then`, so that a record offered right after the last look begins a new run.
      this.running = undefined;
    }
  }

  /** @returns false when it was given up because the assignment ends */
  private async handleUntilDone(batch: OwnedBatch): Promise<boolean> {
    for (let attempt = 0; !this.halted.aborted; attempt++) {
      try {
        await this.options.handle(batch);
        return true;
      } catch (error) {
        if (error instanceof OwnershipLost) {
          this.halt();
          this.options.ownershipLost(error);
          return false;
        }
        const { group, log } = this.options;
        const waitMs = backoffMs(attempt, RETRY_FIRST_MS, RETRY_MOST_MS);
        log.error(
          { group, attempt, waitMs, records: batch.records.length, err: error },
          'a batch was rejected; it comes again',
        );
        await pause(waitMs, this.halted);
      }
    }
    return false;
  }

  private releaseRoomWaiters(): void {
    for (const wake of this.roomWaiters) wake();
    this.roomWaiters.clear();
  }
}
