import { channel } from 'node:diagnostics_channel';
import { setTimeout as sleep } from 'node:timers/promises';
import { TransientError } from '@tickwire/errors';
import { Backoff, type LogSink } from '@tickwire/event-log';
import type { Pool } from 'pg';
import { storeSettled, type SettledRow } from './dispatch-states.js';

/** Says which step of a transaction path has been reached; fault tests listen and end the process there. */
const steps = channel('tickwire.steps');

/** Whose state is to be stored: a lane. */
export interface Settleable {
  /** What there is to store now; undefined once nothing may be stored any more, or nothing is new. */
  toStore(): Unstored | undefined;
}

export interface Unstored {
  row: SettledRow;
  /** The row is in the database. */
  stored(): void;
}

interface Work extends Unstored {
  lane: Settleable;
}

/** How long settled callbacks gather: one statement for all agents that settle meanwhile. */
const GATHER_MS = 50;
const MOST_ROWS = 2_000;

/** Stores what is settled, in batches, one statement at a time, until it is stored. Several ticks of an agent become one row. */
export class Settlements {
  private waiting = new Set<Settleable>();
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private closed = false;

  constructor(
    private readonly pool: Pool,
    private readonly sink: LogSink,
  ) {}

  add(lane: Settleable): void {
    steps.publish('dispatcher.recorded');
    this.waiting.add(lane);
    if (!this.running && !this.closed) this.timer ??= setTimeout(() => this.start(), GATHER_MS);
  }

  /** One try to store everything that waits, within `timeoutMs`: before partitions are handed over, and at the end. */
  async flush(timeoutMs: number): Promise<void> {
    const late = sleep(timeoutMs, undefined, { ref: false });
    await Promise.race([this.running, late]);
    if (this.running) return;
    clearTimeout(this.timer);
    this.timer = undefined;
    await Promise.race([this.storeOnce(), late]);
  }

  /** Stores nothing more by itself. */
  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
  }

  private start(): void {
    this.timer = undefined;
    this.running ??= this.run().finally(() => {
      this.running = undefined;
      if (this.waiting.size > 0 && !this.closed) this.timer ??= setTimeout(() => this.start(), GATHER_MS);
    });
  }

  private async run(): Promise<void> {
    const backoff = new Backoff();
    while (!(await this.storeOnce()) && !this.closed) await backoff.wait(() => this.closed);
  }

  /** @returns whether everything is stored; what is not waits again */
  private async storeOnce(): Promise<boolean> {
    const lanes = this.waiting;
    this.waiting = new Set();
    const rows: Work[] = [];
    for (const lane of lanes) {
      const unstored = lane.toStore();
      if (unstored) rows.push({ lane, ...unstored });
    }
    let complete = true;
    for (let at = 0; at < rows.length; at += MOST_ROWS)
      complete = (await this.store(rows.slice(at, at + MOST_ROWS))) && complete;
    return complete;
  }

  private async store(rows: readonly Work[]): Promise<boolean> {
    try {
      await storeSettled(
        this.pool,
        rows.map(({ row }) => row),
      );
    } catch (error) {
      if (!TransientError.is(error) && rows.length > 1) {
        // One row is at fault: the others must not wait for it.
        const half = rows.length >> 1;
        const first = await this.store(rows.slice(0, half));
        return (await this.store(rows.slice(half))) && first;
      }
      this.sink.error(
        { agents: rows.length, agentId: rows[0]?.row.agentId, err: error },
        'settled callbacks are not stored yet',
      );
      for (const { lane } of rows) this.waiting.add(lane);
      return false;
    }
    steps.publish('dispatcher.settled');
    for (const { stored } of rows) stored();
    return true;
  }
}
