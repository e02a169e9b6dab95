import type { Fill, Side } from '@tickwire/matching';
import { todayOf, type Agent } from '../agents/agent.js';
import type { OrderRequest } from '../agents/parse-action.js';
import type { AlertType, Alert } from '../world/tick-result.js';
import type { WorldState } from '../world/world-state.js';
import { emptyPosition, feeOn, Ledger, type Account } from './account.js';
import type { Listing } from './listing.js';
import { canCarry, type Marks } from './margin.js';
import { isHouse } from './market-maker.js';
import {
  checkPosition,
  EXPLANATIONS,
  holdCents,
  isTriggered,
  protectionPrice,
  refuse,
  type Refusal,
} from './pre-trade.js';
import { hold, leavesQuantity, touch, type Order, type OrderStatus, type OrderType } from './order.js';

/** At most so many pending, open and partly filled orders an agent. */
export const MAX_OPEN_ORDERS = 200;
/** What became of a request. A refusal has changed nothing. */
export type Placement = { order: Order; refusal?: undefined } | Refusal;

/** Who takes: an account, its order's id, and the order itself where an agent placed it. */
interface Taker {
  account: Account;
  side: Side;
  orderId: string;
  agent?: Agent;
  order?: Order;
}

/**
 * The book venue: takes agents' orders in, checks them, matches them on the books and settles every fill at once,
 * so that books, orders and accounts agree after each call.
 */
export class Exchange {
  readonly ledger: Ledger;
  /** The published prices by company, in cents. */
  marks: Marks = [];
  /** Whether orders are matched in this tick. */
  open = false;
  private readonly bySymbol: Map<string, Listing>;
  /** Orders waiting for the open, in order of arrival. */
  private readonly pending = new Map<Order, Agent>();
  /** Owners of the stops that wait for their trigger, by order id. */
  private readonly stopped = new Map<string, { agent: Agent; order: Order }>();
  private lastId = 0;

  constructor(readonly state: WorldState) {
    this.ledger = new Ledger(state.house);
    this.bySymbol = new Map(state.listings.map((listing) => [listing.company.symbol, listing]));
    this.publishMarks();
  }

  beginTick(open: boolean): void {
    this.open = open;
    this.lastId = 0;
  }

  /** Takes the listings' published prices over as what positions are valued at. */
  publishMarks(): void {
    this.marks = this.state.listings.map(({ quoted }) => quoted.priceCents);
  }

  /** An id that is unique in the world: prefix, tick and a count within the tick. */
  nextId(prefix: string): string {
    this.lastId += 1;
    return `${prefix}_${this.state.tick}_${this.lastId}`;
  }

  listing(company: number): Listing {
    const listing = this.state.listings[company];
    if (listing === undefined) throw new RangeError(`no company ${company}`);
    return listing;
  }

  /** Depth of a company's book, undefined for an unknown symbol. */
  orderBook(symbol: string, levels: number): ReturnType<Listing['book']['depth']> | undefined {
    return this.bySymbol.get(symbol)?.book.depth(levels);
  }

  /** Takes an order in: fills it, rests it, or lets it wait for the open. */
  place(agent: Agent, request: OrderRequest): Placement {
    const listing = this.bySymbol.get(request.symbol);
    if (listing === undefined) return refuse('UNKNOWN_SYMBOL', 'no such symbol is listed');
    const { type, quantity } = request;
    const side: Side = request.action === 'BUY' || request.action === 'COVER' ? 'BUY' : 'SELL';
    const waits = !this.open || type !== 'MARKET';
    if (waits && agent.orders.size >= MAX_OPEN_ORDERS) {
      return refuse('TOO_MANY_OPEN_ORDERS', `at most ${MAX_OPEN_ORDERS} orders may be open`);
    }
    const unfit = checkPosition(agent.positions.get(listing.index), request.action, quantity);
    if (unfit !== undefined) return unfit;
    if (this.open && type === 'STOP' && isTriggered(side, request.stopCents ?? 0, listing)) {
      return refuse('STOP_ALREADY_TRIGGERED', 'the market is already through the stop price');
    }
    const reduceOnly = request.action === 'SELL' || request.action === 'COVER';
    const order = this.newOrder(listing, { ...request, side, reduceOnly });
    if (!waits) {
      const refusal = this.execute(agent, listing, order);
      return refusal === undefined ? { order } : refuse(refusal, EXPLANATIONS[refusal]);
    }
    if (!this.affordable(agent, listing, side, quantity, quantity * order.holdCents)) {
      return refuse('INSUFFICIENT_FUNDS', EXPLANATIONS.INSUFFICIENT_FUNDS);
    }
    hold(agent, order, quantity);
    agent.orders.set(order.id, order);
    touch(agent, order);
    if (this.open) this.work(agent, listing, order);
    else this.pending.set(order, agent);
    return order.status === 'rejected' ? refuse('SELF_TRADE', EXPLANATIONS.SELF_TRADE) : { order };
  }

