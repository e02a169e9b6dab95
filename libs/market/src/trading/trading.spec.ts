import { Scenario } from '../world/scenario.js';
import { restoreWorld } from '../world/world.js';

const ROLES = { ann: 'quant', bob: 'quant', poor: 'whistleblower' } as const;

describe('trading on the book', () => {
  it('fills a market buy at the shown ask, from the market maker, and books cost and cash', () => {
    const scenario = new Scenario({}, ROLES);
    const { askCents } = scenario.quote;
    const [result] = scenario.act('ann', { type: 'BUY', payload: { symbol: scenario.symbol, quantity: 100 } });
    const { orders, trades, portfolio } = scenario.agent('ann');
    const orderId = orders[0]?.id;
    expect(result).toMatchObject({ action: 'BUY', success: true, message: 'Order filled' });
    expect(result?.data).toEqual({ orderId, symbol: scenario.symbol, side: 'BUY', quantity: 100, type: 'MARKET' });
    expect(orders).toEqual([
      expect.objectContaining({ status: 'filled', filledQuantity: 100, filledCents: 100 * askCents, tickFilled: 2 }),
    ]);
    expect(trades).toEqual([
      expect.objectContaining({ buyerId: 'ann', sellerId: '@market-maker', priceCents: askCents, quantity: 100 }),
    ]);
    expect(portfolio.cashCents).toBe(5_000_000_000 - 100 * askCents);
    expect(portfolio.positions).toMatchObject([{ symbol: scenario.symbol, shares: 100, costCents: 100 * askCents }]);
    expect(scenario.step().agents[0]?.orders).toEqual([]);
  });

  it('rests a limit order, holds its money, fills it when the price comes, tells its owner', () => {
    const scenario = new Scenario({}, ROLES);
    const price = Math.floor(scenario.quote.bidCents * 0.9) / 100;
    scenario.act('ann', {
      type: 'buy',
      symbol: scenario.symbol.toLowerCase(),
      quantity: 50,
      orderType: 'LIMIT',
      price,
    });
    expect(scenario.agent('ann').orders).toMatchObject([{ status: 'open', priceCents: Math.round(price * 100) }]);
    expect(scenario.agent('ann').portfolio.marginUsedCents).toBe(Math.ceil((50 * Math.round(price * 100)) / 5));
    scenario.movePrice(0.8).step();
    const { orders, alerts, portfolio } = scenario.agent('ann');
    expect(orders).toMatchObject([{ status: 'filled', filledCents: 50 * Math.round(price * 100) }]);
    expect(alerts).toMatchObject([{ type: 'order_filled', severity: 'info', acknowledged: false }]);
    expect(portfolio.positions).toMatchObject([{ shares: 50 }]);
  });

  it('lets agents trade with each other inside the market maker’s spread', () => {
    const scenario = new Scenario({ seed: 'wide' }, ROLES);
    const { bidCents, askCents } = scenario.quote;
    const price = Math.floor((bidCents + askCents) / 2) / 100;
    scenario
      .answer('ann', { type: 'SHORT', symbol: scenario.symbol, quantity: 5, price })
      .answer('bob', { type: 'BUY', symbol: scenario.symbol, quantity: 5, orderType: 'LIMIT', price })
      .step();
    const [trade] = scenario.agent('bob').trades;
    expect(trade).toMatchObject({ buyerId: 'bob', sellerId: 'ann', quantity: 5 });
    expect(scenario.agent('ann').trades).toEqual([trade]);
    expect(scenario.agent('ann').portfolio.positions).toMatchObject([
      { shares: -5, costCents: -5 * Math.round(price * 100) },
    ]);
  });

  it('cancels a partly filled order and gives its hold back; only one’s own', () => {
    const scenario = new Scenario({}, ROLES);
    const price = (scenario.quote.askCents + 0) / 100;
    scenario.act('ann', { type: 'BUY', symbol: scenario.symbol, quantity: 5_000, orderType: 'LIMIT', price });
    const [order] = scenario.agent('ann').orders;
    expect(order).toMatchObject({ quantity: 5_000 });
    expect(order?.filledQuantity).toBeGreaterThanOrEqual(1_000);
    const id = order?.id;
    if (order?.status === 'filled') throw new Error('the scenario needs an order larger than the best level');
    expect(scenario.act('bob', { type: 'CANCEL_ORDER', orderId: id })).toMatchObject([{ message: 'UNKNOWN_ORDER' }]);
    expect(scenario.act('ann', { type: 'CANCEL_ORDER', payload: { orderId: id } })).toMatchObject([{ success: true }]);
    expect(scenario.agent('ann').orders).toMatchObject([{ id, status: 'cancelled' }]);
    const { portfolio } = scenario.agent('ann');
    const value = portfolio.positions.reduce((sum, position) => sum + position.shares * position.priceCents, 0);
    expect(portfolio.marginUsedCents).toBe(Math.ceil(value / 5));
    expect(scenario.act('ann', { type: 'CANCEL_ORDER', orderId: id })).toMatchObject([{ message: 'UNKNOWN_ORDER' }]);
  });

  it('checks shares and money against what open orders have promised already', () => {
    const scenario = new Scenario({}, ROLES);
    const { symbol } = scenario;
    const far = Math.ceil(scenario.quote.askCents * 1.05) / 100;
    const results = scenario.act(
      'ann',
      { type: 'BUY', symbol, quantity: 100 },
      { type: 'SELL', symbol, quantity: 60, orderType: 'LIMIT', price: far },
      { type: 'SELL', symbol, quantity: 41 },
      { type: 'SHORT', symbol, quantity: 1 },
      { type: 'SELL', symbol, quantity: 40 },
      { type: 'COVER', symbol, quantity: 1 },
      { type: 'BUY', symbol, quantity: 1_000_000, orderType: 'LIMIT', price: 1_000_000 },
      { type: 'BUY', symbol: 'NOSUCH', quantity: 1 },
    );
    expect(results.map(({ success, message }) => (success ? 'ok' : message))).toEqual([
      'ok',
      'ok',
      'INSUFFICIENT_SHARES',
      'CONFLICTING_ORDERS',
      'ok',
      'NO_SHORT_POSITION',
      'INSUFFICIENT_FUNDS',
      'UNKNOWN_SYMBOL',
    ]);
  });

  it('lets an agent without leverage spend exactly its money and not a cent more', () => {
    const scenario = new Scenario({}, ROLES);
    const cash = scenario.agent('poor').portfolio.cashCents;
    const priceCents = Math.floor(scenario.quote.bidCents / 2);
    const quantity = Math.floor(cash / priceCents);
    const limit = { type: 'BUY', symbol: scenario.symbol, orderType: 'LIMIT', price: priceCents / 100 };
    const results = scenario.act('poor', { ...limit, quantity }, { ...limit, quantity: 1 });
    expect(results.map(({ message }) => message)).toEqual(['Order accepted', 'INSUFFICIENT_FUNDS']);
    expect(scenario.agent('poor').portfolio.marginAvailableCents).toBe(cash - quantity * priceCents);
  });

  it('flips a position through zero: closes first, then opens at the new price', () => {
    const scenario = new Scenario({}, ROLES);
    const { symbol } = scenario;
    scenario.act('ann', { type: 'BUY', symbol, quantity: 30 });
    const { bidCents } = scenario.quote;
    scenario.act('ann', { type: 'SHORT', symbol, quantity: 50 });
    expect(scenario.agent('ann').portfolio.positions).toMatchObject([{ shares: -20, costCents: -20 * bidCents }]);
    scenario.act('ann', { type: 'COVER', symbol, quantity: 21 }, { type: 'COVER', symbol, quantity: 20 });
    expect(scenario.agent('ann').actionResults.map(({ success }) => success)).toEqual([false, true]);
    expect(scenario.agent('ann').portfolio.positions).toEqual([]);
  });

  it('holds orders sent while closed as pending, and trades them at the open in order of arrival', () => {
    const scenario = new Scenario({ openTicks: 5, closedTicks: 3 }, ROLES);
    scenario.stepUntil(false);
    const { symbol } = scenario;
    scenario.act(
      'ann',
      { type: 'BUY', symbol, quantity: 10 },
      { type: 'BUY', symbol, quantity: 1, orderType: 'LIMIT', price: 0.01 },
    );
    expect(scenario.agent('ann').orders.map(({ status }) => status)).toEqual(['pending', 'pending']);
    expect(scenario.agent('ann').portfolio.marginUsedCents).toBeGreaterThan(0);
    const second = scenario.agent('ann').orders[1]?.id;
    scenario.stepUntil(true);
    expect(scenario.agent('ann').orders.map(({ id, status }) => [id === second, status])).toEqual([
      [true, 'open'],
      [false, 'filled'],
    ]);
    expect(scenario.agent('ann').portfolio.positions).toMatchObject([{ shares: 10 }]);
  });

  it('keeps the order of arrival of pending orders over a restart, whoever registered first', () => {
    const scenario = new Scenario({ openTicks: 5, closedTicks: 3 }, ROLES);
    scenario.stepUntil(false);
    const order = { type: 'BUY', symbol: scenario.symbol, quantity: 1_000 };
    scenario.answer('bob', order).answer('ann', order).step();
    const restored = restoreWorld(scenario.world.snapshot());
    let result = scenario.last;
    while (!result.marketOpen) result = restored.step({ closedAtMs: 0, controls: [], actions: [] });
    const paid = (agentId: string): number =>
      result.agents.find((agent) => agent.agentId === agentId)?.orders[0]?.filledCents ?? 0;
    expect(paid('bob')).toBeGreaterThan(0);
    expect(paid('bob')).toBeLessThan(paid('ann'));
  });

  it('moves prices for good by what agents take from the house or give it, not by trades among themselves', () => {
    const reference = (...actions: [string, unknown][]): number => {
      const scenario = new Scenario({}, { ann: 'hedge_fund_manager', bob: 'hedge_fund_manager' });
      for (const [agentId, action] of actions) scenario.answer(agentId, action);
      scenario.step();
      return scenario.state.listings[0]?.price.logReference ?? 0;
    };
    const { symbol, quote } = new Scenario({}, ROLES);
    const price = Math.floor((quote.bidCents + quote.askCents) / 2) / 100;
    const calm = reference();
    const bought = reference(['ann', { type: 'BUY', symbol, quantity: 2_000 }]);
    const sold = reference(['ann', { type: 'SHORT', symbol, quantity: 2_000 }]);
    expect(bought).toBeGreaterThan(calm);
    expect(bought - calm).toBeCloseTo(calm - sold, 12);
    const among = reference(
      ['ann', { type: 'SHORT', symbol, quantity: 2_000, price }],
      ['bob', { type: 'BUY', symbol, quantity: 2_000, orderType: 'LIMIT', price }],
    );
    expect(among).toBe(calm);
  });

  it('triggers a stop when the quote touches it, at the prices it then finds; refuses one already through', () => {
    const scenario = new Scenario({}, ROLES);
    const { symbol } = scenario;
    const stopPrice = Math.ceil(scenario.quote.askCents * 1.1) / 100;
    const through = Math.floor(scenario.quote.bidCents * 0.9) / 100;
    const stop = { type: 'BUY', symbol, quantity: 10, orderType: 'STOP' };
    const results = scenario.act('ann', { ...stop, stopPrice }, { ...stop, price: through });
    expect(results.map(({ message }) => message)).toEqual(['Order accepted', 'STOP_ALREADY_TRIGGERED']);
    scenario.step();
    expect(scenario.agent('ann').orders).toMatchObject([{ status: 'open', stopCents: Math.round(stopPrice * 100) }]);
    scenario.movePrice(1.2).step();
    const [order] = scenario.agent('ann').orders;
    expect(order).toMatchObject({ status: 'filled', filledQuantity: 10 });
    expect(order?.filledCents).toBeGreaterThan(10 * Math.round(stopPrice * 100));
  });

  it('never trades an agent with itself', () => {
    const scenario = new Scenario({}, ROLES);
    const { symbol, quote } = scenario;
    const price = Math.floor((quote.bidCents + quote.askCents) / 2) / 100;
    const results = scenario.act(
      'ann',
      { type: 'SHORT', symbol, quantity: 5, price },
      { type: 'BUY', symbol, quantity: 5, orderType: 'LIMIT', price },
    );
    expect(results.map(({ message }) => message)).toEqual(['Order accepted', 'SELF_TRADE']);
    expect(scenario.agent('ann').trades.filter((trade) => trade.buyerId === trade.sellerId)).toEqual([]);
  });

  it('allows 200 open orders and refuses the next', () => {
    const scenario = new Scenario({}, ROLES);
    const order = { type: 'BUY', symbol: scenario.symbol, quantity: 1, orderType: 'LIMIT', price: 0.01 };
    for (let tick = 0; tick < 20; tick += 1) scenario.act('ann', ...Array.from({ length: 10 }, () => order));
    expect(scenario.agent('ann').orders).toHaveLength(200);
    expect(scenario.act('ann', order)).toMatchObject([{ success: false, message: 'TOO_MANY_OPEN_ORDERS' }]);
  });

  it('charges the taker the fee and books it to the fees account', () => {
    const scenario = new Scenario({ feeBps: 10 }, ROLES);
    const { askCents } = scenario.quote;
    const before = scenario.world.totals();
    scenario.act('ann', { type: 'BUY', symbol: scenario.symbol, quantity: 100 });
    const fee = Math.ceil((100 * askCents * 10) / 10_000);
    expect(scenario.state.house.fees.cashCents).toBe(fee);
    expect(scenario.agent('ann').portfolio.cashCents).toBe(5_000_000_000 - 100 * askCents - fee);
    expect(scenario.world.totals()).toEqual(before);
  });
});

