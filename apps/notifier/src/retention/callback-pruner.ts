import type { Logger } from 'pino';
import type { ExpiredCallbacks, PassedEvent } from './expired-callbacks.js';

/** Often enough that a pass finds little to do. */
const PASS_EVERY_MS = 600_000;
/** Small, so that no transaction holds its locks for long. */
const EVENTS_AT_ONCE = 500;
/** Between batches: what is sent comes first. */
const PAUSE_MS = 100;

/** Deletes what has outlived its retention, a little at a time, for as long as the notifier runs. */
export class CallbackPruner {
  private timer: NodeJS.Timeout | undefined;
  private passing: Promise<unknown> = Promise.resolve();
  private readonly stopping = new AbortController();

  constructor(
    private readonly expired: ExpiredCallbacks,
    private readonly logger: Logger,
    /** Told how many events went in a batch. */
    private readonly onPruned: (events: number) => void,
  ) {}

  start(): void {
    this.timer = setInterval(() => (this.passing = this.pass()), PASS_EVERY_MS);
    this.timer.unref();
  }

  /** Waits for the batch that is running. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    this.stopping.abort();
    await this.passing;
  }

  /**
   * From the oldest event to the newest that is old enough. Never rejects: what failed is tried again with the next pass.
   * @returns how many events went
   */
  async pass(eventsAtOnce = EVENTS_AT_ONCE): Promise<number> {
    let total = 0;
    try {
      let next: PassedEvent | undefined;
      do {
        const step = await this.expired.prune(next, eventsAtOnce);
        total += step.pruned;
        next = step.next;
        if (step.pruned > 0) this.onPruned(step.pruned);
        if (next) await this.pause();
      } while (next && !this.stopping.signal.aborted);
    } catch (error) {
      this.logger.warn({ err: error }, 'expired callbacks could not be deleted; trying again with the next pass');
    }
    if (total > 0) this.logger.info({ events: total }, 'expired callbacks were deleted');
    return total;
  }

  private async pause(): Promise<void> {
    const { signal } = this.stopping;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, PAUSE_MS);
      signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
    });
  }
}
