import fc from 'fast-check';
import { OrderBook } from './order-book.js';
import type { IncomingOrder, RestingOrder, Side, SubmitResult } from './order.js';

function limit(order: Partial<IncomingOrder> & { id: string; side: Side; priceSteps: number }): IncomingOrder {
  return { ownerId: order.id, lots: 10, type: 'LIMIT', ...order };
}

function market(order: Partial<IncomingOrder> & { id: string; side: Side }): IncomingOrder {
  return { ownerId: order.id, lots: 10, type: 'MARKET', ...order };
}

function bookOf(...orders: IncomingOrder[]): OrderBook {
  const book = new OrderBook();
  for (const order of orders) book.submit(order);
  return book;
}

const trades = (result: SubmitResult): [string, number, number][] =>
  result.fills.map((fill) => [fill.makerId, fill.priceSteps, fill.lots]);

describe('OrderBook', () => {
  it('takes the best price first, the oldest first within a price, and trades at the maker price', () => {
    const book = bookOf(
      limit({ id: 'late-best', side: 'SELL', priceSteps: 101 }),
      limit({ id: 'worse', side: 'SELL', priceSteps: 103 }),
      limit({ id: 'later', side: 'SELL', priceSteps: 101 }),
    );
    const result = book.submit(limit({ id: 't', side: 'BUY', priceSteps: 105, lots: 25 }));
    expect(trades(result)).toEqual([
      ['late-best', 101, 10],
      ['later', 101, 10],
      ['worse', 103, 5],
    ]);
    expect(result).toMatchObject({ restingLots: 0, cancelledLots: 0 });
    expect(book.best()).toEqual({ bidSteps: undefined, askSteps: 103 });
  });

  it('does not over-fill the first of two orders at one price, nor lose the second', () => {
    const book = bookOf(
      limit({ id: 'a', side: 'BUY', priceSteps: 100, lots: 5 }),
      limit({ id: 'b', side: 'BUY', priceSteps: 100, lots: 5 }),
    );
    book.submit(market({ id: 't', side: 'SELL', lots: 7 }));
    expect(book.find('a')).toBeUndefined();
    expect(book.find('b')).toEqual({ id: 'b', ownerId: 'b', side: 'BUY', priceSteps: 100, lots: 3 });
  });

  it('rests the remainder of a limit order and cancels that of a market order', () => {
    const book = bookOf(limit({ id: 'ask', side: 'SELL', priceSteps: 100, lots: 4 }));
    expect(book.submit(limit({ id: 'bid', side: 'BUY', priceSteps: 100, lots: 6 }))).toMatchObject({ restingLots: 2 });
    expect(book.submit(market({ id: 'mkt', side: 'SELL', lots: 9 }))).toMatchObject({
      restingLots: 0,
      cancelledLots: 7,
      cancelReason: 'NO_LIQUIDITY',
    });
    expect(book.size).toBe(0);
  });

  it('stops a protected market order at its worst acceptable price and cancels the rest', () => {
    const book = bookOf(
      limit({ id: 'near', side: 'SELL', priceSteps: 100, lots: 2 }),
      limit({ id: 'far', side: 'SELL', priceSteps: 500, lots: 2 }),
    );
    const result = book.submit(market({ id: 't', side: 'BUY', lots: 4, priceSteps: 110 }));
    expect(trades(result)).toEqual([['near', 100, 2]]);
    expect(result).toMatchObject({ cancelledLots: 2, cancelReason: 'NO_LIQUIDITY' });
    expect(book.best()).toEqual({ bidSteps: undefined, askSteps: 500 });
  });

  it('keeps the place in the queue of an order that was filled in part', () => {
    const book = bookOf(
      limit({ id: 'first', side: 'SELL', priceSteps: 100 }),
      limit({ id: 'second', side: 'SELL', priceSteps: 100 }),
      market({ id: 'nibble', side: 'BUY', lots: 1 }),
    );
    expect(trades(book.submit(market({ id: 't', side: 'BUY', lots: 10 })))).toEqual([
      ['first', 100, 9],
      ['second', 100, 1],
    ]);
  });

  it('never trades an owner with himself: the newest order is cut, the resting one keeps its place', () => {
    const book = bookOf(
      limit({ id: 'other', ownerId: 'bob', side: 'SELL', priceSteps: 100, lots: 1 }),
      limit({ id: 'own', ownerId: 'ann', side: 'SELL', priceSteps: 100, lots: 1 }),
      limit({ id: 'behind', ownerId: 'bob', side: 'SELL', priceSteps: 100, lots: 1 }),
    );
    const result = book.submit(limit({ id: 't', ownerId: 'ann', side: 'BUY', priceSteps: 100, lots: 3 }));
    expect(trades(result)).toEqual([['other', 100, 1]]);
    expect(result).toMatchObject({ restingLots: 0, cancelledLots: 2, cancelReason: 'SELF_TRADE' });
    expect(book.best()).toEqual({ bidSteps: undefined, askSteps: 100 });
    expect(book.serialise().asks.map((order) => order.id)).toEqual(['own', 'behind']);
  });

  it('cancels by id, once, and reports what stood there', () => {
    const book = bookOf(
      limit({ id: 'a', side: 'BUY', priceSteps: 99 }),
      limit({ id: 'b', side: 'BUY', priceSteps: 100 }),
      limit({ id: 'c', side: 'BUY', priceSteps: 98 }),
    );
    expect(book.cancel('a')).toMatchObject({ id: 'a', lots: 10 });
    expect(book.cancel('a')).toBeUndefined();
    expect(book.depth(5)).toEqual({
      bids: [
        { priceSteps: 100, lots: 10, orders: 1 },
        { priceSteps: 98, lots: 10, orders: 1 },
      ],
      asks: [],
    });
  });

  it('refuses what only a faulty caller sends, and stays as it was', () => {
    const book = bookOf(limit({ id: 'a', side: 'BUY', priceSteps: 99 }));
    const before = book.serialise();
    expect(() => book.submit(limit({ id: 'b', side: 'BUY', priceSteps: 99, lots: 0 }))).toThrow('lots');
    expect(() => book.submit(limit({ id: 'b', side: 'BUY', priceSteps: 9.5 }))).toThrow('price');
    expect(() => book.submit(limit({ id: 'a', side: 'SELL', priceSteps: 99 }))).toThrow('at most once');
    expect(() => book.submit(market({ id: 'b', side: 'BUY', priceSteps: -1 }))).toThrow('price');
    expect(book.serialise()).toEqual(before);
  });

  it('refuses to restore a crossed book', () => {
    const bids: RestingOrder[] = [{ id: 'a', ownerId: 'a', side: 'BUY', priceSteps: 101, lots: 1 }];
    const asks: RestingOrder[] = [{ id: 'b', ownerId: 'b', side: 'SELL', priceSteps: 101, lots: 1 }];
    expect(() => OrderBook.restore({ bids, asks })).toThrow('crossed');
  });
});

