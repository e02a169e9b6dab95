import assert from 'node:assert/strict';
import type { CancelReason, Fill, IncomingOrder, RestingOrder, Side, SubmitResult } from './order.js';
import { PriceLadder, type PriceLevel, type QueueNode } from './price-ladder.js';

/** Best prices in price steps; undefined where a side is empty. */
export interface BestPrices {
  bidSteps: number | undefined;
  askSteps: number | undefined;
}

/** One price of one side with everything that waits there. */
export interface DepthLevel {
  priceSteps: number;
  lots: number;
  orders: number;
}

/** What an order would trade right now. */
export interface Sweep {
  /** At most the lots asked for. */
  lots: number;
  /** Sum of price steps x lots. */
  notionalSteps: number;
}

/** All resting orders, each side best price first and oldest first within a price. Plain data, safe for JSON. */
export interface BookSnapshot {
  bids: RestingOrder[];
  asks: RestingOrder[];
}

/**
 * The limit order book of one symbol: price-time priority, integers only, trades at the maker's price.
 *
 * - A market order's remainder is cancelled; a limit order's remainder rests.
 * - Self-trade prevention is cancel-newest: when an incoming order reaches a resting order of its own owner, what is
 *   left of the incoming order is cancelled (also of a limit order, which would otherwise rest crossed). The resting
 *   order keeps its place. The fills made before that stand.
 * - A caller's bug (bad numbers, an id already on the book) throws AssertionError and leaves the book unchanged.
 */
export class OrderBook {
  private readonly bids = new PriceLadder('BUY');
  private readonly asks = new PriceLadder('SELL');
  private readonly nodes = new Map<string, QueueNode>();

  /** Matches the order and rests what a limit order has left. */
  submit(order: IncomingOrder): SubmitResult {
    this.assertAcceptable(order);
    const limit = order.priceSteps;
    const makers = this.ladder(order.side === 'BUY' ? 'SELL' : 'BUY');
    const fills: Fill[] = [];
    let leftLots = order.lots;
    let ownReached = false;
    for (let level = makers.best(); level !== undefined && leftLots > 0; level = makers.best()) {
      if (limit !== undefined && !reaches(order.side, limit, level.priceSteps)) break;
      const maker = level.oldest;
      assert(maker !== undefined, 'a price level is never empty');
      if (maker.ownerId === order.ownerId) {
        ownReached = true;
        break;
      }
      const lots = Math.min(leftLots, maker.lots);
      leftLots -= lots;
      this.takeFrom(makers, maker, lots);
      fills.push({
        makerId: maker.id,
        makerOwnerId: maker.ownerId,
        takerId: order.id,
        takerOwnerId: order.ownerId,
        priceSteps: maker.priceSteps,
        lots,
        makerLeavesLots: maker.lots,
      });
    }
    if (leftLots === 0) return { fills, restingLots: 0, cancelledLots: 0 };
    if (ownReached) return cancelled(fills, leftLots, 'SELF_TRADE');
    if (limit === undefined || order.type === 'MARKET') return cancelled(fills, leftLots, 'NO_LIQUIDITY');
    this.rest({ id: order.id, ownerId: order.ownerId, side: order.side, priceSteps: limit, lots: leftLots });
    return { fills, restingLots: leftLots, cancelledLots: 0 };
  }

  /** Takes an order off the book. @returns it as it stood, or undefined when it does not rest here. */
  cancel(id: string): RestingOrder | undefined {
    const node = this.nodes.get(id);
    if (node === undefined) return undefined;
    this.nodes.delete(id);
    this.ladder(node.side).leave(node);
    return plain(node);
  }

  /** The resting order of this id, or undefined. */
  find(id: string): RestingOrder | undefined {
    const node = this.nodes.get(id);
    return node === undefined ? undefined : plain(node);
  }

  /** Number of resting orders. */
  get size(): number {
    return this.nodes.size;
  }

  best(): BestPrices {
    return { bidSteps: this.bids.best()?.priceSteps, askSteps: this.asks.best()?.priceSteps };
  }

