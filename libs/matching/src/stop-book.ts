import assert from 'node:assert/strict';
import type { Side } from './order.js';

/** A stop order waiting for its trigger. */
export interface StopOrder {
  id: string;
  side: Side;
  /** A buy triggers when the ask is at or above it, a sell when the bid is at or below it. */
  stopSteps: number;
  /** Order of acceptance; breaks ties between stops of one price. */
  sequence: number;
}

/**
 * Stop orders of one symbol, each side sorted so that the next to trigger is last: looking for triggered stops
 * costs nothing when there are none.
 */
export class StopBook {
  private readonly buys: StopOrder[] = [];
  private readonly sells: StopOrder[] = [];
  private readonly byId = new Map<string, StopOrder>();

  /** @throws AssertionError for a price that is not a positive integer, or an id that waits already */
  add(stop: StopOrder): void {
    assert(Number.isSafeInteger(stop.stopSteps) && stop.stopSteps > 0, 'stopSteps must be a positive integer');
    assert(!this.byId.has(stop.id), 'a stop id waits at most once');
    const queue = this.queue(stop.side);
    queue.splice(place(queue, stop), 0, stop);
    this.byId.set(stop.id, stop);
  }

  /** @returns whether the stop was waiting. */
  cancel(id: string): boolean {
    const stop = this.byId.get(id);
    if (stop === undefined) return false;
    const queue = this.queue(stop.side);
    queue.splice(place(queue, stop), 1);
    return this.byId.delete(id);
  }

  get size(): number {
    return this.byId.size;
  }

  /**
   * Removes and returns the stops that this bid and ask touch, in the order they are to be executed: the price
   * furthest behind the market first (it would have triggered first on the way), then by acceptance.
   */
  trigger(bidSteps: number, askSteps: number): StopOrder[] {
    const triggered: StopOrder[] = [];
    for (let next = this.sells.at(-1); next !== undefined && bidSteps <= next.stopSteps; next = this.sells.at(-1)) {
      triggered.push(next);
      this.sells.pop();
    }
    for (let next = this.buys.at(-1); next !== undefined && askSteps >= next.stopSteps; next = this.buys.at(-1)) {
      triggered.push(next);
      this.buys.pop();
    }
    for (const stop of triggered) this.byId.delete(stop.id);
    const distance = (stop: StopOrder): number =>
      stop.side === 'BUY' ? askSteps - stop.stopSteps : stop.stopSteps - bidSteps;
    return triggered.sort((a, b) => distance(b) - distance(a) || a.sequence - b.sequence);
  }

  private queue(side: Side): StopOrder[] {
    return side === 'BUY' ? this.buys : this.sells;
  }
}

/** Index of `stop` in its queue, or where it belongs: later triggers first, younger first within a price. */
function place(queue: readonly StopOrder[], stop: StopOrder): number {
  const direction = stop.side === 'BUY' ? -1 : 1;
  let low = 0;
  let high = queue.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const other = queue[middle];
    const behind =
      other !== undefined && ((other.stopSteps - stop.stopSteps) * direction || stop.sequence - other.sequence) < 0;
    if (behind) low = middle + 1;
    else high = middle;
  }
  return low;
}
