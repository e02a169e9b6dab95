import fc from 'fast-check';
import { advanceOrder, endOrder, isFinal, openOrder } from './order.js';
import type { Order, OrderFill, OrderTerms, UnfilledEnd } from './order.js';

const terms = (changes: Partial<OrderTerms> = {}): OrderTerms => ({
  orderId: 'ord_1',
  clOrdId: 'signal-1',
  account: 'acc_1',
  symbol: 'ACME',
  side: 'buy',
  ordType: 'market',
  tif: 'ioc',
  orderQty: 10,
  ...changes,
});

describe('openOrder', () => {
  it('starts with everything left and nothing traded', () => {
    expect(openOrder(terms())).toMatchObject({ ordStatus: 'new', cumQty: 0, leavesQty: 10, filledStepLots: 0n });
  });

  it.each<[string, Partial<OrderTerms>]>([
    ['a market order with a price', { price: 5 }],
    ['a limit order without a price', { ordType: 'limit' }],
    ['a limit order with a stop', { ordType: 'limit', price: 5, stopPx: 4 }],
    ['a stop order without a stop', { ordType: 'stop' }],
    ['a stop-limit order without a limit', { ordType: 'stop_limit', stopPx: 5 }],
    ['a price of zero', { ordType: 'limit', price: 0 }],
    ['no lots', { orderQty: 0 }],
    ['half a lot', { orderQty: 0.5 }],
  ])('throws on %s', (_name, changes) => {
    expect(() => openOrder(terms(changes))).toThrow();
  });

  it('knows the prices that each type needs', () => {
    expect(openOrder(terms({ ordType: 'stop_limit', price: 6, stopPx: 5 }))).toMatchObject({ price: 6, stopPx: 5 });
    expect(openOrder(terms({ ordType: 'trailing_stop', stopPx: 5 }))).toMatchObject({ stopPx: 5 });
  });
});

describe('advanceOrder', () => {
  it('is partially filled until nothing is left, then filled', () => {
    const half = advanceOrder(openOrder(terms()), { lots: 4, priceSteps: 100 });
    expect(half).toMatchObject({ ordStatus: 'partially_filled', cumQty: 4, leavesQty: 6, filledStepLots: 400n });
    const full = advanceOrder(half, { lots: 6, priceSteps: 101 });
    expect(full).toMatchObject({ ordStatus: 'filled', cumQty: 10, leavesQty: 0, filledStepLots: 1_006n });
    expect(half.cumQty).toBe(4);
  });

  it('leaves a pending cancel pending until the last lot trades', () => {
    const cancelling: Order = { ...openOrder(terms()), ordStatus: 'pending_cancel' };
    const half = advanceOrder(cancelling, { lots: 4, priceSteps: 100 });
    expect(half.ordStatus).toBe('pending_cancel');
    expect(advanceOrder(half, { lots: 6, priceSteps: 100 }).ordStatus).toBe('filled');
  });

  it('says that an order has ended when it is asked to trade or end again', () => {
    const full = advanceOrder(openOrder(terms()), { lots: 10, priceSteps: 100 });
    expect(() => advanceOrder(full, { lots: 1, priceSteps: 100 })).toThrow('a filled order cannot trade');
    expect(() => endOrder(full, 'cancelled')).toThrow('a filled order cannot end again');
    const expired = endOrder(openOrder(terms()), 'expired');
    expect(() => advanceOrder(expired, { lots: 1, priceSteps: 100 })).toThrow('expired');
  });

  it('throws on more lots than are left, and on fills that are not positive integers', () => {
    const order = openOrder(terms());
    expect(() => advanceOrder(order, { lots: 11, priceSteps: 1 })).toThrow('exceed');
    expect(() => advanceOrder(order, { lots: 0, priceSteps: 1 })).toThrow('fill.lots');
    expect(() => advanceOrder(order, { lots: 1, priceSteps: 1.5 })).toThrow('fill.priceSteps');
  });
});

describe('endOrder', () => {
  it('keeps what has traded and leaves nothing working', () => {
    const half = advanceOrder(openOrder(terms()), { lots: 4, priceSteps: 100 });
    expect(endOrder(half, 'cancelled')).toMatchObject({ ordStatus: 'cancelled', cumQty: 4, leavesQty: 0 });
  });

  it('does not reject an order that has traded', () => {
    const half = advanceOrder(openOrder(terms()), { lots: 4, priceSteps: 100 });
    expect(() => endOrder(half, 'rejected')).toThrow('cannot be rejected');
    expect(endOrder(openOrder(terms()), 'rejected').ordStatus).toBe('rejected');
  });
});

describe('an order through any life', () => {
  const quantity = fc.integer({ min: 1, max: 1_000 });
  const fill: fc.Arbitrary<OrderFill> = fc.record({
    lots: fc.oneof(fc.integer({ min: 1, max: 20 }), quantity),
    priceSteps: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  });
  const end = fc.constantFrom<UnfilledEnd>('cancelled', 'expired', 'rejected');

  it('keeps the invariants of its report, ends once, and does not trade after', () => {
    fc.assert(
      fc.property(
        quantity,
        fc.array(fc.oneof({ weight: 8, arbitrary: fill }, end), { maxLength: 30 }),
        (orderQty, life) => {
          let order = openOrder(terms({ orderQty }));
          const traded: OrderFill[] = [];
          for (const event of life) {
            const before = order;
            const step = () => (typeof event === 'string' ? endOrder(before, event) : advanceOrder(before, event));
            const refused =
              isFinal(before) ||
              (typeof event === 'string' ? event === 'rejected' && before.cumQty > 0 : event.lots > before.leavesQty);
            if (refused) {
              expect(step).toThrow();
              continue;
            }
            order = step();
            if (typeof event !== 'string') traded.push(event);

            expect(order.cumQty).toBe(traded.reduce((sum, { lots }) => sum + lots, 0));
            expect(order.cumQty).toBeGreaterThanOrEqual(before.cumQty);
            expect(order.leavesQty).toBe(isFinal(order) ? 0 : orderQty - order.cumQty);
            expect(order.ordStatus === 'filled').toBe(order.cumQty === orderQty);
            expect(order.filledStepLots).toBe(
              traded.reduce((sum, { lots, priceSteps }) => sum + BigInt(lots) * BigInt(priceSteps), 0n),
            );
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
