import { Backoff, sleep } from '@tickwire/event-log';
import type { Logger } from 'pino';
import type { AttemptResult } from '../deliveries/delivery.js';

/** Results that end within this time share a statement. */
const GATHER_MS = 3;
const MOST_RESULTS = 500;

/** Writes attempts' results in batches, one statement in flight; while the database is away it keeps them and tries again. */
export class Settlement {
  private waiting: AttemptResult[] = [];
  private running: Promise<void> | undefined;
  private closing = false;

  constructor(
    private readonly write: (results: readonly AttemptResult[]) => Promise<void>,
    /** Told once they are written; or at closing, when they could not be (their claims then run out). */
    private readonly written: (results: readonly AttemptResult[]) => void,
    private readonly logger: Logger,
  ) {}

  add(result: AttemptResult): void {
    this.waiting.push(result);
    this.running ??= this.run().finally(() => (this.running = undefined));
  }

  /** Writes what is left; without a database it tries once more and gives up. */
  async close(): Promise<void> {
    this.closing = true;
    await this.running;
  }

  private async run(): Promise<void> {
    while (this.waiting.length > 0) {
      if (this.waiting.length < MOST_RESULTS && !this.closing) await sleep(GATHER_MS);
      const results = this.waiting.splice(0, MOST_RESULTS);
      await this.writeUntilDone(results);
      this.written(results);
    }
  }

  private async writeUntilDone(results: readonly AttemptResult[]): Promise<void> {
    const backoff = new Backoff();
    for (;;) {
      const lastTry = this.closing;
      try {
        return await this.write(results);
      } catch (error) {
        this.logger.error({ err: error, attempts: results.length }, 'attempts could not be recorded');
        if (lastTry) return;
        await backoff.wait(() => this.closing);
      }
    }
  }
}