  /** Ends an agent's own order, whatever it waits for. @returns undefined when the agent has no such order open */
  cancel(agent: Agent, orderId: string): Order | undefined {
    const order = agent.orders.get(orderId);
    if (order === undefined) return undefined;
    const listing = this.listing(order.company);
    this.pending.delete(order);
    if (this.stopped.delete(orderId)) listing.stops.cancel(orderId);
    listing.book.cancel(orderId);
    this.end(agent, order, 'cancelled');
    return order;
  }

  cancelAll(agent: Agent): void {
    for (const orderId of [...agent.orders.keys()]) this.cancel(agent, orderId);
  }

  /** At the open: what has been waiting enters the market in order of arrival. */
  activatePending(): void {
    const waiting = [...this.pending];
    this.pending.clear();
    for (const [order, agent] of waiting) {
      const listing = this.listing(order.company);
      if (order.type === 'MARKET') this.release(agent, listing, order);
      else this.work(agent, listing, order);
    }
  }

  /** Executes the stops that the published quotes touch, each against the book the one before has left. */
  triggerStops(): void {
    for (const listing of this.state.listings) {
      if (listing.stops.size === 0) continue;
      const { bidCents, askCents } = listing.quoted;
      for (const { id } of listing.stops.trigger(bidCents, askCents)) {
        const waiting = this.stopped.get(id);
        this.stopped.delete(id);
        if (waiting !== undefined) this.release(waiting.agent, listing, waiting.order);
      }
    }
  }

  /** Closes an agent's position at the market, as far as the book goes. For liquidations. */
  closePosition(agent: Agent, company: number): void {
    const shares = agent.positions.get(company)?.shares ?? 0;
    if (shares === 0) return;
    const listing = this.listing(company);
    const side = shares > 0 ? 'SELL' : 'BUY';
    const order = this.newOrder(listing, { side, type: 'MARKET', quantity: Math.abs(shares), reduceOnly: true });
    this.execute(agent, listing, order);
  }

  /** Settles what a house account's order has traded. */
  settleHouse(listing: Listing, account: Account, side: Side, orderId: string, fills: readonly Fill[]): void {
    for (const fill of fills) this.settle(listing, { account, side, orderId }, fill);
  }

  alert(agent: Agent, type: AlertType, severity: Alert['severity'], message: string): void {
    const { tick, closedAtMs } = this.state;
    const id = this.nextId('alr');
    const alert: Alert = {
      id,
      agentId: agent.id,
      type,
      message,
      severity,
      tick,
      createdAtMs: closedAtMs,
      acknowledged: false,
    };
    todayOf(agent, tick).alerts.push(alert);
  }

  /** Rebuilds what is derived from agents' orders and the maker's quotes: books, stops, held money. */
  rebuild(): void {
    const resting = this.state.listings.map(
      (): { sequence: number; id: string; ownerId: string; side: Side; priceSteps: number; lots: number }[] => [],
    );
    for (const agent of this.state.agents.values()) {
      for (const order of agent.orders.values()) {
        hold(agent, order, leavesQuantity(order));
        if (order.status === 'pending') this.pending.set(order, agent);
        else if (order.type === 'STOP') this.awaitTrigger(agent, this.listing(order.company), order);
        else {
          const { id, sequence, side, priceCents } = order;
          const lots = leavesQuantity(order);
          resting[order.company]?.push({ sequence, id, ownerId: agent.id, side, priceSteps: priceCents ?? 0, lots });
        }
      }
    }
    const arrivals = [...this.pending].sort(([a], [b]) => a.sequence - b.sequence);
    this.pending.clear();
    for (const [order, agent] of arrivals) this.pending.set(order, agent);
    for (const listing of this.state.listings) {
      const orders = resting[listing.index] ?? [];
      for (const { id, sequence, side, priceCents, lots } of listing.makerQuotes.values()) {
        orders.push({ sequence, id, ownerId: this.ledger.maker.id, side, priceSteps: priceCents, lots });
      }
      // Nothing crosses at rest, so entering in order of arrival matches nothing and restores every priority.
      orders.sort((a, b) => a.sequence - b.sequence);
      for (const { sequence: _sequence, ...order } of orders) listing.book.submit({ ...order, type: 'LIMIT' });
    }
  }

