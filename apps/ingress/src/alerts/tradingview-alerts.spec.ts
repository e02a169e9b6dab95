import { BINDING, reading, sent, verdict } from '../../fixtures/alerts/alerts.js';
import { TRADINGVIEW_TEMPLATE } from './tradingview-alerts.js';

const order = { symbol: 'AAPL', action: 'buy', quantity: '5' };

describe('alerts of TradingView', () => {
  it('reads the alert of a strategy, digits as written, and its bar', () => {
    const read = reading(sent('tradingview-strategy.json'));
    expect(read).toMatchObject({ adapter: 'tradingview', barTime: '2026-11-20T14:35:00.000Z' });
    expect(verdict(read)).toEqual({
      ...BINDING,
      symbol: 'BTCUSDT',
      action: 'buy',
      quantity: '0.015',
      timestamp: '2026-11-20T14:40:01.000Z',
    });
  });

  it('reads the alert of an indicator with bare numbers, and sees no bar in the time of sending', () => {
    const read = reading(sent('tradingview-indicator.json').toString().replace('"ticker"', '"symbol"'));
    expect(verdict(read)).toMatchObject({ symbol: 'AAPL', action: 'sell', quantity: '10' });
    expect(read).not.toHaveProperty('barTime');
    expect(read).not.toHaveProperty('identity');
  });

  it('takes an alert with ticker and contracts for its own', () => {
    expect(reading(sent('tradingview-indicator.json')).adapter).toBe('tradingview');
  });

  it('reads JSON that came as text with marks and blanks around it', () => {
    const read = reading(
      sent('tradingview-padded.txt'),
      { symbolMap: { 'ES1!': 'ESZ6' } },
      'text/plain; charset=utf-8',
    );
    expect(verdict(read)).toMatchObject({ symbol: 'ESZ6', action: 'sell', quantity: '2' });
  });

  it('gives the template that it shows a signal, once it is filled in', () => {
    const values: Record<string, string> = {
      ticker: 'AAPL',
      'strategy.order.action': 'buy',
      'strategy.order.contracts': '5',
      'strategy.order.id': 'Long',
      time: '2026-11-20T14:35:00Z',
      timenow: '2026-11-20T14:40:01Z',
    };
    const filled = TRADINGVIEW_TEMPLATE.replaceAll(/\{\{(.*?)\}\}/g, (_, name: string) => values[name] ?? 'NaN');
    expect(reading(filled)).toMatchObject({ barTime: '2026-11-20T14:35:00.000Z', identity: expect.any(String) });
  });

  it.each([
    ['plain text', sent('tradingview-plain.txt'), [' NOT_JSON']],
    ['nothing', '', [' NOT_JSON']],
    ['text that is JSON but no object', '"buy"', [' INVALID']],
    ['a list', [order], [' INVALID']],
    ['null', 'null', [' INVALID']],
    ['bytes that are not UTF-8', Buffer.from([0x7b, 0xff, 0x7d, 0x20]), [' NOT_JSON']],
    ['typographic quotes', '{“symbol”: “AAPL”}', [' NOT_JSON']],
    ['a __proto__', '{"symbol":"AAPL","__proto__":{"action":"buy"}}', [' NOT_JSON']],
    [
      'bare placeholders',
      sent('tradingview-bare-placeholders.txt'),
      ['/stopLoss UNFILLED_PLACEHOLDER', '/takeProfit NO_VALUE'],
    ],
    [
      'a bare placeholder that gave nothing',
      '{"symbol":"AAPL","price":,"quantity": }',
      ['/price NO_VALUE', '/quantity NO_VALUE'],
    ],
    [
      'no placeholder filled in',
      sent('tradingview-unfilled.json'),
      [
        '/action UNFILLED_PLACEHOLDER',
        '/quantity UNFILLED_PLACEHOLDER',
        '/symbol UNFILLED_PLACEHOLDER',
        '/time UNFILLED_PLACEHOLDER',
      ],
    ],
  ])('refuses %s, and says how to mend it', (_, body, expected) => {
    const read = reading(body, {}, 'text/plain');
    expect(verdict(read)).toEqual(expected);
  });

  it('shows a template instead of the text that it cannot read', () => {
    const read = reading(sent('tradingview-plain.txt'), {}, 'text/plain');
    const [problem] = 'errors' in read ? read.errors : [];
    expect(problem?.detail).toContain(TRADINGVIEW_TEMPLATE);
    expect(problem?.detail).not.toContain('67250');
    expect(problem?.detail.length).toBeLessThanOrEqual(512);
  });

  it.each<[unknown, string]>([
    ['10', '10'],
    [' 10 ', '10'],
    ['1e3', '1000'],
    ['1.5E-7', '0.00000015'],
    ['0010.50', '10.5'],
    ['123456789012.123456789012', '123456789012.123456789012'],
  ])('reads the quantity %j as %s', (quantity, expected) => {
    expect(verdict(reading({ ...order, quantity }))).toMatchObject({ quantity: expected });
  });

  it.each<[unknown, string]>([
    ['NaN', 'NO_VALUE'],
    ['', 'NO_VALUE'],
    ['  ', 'NO_VALUE'],
    ['null', 'NO_VALUE'],
    [null, 'NO_VALUE'],
    [undefined, 'REQUIRED'],
    ['1,234.5', 'NOT_A_NUMBER'],
    ['10%', 'NOT_A_NUMBER'],
    ['+1', 'NOT_A_NUMBER'],
    ['0x10', 'NOT_A_NUMBER'],
    ['Infinity', 'NOT_A_NUMBER'],
    ['1e99999', 'OUT_OF_RANGE'],
    ['0.30000000000000004', 'OUT_OF_RANGE'],
    [0.30000000000000004, 'INEXACT_NUMBER'],
    ['0', 'INVALID'],
    [-5, 'INVALID'],
    [[10], 'INVALID'],
    [true, 'INVALID'],
    ['{{strategy.order.contracts}}', 'UNFILLED_PLACEHOLDER'],
  ])('refuses the quantity %j as %s', (quantity, code) => {
    expect(verdict(reading({ ...order, quantity }))).toEqual([`/quantity ${code}`]);
  });

  it.each([
    ...['long', 'short', 'flat', 'exit', 'close', 'close_long', 'Exit Short', 'reverse', 'cancel', 'add'].map(
      (action) => [action, 'UNSUPPORTED'],
    ),
    ...[
      ['hold', 'INVALID'],
      ['NaN', 'INVALID'],
      ['', 'NO_VALUE'],
      ['constructor', 'INVALID'],
    ],
  ])('refuses the action %j as %s', (action, code) => {
    expect(verdict(reading({ ...order, action }))).toEqual([`/action ${code}`]);
  });

  it('names the member that the sender used', () => {
    expect(verdict(reading({ ticker: 'ES1!', action: 'buy', contracts: '-1' }))).toEqual([
      '/contracts INVALID',
      '/ticker INVALID',
    ]);
  });

  it('reads the price of a limit order, and of a market order neither digits nor NaN', () => {
    expect(verdict(reading({ ...order, orderType: 'limit', price: '227.480' }))).toMatchObject({ price: '227.48' });
    expect(verdict(reading({ ...order, orderType: 'stop' }))).toEqual(['/price REQUIRED']);
    expect(verdict(reading({ ...order, orderType: 'limit', price: 'NaN' }))).toEqual(['/price NO_VALUE']);
    for (const price of ['NaN', 0.30000000000000004]) {
      expect(verdict(reading({ ...order, price }))).toEqual({ ...BINDING, ...order });
    }
    expect(verdict(reading({ ...order, price: '{{close}}' }))).toEqual(['/price UNFILLED_PLACEHOLDER']);
  });

  it('overlooks no protective order: an empty or misspelt one is refused', () => {
    expect(verdict(reading({ ...order, stopLoss: '220.5', takeProfit: 240 }))).toMatchObject({
      stopLoss: '220.5',
      takeProfit: '240',
    });
    expect(verdict(reading({ ...order, stopLoss: null }))).not.toHaveProperty('stopLoss');
    expect(verdict(reading({ ...order, stopLoss: 'NaN', stop_loss: '1', trailing: '2' }))).toEqual([
      '/stopLoss NO_VALUE',
      '/stop_loss UNKNOWN_FIELD',
      '/trailing UNKNOWN_FIELD',
    ]);
  });

  it('takes the last of a repeated member, and refuses two names for one thing', () => {
    const repeated = '{"symbol":"AAPL","action":"buy","action":"sell","quantity":1.0,"quantity":2.50}';
    expect(verdict(reading(repeated))).toMatchObject({ action: 'sell', quantity: '2.5' });
    expect(verdict(reading({ ...order, contracts: '6' }))).toEqual(['/contracts AMBIGUOUS']);
  });

  it("keeps the sender's id, which needs no identity beside it", () => {
    const read = reading({ ...order, signalId: 'Long:2026-11-20T14:35:00Z', time: '2026-11-20T14:35:00Z' });
    expect(verdict(read)).toMatchObject({ signalId: 'Long:2026-11-20T14:35:00Z' });
    expect(read).not.toHaveProperty('identity');
    for (const signalId of ['two words', 'x'.repeat(129), 5]) {
      expect(verdict(reading({ ...order, signalId }))).toEqual(['/signalId INVALID']);
    }
  });
});
