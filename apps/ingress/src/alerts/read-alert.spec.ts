import fc from 'fast-check';
import { AMOUNT_FIELDS, readSignal } from '../signals/read-signal.js';
import { scanFields } from '../signals/scan-fields.js';
import { alertInput } from './alert-input.js';
import { BINDING, reading } from '../../fixtures/alerts/alerts.js';
import { readAlert } from './read-alert.js';

const CODE = /^[A-Z][A-Z_]{1,63}$/;
const POINTER = /^(\/([^~/]|~[01])*)*$/;

/** Whatever was read: either a signal that the door accepts as it is, or problems that an event can carry. */
function expectWhole(read: ReturnType<typeof readAlert>): void {
  if ('errors' in read) {
    expect(read.errors.length).toBeGreaterThan(0);
    expect(new Set(read.errors.map(({ pointer }) => pointer)).size).toBe(read.errors.length);
    for (const { pointer, code, detail } of read.errors) {
      expect(pointer).toMatch(POINTER);
      expect(pointer.length).toBeLessThanOrEqual(256);
      expect(code).toMatch(CODE);
      expect(detail.length).toBeLessThanOrEqual(512);
    }
    return;
  }
  expect(read.signal).toMatchObject(BINDING);
  const raw = scanFields(Buffer.from(JSON.stringify(read.signal)), new Set(AMOUNT_FIELDS));
  expect(readSignal(read.signal, raw)).toEqual({ signal: read.signal });
}

const VALUES: unknown[] = [
  ...['buy', 'sell', 'exit', 'AAPL', 'BINANCE:BTCUSDT', 'ES1!', '5', ' 5 ', '1e3', '0.1', '-1', '', 'NaN', 'null'],
  ...['{{close}}', '2026-11-20T14:35:00Z', 'limit', 'stop', 'market', 'flat', 'long', '\0', '\uD800', 'a'.repeat(300)],
  ...[5, 0.1, 1e21, -3, 0, true, false, null, [], {}, BINDING.accountId, { stopPrice: 1.5 }, { limitPrice: '2' }],
];
const NAMES = [
  ...['symbol', 'ticker', 'action', 'quantity', 'contracts', 'orderType', 'price', 'limitPrice', 'stopPrice'],
  ...['stopLoss', 'takeProfit', 'time', 'barTime', 'timenow', 'signalId', 'accountId', 'tenantId', 'botId'],
  ...['sentiment', 'test', 'strategyName', 'timestamp', 'extras', 'toString', 'a/b~c', ''],
];
/** Near enough to an alert that many of them are one. */
const nearAlert = fc
  .tuple(
    fc.constantFrom({ symbol: 'AAPL' }, { ticker: 'AAPL' }, { symbol: 'AAPL', accountId: BINDING.accountId }),
    fc.dictionary(fc.constantFrom(...NAMES), fc.constantFrom(...VALUES), { maxKeys: 4 }),
  )
  .map(([base, members]) => ({ ...base, action: 'buy', quantity: '5', ...members }));

describe('readAlert', () => {
  it('reads whatever looks like an alert to a signal that the door accepts, or to named problems', () => {
    let signals = 0;
    fc.assert(
      fc.property(nearAlert, (alert) => {
        const read = reading(alert);
        expectWhole(read);
        if ('signal' in read) signals += 1;
      }),
      { numRuns: 600 },
    );
    expect(signals).toBeGreaterThan(20);
  });

  it('never throws on any JSON, any text, any bytes', () => {
    const body = fc.oneof(
      fc.json({ maxDepth: 4 }).map((text) => Buffer.from(text)),
      fc.string({ unit: 'binary' }).map((text) => Buffer.from(`{"${text}`)),
      fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
    );
    fc.assert(
      fc.property(body, fc.constantFrom(undefined, 'application/json', 'text/plain'), (bytes, contentType) => {
        expectWhole(readAlert(alertInput(contentType, bytes, BINDING)));
      }),
      { numRuns: 400 },
    );
  });

  it('takes inherited names for absent ones, and names of the prototype for data', () => {
    for (const named of [{ symbol: 'AAPL' }, { ticker: 'AAPL' }, { symbol: 'AAPL', accountId: BINDING.accountId }]) {
      const text = `{"__proto__":{"action":"buy"},"constructor":{"prototype":1},${JSON.stringify(named).slice(1)}`;
      const json: unknown = Object.setPrototypeOf(JSON.parse(text), { action: 'buy', quantity: '5' });
      const read = readAlert({ contentType: 'application/json', text, json, raw: new Map(), binding: BINDING });
      expectWhole(read);
      expect(read).toMatchObject({
        errors: expect.arrayContaining([expect.objectContaining({ pointer: '/action', code: 'REQUIRED' })]),
      });
    }
    expect(({} as Record<string, unknown>)['action']).toBeUndefined();
  });

  it('says of a body beyond the limits of JSON here which limit it was', () => {
    const deep = '{"symbol":' + '['.repeat(20) + ']'.repeat(20) + '}';
    expect(reading(deep)).toMatchObject({
      errors: [{ pointer: '', code: 'NOT_JSON', detail: expect.stringContaining('nested deeper') }],
    });
  });

  it.each([
    [{ tenantId: 'x', ticker: 'AAPL' }, 'tickwire'],
    [{ accountId: 'x', symbol: 'AAPL' }, 'tickwire'],
    [{ ticker: 'AAPL' }, 'traderspost'],
    [{ ticker: 'AAPL', contracts: '1' }, 'tradingview'],
    [{ symbol: 'AAPL', ticker: 'AAPL' }, 'tradingview'],
    [{}, 'tradingview'],
    ['text', 'tradingview'],
  ])('gives %j to %s', (body, form) => expect(reading(body).adapter).toBe(form));
});