  private newOrder(
    listing: Listing,
    wanted: {
      side: Side;
      type: OrderType;
      quantity: number;
      reduceOnly: boolean;
      priceCents?: number;
      stopCents?: number;
    },
  ): Order {
    const { tick, closedAtMs } = this.state;
    const sequence = this.state.sequence++;
    const { side, type, quantity, reduceOnly, priceCents, stopCents } = wanted;
    return {
      id: `ord_${tick}_${sequence}`,
      sequence,
      company: listing.index,
      side,
      type,
      reduceOnly,
      quantity,
      priceCents,
      stopCents,
      holdCents: holdCents(listing, { side, type, priceCents: priceCents ?? stopCents }, this.state.settings.feeBps),
      status: this.open ? 'open' : 'pending',
      filledQuantity: 0,
      filledCents: 0,
      tickSubmitted: tick,
      tickFilled: undefined,
      createdAtMs: closedAtMs,
      digest: undefined,
      view: undefined,
    };
  }

  private affordable(agent: Agent, listing: Listing, side: Side, lots: number, cents: number): boolean {
    const position = agent.positions.get(listing.index) ?? emptyPosition(listing.index);
    return canCarry(agent, position, { side, lots, cents }, agent.leverage, this.marks);
  }

  /** Puts an order that has its money held to work: a limit on the book, a stop beside it. */
  private work(agent: Agent, listing: Listing, order: Order): void {
    order.status = 'open';
    touch(agent, order);
    if (order.type === 'STOP') return this.awaitTrigger(agent, listing, order);
    const { id, side, quantity: lots, priceCents } = order;
    const result = listing.book.submit({ id, ownerId: agent.id, side, type: 'LIMIT', lots, priceSteps: priceCents });
    for (const fill of result.fills) this.settle(listing, { account: agent, side, orderId: id, agent, order }, fill);
    if (result.cancelledLots > 0) this.end(agent, order, order.filledQuantity > 0 ? 'cancelled' : 'rejected');
  }

  private awaitTrigger(agent: Agent, listing: Listing, order: Order): void {
    listing.stops.add({ id: order.id, side: order.side, stopSteps: order.stopCents ?? 0, sequence: order.sequence });
    this.stopped.set(order.id, { agent, order });
  }

  /** Executes an order that has waited: its money is released, and checked anew against what it really costs. */
  private release(agent: Agent, listing: Listing, order: Order): void {
    hold(agent, order, -leavesQuantity(order));
    agent.orders.delete(order.id);
    touch(agent, order);
    if (this.execute(agent, listing, order) === undefined) return;
    order.status = 'rejected';
    todayOf(agent, this.state.tick).endedOrders.push(order);
  }

  /** Executes at the market an order that holds nothing. @returns why not, with nothing changed */
  private execute(agent: Agent, listing: Listing, order: Order): keyof typeof EXPLANATIONS | undefined {
    const { id, side } = order;
    const priceSteps = protectionPrice(side, listing);
    const market = { id, ownerId: agent.id, side, type: 'MARKET', lots: order.quantity, priceSteps } as const;
    const { lots, notionalSteps } = listing.book.sweep(market);
    const worth = side === 'BUY' ? notionalSteps : Math.max(notionalSteps, lots * listing.quoted.priceCents);
    const cents = worth + feeOn(notionalSteps, this.state.settings.feeBps);
    if (lots > 0 && !this.affordable(agent, listing, side, lots, cents)) return 'INSUFFICIENT_FUNDS';
    const result = listing.book.submit(market);
    if (result.fills.length === 0) return result.cancelReason ?? 'NO_LIQUIDITY';
    for (const fill of result.fills) this.settle(listing, { account: agent, side, orderId: id, agent, order }, fill);
    if (result.cancelledLots > 0) this.end(agent, order, 'cancelled');
    return undefined;
  }

