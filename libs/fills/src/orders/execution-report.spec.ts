import { rejectReport, statusReport, tradeReport } from './execution-report.js';
import { advanceOrder, endOrder, openOrder } from './order.js';
import type { OrderTerms } from './order.js';

const terms: OrderTerms = {
  orderId: 'ord_1',
  clOrdId: 'signal-1',
  account: 'acc_1',
  symbol: 'ACME',
  side: 'buy',
  ordType: 'market',
  tif: 'ioc',
  orderQty: 10,
};
const stamp = { execId: 'exec_1', transactTime: '2030-01-01T00:00:00.000Z', sequence: 4, tenantId: 'tnt_1' };
const trade = {
  fill: { priceSteps: 10_001, lots: 4, referencePriceSteps: 10_000, slippageSteps: 1 },
  tradeId: 'trd_1',
  commissionMinor: 35n,
  liquidity: 'taker',
} as const;

describe('tradeReport', () => {
  it('tells the trade, what it cost and how far the order has got', () => {
    const order = advanceOrder(openOrder(terms), trade.fill);
    expect(tradeReport(order, stamp, trade)).toEqual({
      ...terms,
      ...stamp,
      execType: 'trade',
      ordStatus: 'partially_filled',
      lastQty: 4,
      lastPx: 10_001,
      cumQty: 4,
      leavesQty: 6,
      avgPx: { stepLots: 40_004n, lots: 4 },
      slippageSteps: 1,
      referencePriceSteps: 10_000,
      tradeId: 'trd_1',
      commissionMinor: 35n,
      liquidity: 'taker',
    });
  });

  it('throws when given the order as it was before the trade, or one that has ended otherwise', () => {
    expect(() => tradeReport(openOrder(terms), stamp, trade)).toThrow('after the trade');
    const cancelled = endOrder(advanceOrder(openOrder(terms), trade.fill), 'cancelled');
    expect(() => tradeReport(cancelled, stamp, trade)).toThrow('after the trade');
  });
});

describe('rejectReport', () => {
  const rejected = endOrder(openOrder(terms), 'rejected');

  it('carries our code and its number in FIX', () => {
    const report = rejectReport(rejected, stamp, { code: 'MARKET_CLOSED', text: 'ACME opens at 09:30' });
    expect(report).toMatchObject({
      execType: 'rejected',
      ordStatus: 'rejected',
      rejectCode: 'MARKET_CLOSED',
      ordRejReason: 2,
      lastQty: 0,
      leavesQty: 0,
      commissionMinor: 0n,
    });
    expect(report).not.toHaveProperty('avgPx');
    expect(report).not.toHaveProperty('lastPx');
  });

  it('names the account rule that refused', () => {
    const report = rejectReport(rejected, stamp, { code: 'RULE_MAX_DAILY_LOSS', text: 'floor 95000' });
    expect(report).toMatchObject({ rejectCode: 'RULE_MAX_DAILY_LOSS', ordRejReason: 12 });
  });

  it('throws for an order that is not rejected', () => {
    expect(() => rejectReport(openOrder(terms), stamp, { code: 'DUPLICATE', text: '' })).toThrow('rejected');
  });
});

describe('statusReport', () => {
  it('acknowledges an order, and tells its end with what had traded', () => {
    const order = openOrder(terms);
    expect(statusReport(order, stamp, 'new')).toMatchObject({ execType: 'new', ordStatus: 'new', leavesQty: 10 });
    const ended = endOrder(advanceOrder(order, trade.fill), 'cancelled');
    expect(statusReport(ended, stamp, 'cancelled', 'no liquidity')).toMatchObject({
      execType: 'cancelled',
      cumQty: 4,
      leavesQty: 0,
      avgPx: { stepLots: 40_004n, lots: 4 },
      lastQty: 0,
      text: 'no liquidity',
    });
  });
});
