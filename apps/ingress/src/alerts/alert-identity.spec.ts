import { alertIdentity } from './alert-identity.js';
import { mapSymbol } from './alert-symbol.js';
import { instantOf } from './alert-time.js';
import { BINDING, reading } from '../../fixtures/alerts/alerts.js';

const BAR = '2026-11-20T14:35:00Z';
const identityOf = (body: unknown, binding = {}) => {
  const read = reading(body, binding);
  return 'identity' in read ? read.identity : undefined;
};

describe('the identity of an alert without id', () => {
  const order = { symbol: 'AAPL', action: 'buy', quantity: '5', time: BAR };

  it('is the same for the same bytes, and follows from bot, account, text and bar', () => {
    expect(identityOf(order)).toBe(identityOf(order));
    expect(identityOf(order)).toBe(alertIdentity(BINDING, JSON.stringify(order), '2026-11-20T14:35:00.000Z'));
  });

  it('differs with the bot, the account, the bar, and any byte of the text', () => {
    const text = JSON.stringify(order);
    const identities = [
      identityOf(text),
      identityOf(text, { botId: 'bot_2' }),
      identityOf(text, { accountId: 'acc_2' }),
      identityOf({ ...order, time: '2026-11-20T14:40:00Z' }),
      identityOf({ ...order, orderId: 'Long 2' }),
      identityOf(`${text}\n`),
    ];
    expect(new Set(identities).size).toBe(identities.length);
    expect(identities).not.toContain(undefined);
  });

  it('is made of no other time than the bar', () => {
    const { time: _time, ...timeless } = order;
    expect(identityOf(timeless)).toBeUndefined();
    expect(identityOf({ ...timeless, timenow: BAR })).toBeUndefined();
    expect(identityOf({ ...timeless, barTime: BAR })).toBeDefined();
  });
});

describe('mapSymbol', () => {
  const map = { 'CME_MINI:ES1!': 'ESZ6', 'NQ1!': 'NQZ6', BTCUSD: 'BTC-USD', bad: 'no symbol', toString: 'TS' };

  it.each([
    ['BINANCE:BTCUSDT', 'BTCUSDT'],
    ['NASDAQ:AAPL', 'AAPL'],
    ['BRK.B', 'BRK.B'],
    ['CME_MINI:ES1!', 'ESZ6'],
    ['CME_MINI_DL:NQ1!', 'NQZ6'],
    ['COINBASE:BTCUSD', 'BTC-USD'],
    ['toString', 'TS'],
  ])('calls %s %s', (written, symbol) => expect(mapSymbol(written, map)).toBe(symbol));

  it.each([
    'ES1!',
    'aapl',
    'bad',
    '',
    ':',
    'NASDAQ:',
    'NASDAQ:AAPL/NASDAQ:MSFT',
    '1/NASDAQ:AAPL',
    'A:B:C',
    'constructor',
    '__proto__',
  ])('finds no symbol in %j', (written) => expect(mapSymbol(written, map)).toBeUndefined());
});

describe('instantOf', () => {
  it.each([
    ['2026-11-20T14:35:00Z', '2026-11-20T14:35:00.000Z'],
    ['2026-11-20T14:35Z', '2026-11-20T14:35:00.000Z'],
    ['2026-11-20T15:35:00.5+01:00', '2026-11-20T14:35:00.500Z'],
    ['1763649300', '2025-11-20T14:35:00.000Z'],
    ['1763649300000', '2025-11-20T14:35:00.000Z'],
  ])('reads %s', (text, instant) => expect(instantOf(text)).toBe(instant));

  it.each([
    '',
    'now',
    '5',
    '2026-11-20',
    '2026-11-20T14:35:00',
    '2026-02-30T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-11-20T25:00:00Z',
  ])('reads no instant in %j', (text) => expect(instantOf(text)).toBeUndefined());
});
