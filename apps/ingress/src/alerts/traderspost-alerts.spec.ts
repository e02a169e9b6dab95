import { BINDING, reading, sent, verdict } from '../../fixtures/alerts/alerts.js';

const order = { ticker: 'AAPL', action: 'buy', quantity: 5 };
const taken = { ...BINDING, symbol: 'AAPL', action: 'buy', quantity: '5' };

describe('alerts in the form of TradersPost', () => {
  it('reads what its template for strategies sends, and sees no bar in its time', () => {
    const read = reading(sent('traderspost-strategy.json'));
    expect(read).toEqual({ adapter: 'traderspost', signal: { ...taken, timestamp: '2026-11-20T14:40:01.000Z' } });
  });

  it('reads a bracket, its prices with the digits that were written', () => {
    expect(verdict(reading(sent('traderspost-bracket.json')))).toEqual({
      ...BINDING,
      symbol: 'AMD',
      action: 'buy',
      orderType: 'limit',
      price: '143.12',
      quantity: '1',
      takeProfit: '157.43',
      stopLoss: '135.96',
    });
    const inexact = '{"ticker":"AMD","action":"buy","quantity":1,"takeProfit":{"limitPrice":157.12345678901234567}}';
    expect(verdict(reading(inexact))).toEqual(['/takeProfit/limitPrice INEXACT_NUMBER']);
  });

  it('knows an alert again by the bar that it names in a member of ours', () => {
    const read = reading({ ...order, time: '2026-11-20T14:40:01Z', barTime: '2026-11-20T14:35:00Z' });
    expect(read).toMatchObject({ barTime: '2026-11-20T14:35:00.000Z', identity: expect.any(String) });
    expect(verdict(reading({ ...order, signalId: 'a-1' }))).toEqual({ ...taken, signalId: 'a-1' });
  });

  it('refuses an exit and legs in per cent, and names them', () => {
    expect(verdict(reading(sent('traderspost-exit.json')))).toEqual(['/action UNSUPPORTED']);
    expect(verdict(reading(sent('traderspost-percent.json')))).toEqual([
      '/stopLoss/percent UNSUPPORTED',
      '/stopLoss/stopPrice REQUIRED',
      '/takeProfit/limitPrice REQUIRED',
      '/takeProfit/percent UNSUPPORTED',
    ]);
  });

  it.each<[string, Record<string, unknown>, string[]]>([
    ['no quantity', { quantity: undefined }, ['/quantity REQUIRED']],
    ['an empty ticker', { ticker: '' }, ['/ticker NO_VALUE']],
    ['an option', { ticker: 'SPY 250624C596' }, ['/ticker INVALID']],
    ['a chain', { optionType: 'call', strikesAway: 2 }, ['/optionType UNSUPPORTED', '/strikesAway UNSUPPORTED']],
    ['a size in money', { quantityType: 'dollar_amount' }, ['/quantityType UNSUPPORTED']],
    ['an unknown size', { quantityType: 'shares' }, ['/quantityType INVALID']],
    ['a flat outcome', { sentiment: 'flat' }, ['/sentiment UNSUPPORTED']],
    ['a contrary outcome', { action: 'sell', sentiment: 'bullish' }, ['/sentiment UNSUPPORTED']],
    ['an unknown outcome', { sentiment: 'up' }, ['/sentiment INVALID']],
    ['a test', { test: true }, ['/test UNSUPPORTED']],
    ['a test as text', { test: 'true' }, ['/test UNSUPPORTED']],
    ['cancelling', { cancel: true }, ['/cancel UNSUPPORTED']],
    ['extended hours', { extendedHours: 1 }, ['/extendedHours UNSUPPORTED']],
    ['a delay', { delay: 30, expiresAt: '2026-11-21' }, ['/delay UNSUPPORTED', '/expiresAt UNSUPPORTED']],
    ['a stop-limit', { orderType: 'stop_limit', stopPrice: 1, limitPrice: 2 }, ['/orderType UNSUPPORTED']],
    [
      'a trailing stop',
      { orderType: 'trailing_stop', trailPercent: 2 },
      ['/orderType UNSUPPORTED', '/trailPercent UNSUPPORTED'],
    ],
    ['a limit without a price', { orderType: 'limit' }, ['/limitPrice REQUIRED']],
    ['a price limit on a market order', { limitPrice: 220 }, ['/limitPrice UNSUPPORTED']],
    [
      'a price from quotes',
      { orderType: 'limit', limitPrice: 1, marketPriceType: 'bid' },
      ['/marketPriceType UNSUPPORTED'],
    ],
    ['all or nothing', { timeInForce: 'fok' }, ['/timeInForce UNSUPPORTED']],
    ['a limit for a day', { orderType: 'limit', limitPrice: 1, timeInForce: 'day' }, ['/timeInForce UNSUPPORTED']],
    ['a leg that is no object', { takeProfit: 240 }, ['/takeProfit INVALID']],
    [
      'a trailing leg',
      { stopLoss: { type: 'trailing_stop', stopPrice: 1, trailPercent: 2 } },
      ['/stopLoss/trailPercent UNSUPPORTED', '/stopLoss/type UNSUPPORTED'],
    ],
    ['a name in another case', { StopLoss: { stopPrice: 1 } }, ['/StopLoss UNKNOWN_FIELD']],
    ['a placeholder', { price: '{{close}}' }, ['/price UNFILLED_PLACEHOLDER']],
    ['a time that is none', { time: 'NaN', barTime: '2026-02-30T00:00:00Z' }, ['/barTime INVALID', '/time NO_VALUE']],
  ])('refuses %s', (_, members, expected) => {
    expect(verdict(reading({ ...order, ...members }))).toEqual(expected);
  });

  it.each<[string, Record<string, unknown>]>([
    ['an agreeing outcome', { sentiment: 'bullish' }],
    ['switches that are off', { test: false, cancel: 'false', extendedHours: null }],
    ['units', { quantityType: 'fixed_quantity', quantity: '5.0' }],
    ['members of nobody', { foo: 1, screener: { x: [] } }],
    ['null legs', { takeProfit: null, stopLoss: null }],
    ['a reference price that is no number', { price: 'NaN', signalPrice: '' }],
    ['a market order for the day', { timeInForce: 'day' }],
  ])('takes %s', (_, members) => {
    expect(verdict(reading({ ...order, ...members }))).toEqual(taken);
  });

  it.each<[string, string, string]>([
    ['limit', 'limitPrice', '220.5'],
    ['stop', 'stopPrice', '231'],
  ])('reads a %s order', (orderType, name, price) => {
    expect(verdict(reading({ ...order, orderType, [name]: price }))).toEqual({ ...taken, orderType, price });
  });
});
