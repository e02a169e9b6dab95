import { OwnershipLost, sleep, type Fence, type Position } from '@tickwire/event-log';
import type { World } from '@tickwire/market';
import type { AppHost } from '@tickwire/runtime';
import type { Turns } from '../turns.js';
import { tickRecords } from './tick-records.js';
import { advanceClock, clockRuns, nextDue } from './world-clock.js';
import type { WorldInbox } from './world-inbox.js';
import { writeTick, type WorldHead } from './world-store.js';
import { deleteWaiting } from './world-waiting.js';

/** From one tick of such a clock to the next, signals would end as stale where the last quote has to be waited for. */
const SLOW_CLOCK_MS = 10_000;

export interface RunnerOptions {
  host: AppHost;
  fence: Fence;
  /** One tick at a time in a partition: its fence row has one version. */
  turns: Turns;
  /** The positions the partition may be stored at, now. */
  positions(): Position[];
  snapshotEveryTicks: number;
  lateTick(): void;
  /** A tick could not be committed because the fence row is not what it was: somebody else's, or moved by a late commit of ours. */
  fenceMoved(): void;
  /** The world does not tick any more, for a reason that time does not heal. */
  failed(error: unknown): void;
}

/** Runs one world while its partition is owned: closes ticks by the clock or by command, each in one fenced transaction. */
export class WorldRunner {
  private timer: NodeJS.Timeout | undefined;
  private dueMs = performance.now();
  private stopped = false;
  private running = false;

  constructor(
    private head: WorldHead,
    private readonly world: World,
    readonly inbox: WorldInbox,
    private readonly options: RunnerOptions,
  ) {}

  get worldId(): string {
    return this.head.worldId;
  }

  get partition(): number {
    return this.head.partition;
  }

  /** No tick is in sight that would take what waits: the clock stands, or the world has failed. */
  get stands(): boolean {
    if (this.stopped) return true;
    const { clock } = this.head;
    return !this.running && !clockRuns(clock) && clock.stepsLeft === 0 && !this.inbox.wakesClock();
  }

  start(): void {
    this.dueMs = performance.now();
    this.schedule();
  }

  /** Looks at the inbox: a command may have to move a clock that stands. */
  nudge(): void {
    if (!this.running && !clockRuns(this.head.clock) && (this.inbox.wakesClock() || this.head.clock.stepsLeft > 0))
      this.run(0);
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  private schedule(): void {
    if (this.stopped) return;
    const { clock } = this.head;
    if (clock.stepsLeft > 0) return this.run(0);
    if (clockRuns(clock)) {
      const now = performance.now();
      if (now - this.dueMs > clock.tickMs) this.options.lateTick();
      this.dueMs = nextDue(this.dueMs, now, clock.tickMs);
      return this.run(this.dueMs - now);
    }
    if (this.inbox.wakesClock()) this.run(0);
  }

  private run(delayMs: number): void {
    clearTimeout(this.timer);
    this.running = true;
    this.timer = setTimeout(() => {
      this.options.turns
        .take(() => this.closeTick())
        .then(
          () => {
            this.running = false;
            this.schedule();
          },
          (error: unknown) => {
            this.running = false;
            this.stop();
            if (error instanceof OwnershipLost) return this.options.fenceMoved();
            this.inbox.takeBack();
            this.options.failed(error);
          },
        );
    }, delayMs);
  }

  /** Closes the next tick. After `step` the state in memory is ahead: the same writes are tried until they are in, or the partition is lost. */
  private async closeTick(): Promise<void> {
    if (this.stopped) return;
    const { host, fence, snapshotEveryTicks } = this.options;
    const drained = this.inbox.drain();
    const clock = advanceClock(this.head.clock, drained.commands);
    const input = { closedAtMs: host.now(), controls: drained.controls, actions: drained.actions };
    const result = this.world.step(input);
    const head: WorldHead = { ...this.head, tick: result.tick, hash: result.hash, clock };
    const snapshot = result.tick % snapshotEveryTicks === 0 ? this.world.snapshot() : undefined;
    const { parameters } = head;
    const stepMs = clockRuns(clock) ? clock.tickMs : 0;
    const records = tickRecords(result, {
      worldId: head.worldId,
      shards: parameters.shards,
      stepMs,
      companies: this.world.companies(),
    });
    const [quote] = records;
    const heldQuote = clockRuns(clock) && clock.tickMs < SLOW_CLOCK_MS ? undefined : quote.value;
    const next = this.options.positions();
    for (let failures = 0; ; failures += 1) {
      if (this.stopped) return;
      try {
        await fence.transact({
          partitions: [head.partition],
          next,
          write: (transaction) => {
            writeTick(transaction, { head, input, upTo: drained.upTo, heldQuote, snapshot });
            if (drained.fromStore) deleteWaiting(transaction, head.worldId);
          },
          emit: records.map((record) => ({ partition: head.partition, record })),
        });
        this.head = head;
        return;
      } catch (error) {
        if (error instanceof OwnershipLost) throw error;
        host.logger.warn(
          { worldId: head.worldId, tick: head.tick, err: error },
          'a tick could not be committed; trying again',
        );
        await sleep(Math.min(100 * 2 ** failures, 5_000));
      }
    }
  }
}