/** The plainest book that can be right: one array in order of arrival, searched from the start every time. */
class NaiveBook {
  private orders: RestingOrder[] = [];

  submit(order: IncomingOrder): SubmitResult {
    const result: SubmitResult = { fills: [], restingLots: 0, cancelledLots: 0 };
    let left = order.lots;
    while (left > 0) {
      const maker = this.makers(order)[0];
      if (maker === undefined) break;
      if (maker.ownerId === order.ownerId) return { ...result, cancelledLots: left, cancelReason: 'SELF_TRADE' };
      const lots = Math.min(left, maker.lots);
      left -= lots;
      maker.lots -= lots;
      this.orders = this.orders.filter((resting) => resting.lots > 0);
      result.fills.push({
        makerId: maker.id,
        makerOwnerId: maker.ownerId,
        takerId: order.id,
        takerOwnerId: order.ownerId,
        priceSteps: maker.priceSteps,
        lots,
        makerLeavesLots: maker.lots,
      });
    }
    if (left === 0) return result;
    if (order.type === 'MARKET' || order.priceSteps === undefined) {
      return { ...result, cancelledLots: left, cancelReason: 'NO_LIQUIDITY' };
    }
    const { id, ownerId, side, priceSteps } = order;
    this.orders.push({ id, ownerId, side, priceSteps, lots: left });
    return { ...result, restingLots: left };
  }

