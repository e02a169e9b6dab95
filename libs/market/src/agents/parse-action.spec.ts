import fc from 'fast-check';
import { parseAction } from './parse-action.js';

describe('parseAction', () => {
  it('reads the payload form and the flat form alike', () => {
    const expected = { kind: 'order', action: 'BUY', symbol: 'AAPL', quantity: 50, type: 'LIMIT', priceCents: 14_900 };
    const fields = { symbol: 'aapl', quantity: 50, orderType: 'LIMIT', price: 149 };
    expect(parseAction({ type: 'BUY', payload: fields })).toEqual(expected);
    expect(parseAction({ type: 'BUY', ...fields })).toEqual(expected);
    expect(parseAction({ type: 'BUY', payload: null, ...fields })).toEqual(expected);
  });

  it('understands the aliases of real clients, and null as absent', () => {
    expect(parseAction({ type: 'SELL', targetSymbol: 'x', quantity: 1, price: null, orderType: null })).toMatchObject({
      type: 'MARKET',
      symbol: 'X',
    });
    expect(parseAction({ type: 'SELL', symbol: 'X', quantity: 1, orderType: 'STOP', price: 9.5 })).toMatchObject({
      stopCents: 950,
    });
    expect(parseAction({ type: 'MESSAGE', targetAgent: 'bob', message: 'hi' })).toMatchObject({
      targetAgentId: 'bob',
      content: 'hi',
    });
    expect(parseAction({ type: 'SHORT', symbol: 'X', quantity: 1, price: 5 })).toMatchObject({ type: 'LIMIT' });
    // A market buy keeps a price that the protocol gives no meaning to.
    expect(parseAction({ type: 'BUY', symbol: 'X', quantity: 1, price: 5 })).toMatchObject({ type: 'MARKET' });
  });

  it.each([
    [null, 'INVALID_ACTION'],
    [[], 'INVALID_ACTION'],
    ['BUY', 'INVALID_ACTION'],
    [{ type: 7 }, 'INVALID_ACTION'],
    [{ type: 'DANCE' }, 'UNKNOWN_ACTION'],
    [{ type: 'BUY' }, 'UNKNOWN_SYMBOL'],
    [{ type: 'BUY', symbol: 'X' }, 'INVALID_QUANTITY'],
    [{ type: 'BUY', symbol: 'X', quantity: '5' }, 'INVALID_QUANTITY'],
    [{ type: 'BUY', symbol: 'X', quantity: 0 }, 'INVALID_QUANTITY'],
    [{ type: 'BUY', symbol: 'X', quantity: -3 }, 'INVALID_QUANTITY'],
    [{ type: 'BUY', symbol: 'X', quantity: 1.5 }, 'INVALID_QUANTITY'],
    [{ type: 'BUY', symbol: 'X', quantity: 1e308 }, 'INVALID_QUANTITY'],
    [{ type: 'BUY', symbol: 'X', quantity: 1_000_001 }, 'INVALID_QUANTITY'],
    [{ type: 'BUY', symbol: 'X', quantity: 1, orderType: 'LIMIT' }, 'INVALID_PRICE'],
    [{ type: 'BUY', symbol: 'X', quantity: 1, orderType: 'LIMIT', price: 1e308 }, 'INVALID_PRICE'],
    [{ type: 'BUY', symbol: 'X', quantity: 1, orderType: 'LIMIT', price: NaN }, 'INVALID_PRICE'],
    [{ type: 'BUY', symbol: 'X', quantity: 1, orderType: 'LIMIT', price: 1.005 }, 'INVALID_PRICE_INCREMENT'],
    [{ type: 'BUY', symbol: 'X', quantity: 1, orderType: 'STOP' }, 'INVALID_PRICE'],
    [{ type: 'BUY', symbol: 'X', quantity: 1, orderType: 'ICEBERG' }, 'INVALID_ORDER_TYPE'],
    [{ type: 'CANCEL_ORDER' }, 'INVALID_ID'],
    [{ type: 'MESSAGE', targetAgentId: 'b', content: 'x'.repeat(501) }, 'INVALID_MESSAGE'],
    [{ type: 'MESSAGE', targetAgentId: 'b', content: '' }, 'INVALID_MESSAGE'],
    [{ type: '__proto__' }, 'UNKNOWN_ACTION'],
    [Object.create({ type: 'BUY', symbol: 'X', quantity: 1 }), 'INVALID_ACTION'],
  ])('refuses %j with %s', (action, code) => {
    expect(parseAction(action)).toMatchObject({ kind: 'failure', code });
  });

  it('takes every price that is a whole number of cents, and only those', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100_000_000 }), (cents) => {
        const order = { type: 'BUY', symbol: 'X', quantity: 1, orderType: 'LIMIT' };
        expect(parseAction({ ...order, price: cents / 100 })).toMatchObject({ priceCents: cents });
        expect(parseAction({ ...order, price: cents / 100 + 0.001 })).toMatchObject({ kind: 'failure' });
      }),
    );
  });

  it('never throws, whatever it is given', () => {
    const hostile = {
      get type(): string {
        throw new Error('no');
      },
    };
    expect(parseAction(hostile)).toMatchObject({ kind: 'failure', code: 'INVALID_ACTION' });
    fc.assert(fc.property(fc.anything(), (raw) => void parseAction(raw)));
  });
});