  private settle(listing: Listing, taker: Taker, fill: Fill): void {
    const { lots, priceSteps: priceCents } = fill;
    const { ledger, state } = this;
    const maker = state.agents.get(fill.makerOwnerId);
    const makerAccount = maker ?? ledger.maker;
    const [buyer, seller] = taker.side === 'BUY' ? [taker.account, makerAccount] : [makerAccount, taker.account];
    if (taker.agent !== undefined && taker.order !== undefined) this.fill(taker.agent, taker.order, fill);
    if (maker === undefined) reduceQuote(listing, fill);
    else this.fillMaker(maker, fill);
    ledger.exchange(buyer, seller, listing.index, lots, lots * priceCents);
    if (taker.agent !== undefined) {
      ledger.pay(taker.agent, ledger.fees, feeOn(lots * priceCents, state.settings.feeBps));
    }
    const { today } = listing;
    today.volume += lots;
    today.highCents = Math.max(today.highCents, priceCents);
    today.lowCents = Math.min(today.lowCents, priceCents);
    // Only what the house has taken from agents, or given to them, moves prices; agents among themselves do not.
    if (!isHouse(buyer.id) && isHouse(seller.id)) listing.flowShares += lots;
    if (isHouse(buyer.id) && !isHouse(seller.id)) listing.flowShares -= lots;
    this.report(listing, taker, maker, fill);
  }

  private report(listing: Listing, taker: Taker, maker: Agent | undefined, fill: Fill): void {
    if (taker.agent === undefined && maker === undefined) return;
    const { tick, closedAtMs } = this.state;
    const bought = taker.side === 'BUY';
    const trade = {
      id: this.nextId('trd'),
      symbol: listing.company.symbol,
      buyerId: bought ? taker.account.id : fill.makerOwnerId,
      sellerId: bought ? fill.makerOwnerId : taker.account.id,
      buyerOrderId: bought ? taker.orderId : fill.makerId,
      sellerOrderId: bought ? fill.makerId : taker.orderId,
      priceCents: fill.priceSteps,
      quantity: fill.lots,
      tick,
      createdAtMs: closedAtMs,
    };
    for (const agent of [taker.agent, maker]) if (agent !== undefined) todayOf(agent, tick).trades.push(trade);
  }

  private fillMaker(maker: Agent, fill: Fill): void {
    const order = maker.orders.get(fill.makerId);
    if (order === undefined) throw new Error(`${fill.makerId} rests on the book without an order`);
    this.fill(maker, order, fill);
    if (order.status !== 'filled') return;
    const { symbol } = this.listing(order.company).company;
    this.alert(
      maker,
      'order_filled',
      'info',
      `${order.side} order ${order.id} for ${order.quantity} ${symbol} is filled`,
    );
  }

  /** Books a fill on an agent's order and releases what was held for it. */
  private fill(agent: Agent, order: Order, { lots, priceSteps }: Fill): void {
    if (agent.orders.has(order.id)) hold(agent, order, -lots);
    order.filledQuantity += lots;
    order.filledCents += lots * priceSteps;
    order.status = 'partial';
    touch(agent, order);
    if (leavesQuantity(order) > 0) return;
    order.tickFilled = this.state.tick;
    this.end(agent, order, 'filled');
  }

  private end(agent: Agent, order: Order, status: OrderStatus): void {
    if (agent.orders.delete(order.id)) hold(agent, order, -leavesQuantity(order));
    order.status = status;
    touch(agent, order);
    todayOf(agent, this.state.tick).endedOrders.push(order);
  }
}

function reduceQuote(listing: Listing, fill: Fill): void {
  const quote = listing.makerQuotes.get(fill.makerId);
  if (quote === undefined) return;
  quote.lots = fill.makerLeavesLots;
  if (quote.lots === 0) listing.makerQuotes.delete(fill.makerId);
}