  cancel(id: string): RestingOrder | undefined {
    const found = this.orders.find((order) => order.id === id);
    this.orders = this.orders.filter((order) => order.id !== id);
    return found;
  }

  side(side: Side): RestingOrder[] {
    const sign = side === 'BUY' ? -1 : 1;
    return this.orders.filter((order) => order.side === side).sort((a, b) => sign * (a.priceSteps - b.priceSteps));
  }

  private makers(order: IncomingOrder): RestingOrder[] {
    const limitSteps = order.priceSteps ?? (order.side === 'BUY' ? Infinity : 0);
    return this.side(order.side === 'BUY' ? 'SELL' : 'BUY').filter((maker) =>
      order.side === 'BUY' ? maker.priceSteps <= limitSteps : maker.priceSteps >= limitSteps,
    );
  }
}

type Wanted = { ownerId: string; side: Side; lots: number; priceSteps: number | undefined; protect: boolean };
type Step = { cancel: number } | Wanted;

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 1, arbitrary: fc.record({ cancel: fc.nat(80) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      ownerId: fc.constantFrom('ann', 'bob', 'cat'),
      side: fc.constantFrom<Side>('BUY', 'SELL'),
      lots: fc.integer({ min: 1, max: 9 }),
      priceSteps: fc.option(fc.integer({ min: 95, max: 105 }), { nil: undefined, freq: 5 }),
      // A market order that carries a price is a protected one.
      protect: fc.integer({ min: 0, max: 9 }).map((roll) => roll === 0),
    }),
  },
);

function toOrder(id: string, { protect, ...wanted }: Wanted): IncomingOrder {
  return { id, type: wanted.priceSteps === undefined || protect ? 'MARKET' : 'LIMIT', ...wanted };
}

describe('OrderBook against the naive book', () => {
  it('answers every order and cancel alike, previews exactly, conserves lots and never rests crossed', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), fc.nat(79), (steps, restoreAt) => {
        let book = new OrderBook();
        const naive = new NaiveBook();
        steps.forEach((wanted, index) => {
          if (index === restoreAt) book = OrderBook.restore(JSON.parse(JSON.stringify(book.serialise())));
          if ('cancel' in wanted) {
            expect(book.cancel(`o${wanted.cancel}`)).toEqual(naive.cancel(`o${wanted.cancel}`));
            return;
          }
          const order = toOrder(`o${index}`, wanted);
          const preview = book.sweep(order);
          const result = book.submit(order);
          expect(result).toEqual(naive.submit(order));
          const traded = result.fills.reduce((lots, fill) => lots + fill.lots, 0);
          const notional = result.fills.reduce((sum, fill) => sum + fill.lots * fill.priceSteps, 0);
          expect(traded + result.restingLots + result.cancelledLots).toBe(order.lots);
          expect(preview).toEqual({ lots: traded, notionalSteps: notional });
          expect(result.fills.every((fill) => fill.makerOwnerId !== fill.takerOwnerId)).toBe(true);
          const { bidSteps, askSteps } = book.best();
          expect((bidSteps ?? 0) < (askSteps ?? Infinity)).toBe(true);
        });
        expect(book.serialise()).toEqual({ bids: naive.side('BUY'), asks: naive.side('SELL') });
        const lots = (orders: { lots: number }[]): number => orders.reduce((sum, order) => sum + order.lots, 0);
        const { bids, asks } = book.depth(Infinity);
        expect([lots(bids), lots(asks)]).toEqual([lots(naive.side('BUY')), lots(naive.side('SELL'))]);
      }),
      { numRuns: 300 },
    );
  });
});