describe('margin', () => {
  /** Buys 1.9 times its equity at leverage 2; the call comes below half of the initial margin. */
  function leveraged(): Scenario {
    const scenario = new Scenario({ maintenanceMargin: 0.5 }, { ann: 'retail_trader' });
    const quantity = Math.floor((1_000_000 * 1.9) / scenario.quote.askCents);
    expect(scenario.act('ann', { type: 'BUY', symbol: scenario.symbol, quantity })).toMatchObject([{ success: true }]);
    return scenario;
  }

  it('lends what cash does not cover, up to the leverage, and never lets cash go negative', () => {
    const { portfolio } = leveraged().agent('ann');
    expect(portfolio.cashCents).toBe(0);
    expect(portfolio.loanCents).toBeGreaterThan(800_000);
    expect(portfolio.netWorthCents).toBeGreaterThan(900_000);
    expect(portfolio.marginAvailableCents).toBe(portfolio.netWorthCents - portfolio.marginUsedCents);
  });

  it('calls, then liquidates at the next open tick, and frees the margin', () => {
    const scenario = leveraged();
    scenario.movePrice(0.6).step();
    expect(scenario.agent('ann').alerts).toMatchObject([{ type: 'margin_call', severity: 'critical' }]);
    expect(scenario.agent('ann').portfolio.positions).toHaveLength(1);
    scenario.step();
    const { portfolio, orders } = scenario.agent('ann');
    expect(portfolio.positions).toEqual([]);
    expect(portfolio.loanCents).toBe(0);
    expect(orders).toMatchObject([{ side: 'SELL', type: 'MARKET', status: 'filled' }]);
    expect(scenario.step().agents[0]?.alerts).toEqual([]);
  });

  it('declares an account below zero bankrupt: seized, loan written off, only messages allowed', () => {
    const scenario = leveraged();
    const before = scenario.world.totals();
    scenario.movePrice(0.3).step();
    expect(scenario.agent('ann')).toMatchObject({
      alerts: [{ type: 'bankruptcy' }],
      portfolio: { cashCents: 0, loanCents: 0, netWorthCents: 0, positions: [] },
    });
    expect(scenario.world.totals()).toEqual(before);
    const results = scenario.act('ann', { type: 'BUY', symbol: scenario.symbol, quantity: 1 });
    expect(results).toMatchObject([{ success: false, message: 'AGENT_INACTIVE' }]);
  });
});
