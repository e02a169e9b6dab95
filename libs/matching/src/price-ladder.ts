import type { RestingOrder, Side } from './order.js';

/** A resting order and its place in the queue of its price. */
export interface QueueNode extends RestingOrder {
  level: PriceLevel;
  /** Next better placed (older) order of the same price. */
  older: QueueNode | undefined;
  /** Next worse placed (younger) order of the same price. */
  younger: QueueNode | undefined;
}

/** All orders of one side at one price, as an intrusive doubly linked FIFO. */
export interface PriceLevel {
  priceSteps: number;
  lots: number;
  orders: number;
  oldest: QueueNode | undefined;
  youngest: QueueNode | undefined;
}

/**
 * One side of a book: its price levels sorted from worst to best, so that the best is the last element, where
 * arrays grow and shrink cheaply. Joining or leaving a queue is O(1); a price that appears or disappears costs a
 * binary search and a move of the better levels' pointers, few in practice because trading happens at the best end.
 */
export class PriceLadder {
  private readonly levels: PriceLevel[] = [];
  /** +1 where a higher price is better (bids), -1 where a lower one is (asks). */
  private readonly direction: 1 | -1;

  constructor(side: Side) {
    this.direction = side === 'BUY' ? 1 : -1;
  }

  /** The best level, or undefined when the side is empty. */
  best(): PriceLevel | undefined {
    return this.levels[this.levels.length - 1];
  }

  /** Levels from best to worst; `rank` 0 is the best. */
  at(rank: number): PriceLevel | undefined {
    return this.levels[this.levels.length - 1 - rank];
  }

  /** Puts an order behind all others of its price. */
  join(order: RestingOrder): QueueNode {
    const level = this.levelFor(order.priceSteps);
    const { id, ownerId, side, priceSteps, lots } = order;
    const node: QueueNode = { id, ownerId, side, priceSteps, lots, level, older: level.youngest, younger: undefined };
    if (level.youngest === undefined) level.oldest = node;
    else level.youngest.younger = node;
    level.youngest = node;
    level.lots += node.lots;
    level.orders += 1;
    return node;
  }

  /** Takes `lots` off an order in place: its priority stays. */
  reduce(node: QueueNode, lots: number): void {
    node.lots -= lots;
    node.level.lots -= lots;
  }

  /** Takes an order out of its queue, and its price out of the ladder when it was the last one there. */
  leave(node: QueueNode): void {
    const { level, older, younger } = node;
    if (older === undefined) level.oldest = younger;
    else older.younger = younger;
    if (younger === undefined) level.youngest = older;
    else younger.older = older;
    level.lots -= node.lots;
    level.orders -= 1;
    if (level.orders === 0) this.drop(level);
  }

  private levelFor(priceSteps: number): PriceLevel {
    const index = this.position(priceSteps);
    const found = this.levels[index];
    if (found?.priceSteps === priceSteps) return found;
    const level: PriceLevel = { priceSteps, lots: 0, orders: 0, oldest: undefined, youngest: undefined };
    if (index === this.levels.length) this.levels.push(level);
    else this.levels.splice(index, 0, level);
    return level;
  }

  private drop(level: PriceLevel): void {
    if (this.best() === level) this.levels.pop();
    else this.levels.splice(this.position(level.priceSteps), 1);
  }

  /** Index of the first level at or better than `priceSteps`. */
  private position(priceSteps: number): number {
    let low = 0;
    let high = this.levels.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const level = this.levels[middle];
      if (level !== undefined && (level.priceSteps - priceSteps) * this.direction < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