  /** The best `levels` prices of each side, best first. */
  depth(levels: number): { bids: DepthLevel[]; asks: DepthLevel[] } {
    return { bids: summarise(this.bids, levels), asks: summarise(this.asks, levels) };
  }

  /**
   * What an order of this side, size and limit would trade if it were submitted now, to the lot: it stops at
   * the owner's own resting orders, as `submit` does. Nothing changes.
   */
  sweep(order: { side: Side; lots: number; ownerId: string; priceSteps?: number }): Sweep {
    const makers = this.ladder(order.side === 'BUY' ? 'SELL' : 'BUY');
    let lots = 0;
    let notionalSteps = 0;
    for (let rank = 0, level = makers.at(0); level !== undefined; level = makers.at(++rank)) {
      if (order.priceSteps !== undefined && !reaches(order.side, order.priceSteps, level.priceSteps)) break;
      for (let maker = level.oldest; maker !== undefined; maker = maker.younger) {
        if (lots === order.lots || maker.ownerId === order.ownerId) return { lots, notionalSteps };
        const taken = Math.min(order.lots - lots, maker.lots);
        lots += taken;
        notionalSteps += taken * level.priceSteps;
      }
    }
    return { lots, notionalSteps };
  }

  /** Everything needed to continue exactly from here, priorities included. */
  serialise(): BookSnapshot {
    return { bids: list(this.bids), asks: list(this.asks) };
  }

  /**
   * A book as `serialise` described it.
   * @throws AssertionError when the snapshot is crossed, holds an id twice or a bad number
   */
  static restore(snapshot: BookSnapshot): OrderBook {
    const book = new OrderBook();
    for (const order of [...snapshot.bids, ...snapshot.asks]) {
      book.assertAcceptable({ ...order, type: 'LIMIT' });
      book.rest(order);
    }
    const { bidSteps, askSteps } = book.best();
    assert(
      bidSteps === undefined || askSteps === undefined || bidSteps < askSteps,
      'a restored book must not be crossed',
    );
    return book;
  }

  private rest(order: RestingOrder): void {
    this.nodes.set(order.id, this.ladder(order.side).join(order));
  }

  private takeFrom(makers: PriceLadder, maker: QueueNode, lots: number): void {
    makers.reduce(maker, lots);
    if (maker.lots > 0) return;
    this.nodes.delete(maker.id);
    makers.leave(maker);
  }

  private ladder(side: Side): PriceLadder {
    return side === 'BUY' ? this.bids : this.asks;
  }

  private assertAcceptable(order: IncomingOrder): void {
    assert(isPositiveInteger(order.lots), 'lots must be a positive integer');
    assert(!this.nodes.has(order.id), 'an order id rests at most once');
    if (order.type === 'MARKET' && order.priceSteps === undefined) return;
    assert(isPositiveInteger(order.priceSteps), 'a price is a positive integer, and a limit order needs one');
  }
}

function isPositiveInteger(value: number | undefined): boolean {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

function reaches(side: Side, limitSteps: number, makerSteps: number): boolean {
  return side === 'BUY' ? makerSteps <= limitSteps : makerSteps >= limitSteps;
}

function cancelled(fills: Fill[], cancelledLots: number, cancelReason: CancelReason): SubmitResult {
  return { fills, restingLots: 0, cancelledLots, cancelReason };
}

function plain({ id, ownerId, side, priceSteps, lots }: QueueNode): RestingOrder {
  return { id, ownerId, side, priceSteps, lots };
}

function* levelsOf(ladder: PriceLadder): Generator<PriceLevel> {
  for (let rank = 0, level = ladder.at(0); level !== undefined; level = ladder.at(++rank)) yield level;
}

function list(ladder: PriceLadder): RestingOrder[] {
  const orders: RestingOrder[] = [];
  for (const level of levelsOf(ladder)) {
    for (let node = level.oldest; node !== undefined; node = node.younger) orders.push(plain(node));
  }
  return orders;
}

function summarise(ladder: PriceLadder, levels: number): DepthLevel[] {
  const depth: DepthLevel[] = [];
  for (const { priceSteps, lots, orders } of levelsOf(ladder)) {
    if (depth.length >= levels) break;
    depth.push({ priceSteps, lots, orders });
  }
  return depth;
}
