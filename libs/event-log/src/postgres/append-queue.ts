import { isConnectionError, withBinaryArrays } from '@tickwire/persistence';
import type { Pool } from 'pg';
import { LogUnavailable, type LogRecord, type NewRecord } from '../port.js';
import { appendStatement } from './append-statement.js';

/** Records of one statement at most; a longer queue goes out in several. */
const MOST_RECORDS = 2_000;
const MOST_BYTES = 8_000_000;
/** What may wait before callers are refused: the log is slower than its writers. */
const QUEUE_BYTES = 64_000_000;

interface Waiting {
  records: readonly NewRecord[];
  bytes: number;
  resolve(): void;
  reject(error: Error): void;
}

/**
 * Group commit: while one append is on its way, everything that arrives is queued and becomes the next one.
 * One statement, one fsync, for any number of callers.
 */
export class AppendQueue {
  private readonly waiting: Waiting[] = [];
  private waitingBytes = 0;
  private running = false;
  private closed = false;

  constructor(
    private readonly pool: Pool,
    private readonly partitionCount: number,
    private readonly timeoutMs: number,
    private readonly appended: (records: readonly LogRecord[]) => void,
  ) {}

  append(records: readonly NewRecord[]): Promise<void> {
    if (records.length === 0) return Promise.resolve();
    if (this.closed) return Promise.reject(new LogUnavailable('The log is closed'));
    const bytes = records.reduce((sum, record) => sum + record.value.length + record.key.length + 100, 0);
    if (this.waitingBytes + bytes > QUEUE_BYTES) {
      return Promise.reject(new LogUnavailable('The log takes records slower than they come; try again'));
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new LogUnavailable(`The log did not acknowledge within ${this.timeoutMs} ms`)),
        this.timeoutMs,
      );
      this.waitingBytes += bytes;
      this.waiting.push({
        records,
        bytes,
        resolve: () => {
          clearTimeout(timer);
          resolve();
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
      if (!this.running) void this.run();
    });
  }

  /** Waits for what is queued. */
  async close(): Promise<void> {
    this.closed = true;
    while (this.running) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  private async run(): Promise<void> {
    this.running = true;
    // Callers of this turn of the event loop share the first statement.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.waiting.length > 0) {
      const batch: Waiting[] = [];
      let records = 0;
      let bytes = 0;
      while (this.waiting.length > 0) {
        const next = this.waiting[0]!;
        if (batch.length > 0 && (records + next.records.length > MOST_RECORDS || bytes + next.bytes > MOST_BYTES))
          break;
        this.waiting.shift();
        this.waitingBytes -= next.bytes;
        records += next.records.length;
        bytes += next.bytes;
        batch.push(next);
      }
      await this.send(batch);
    }
    this.running = false;
  }

  private async send(batch: readonly Waiting[]): Promise<void> {
    try {
      const append = appendStatement(
        batch.flatMap((waiting) => waiting.records),
        this.partitionCount,
      );
      const { text } = append;
      const values = withBinaryArrays(text, append.values);
      const { rows } = await this.pool.query<object>({ name: 'log-append', text, values });
      // Readers first: whoever is told of the acknowledgement finds them told already.
      this.appended(append.appended(rows));
      for (const { resolve } of batch) resolve();
    } catch (cause) {
      if (isConnectionError(cause)) {
        const error = new LogUnavailable('The log did not acknowledge the append', { cause });
        for (const { reject } of batch) reject(error);
      } else if (batch.length > 1) {
        // The database refused a statement: somebody's record is at fault (an unknown topic, a NUL in a key). The others are not.
        for (const single of batch) await this.send([single]);
      } else {
        batch[0]!.reject(cause as Error);
      }
    }
  }
}
