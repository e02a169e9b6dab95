import { BINDING, reading, sent, verdict } from '../../fixtures/alerts/alerts.js';

const order = { accountId: BINDING.accountId, symbol: 'NVLT', action: 'buy', quantity: 2 };

describe('alerts in our own form', () => {
  it('reads the body of a signal, and fills in whom the address is for', () => {
    const read = reading(sent('tickwire-signal.json'));
    expect(read.adapter).toBe('tickwire');
    expect(verdict(read)).toEqual({
      ...BINDING,
      symbol: 'NVLT',
      action: 'buy',
      quantity: '12345678.9',
      strategyName: 'breakout',
      timestamp: '2026-11-22T08:00:00.000Z',
      signalId: 'breakout-2026-11-22-001',
    });
  });

  it('makes an identity of the bar where there is no id', () => {
    const read = reading({ ...order, barTime: '2026-11-20T14:35:00Z' });
    expect(read).toMatchObject({ barTime: '2026-11-20T14:35:00.000Z', identity: expect.any(String) });
    expect(verdict(read)).toEqual({ ...BINDING, ...order, quantity: '2' });
    expect(verdict(reading({ ...order, barTime: 'soon' }))).toEqual(['/barTime INVALID']);
  });

  it.each<[string, Record<string, unknown>, string[]]>([
    ["another tenant's", { tenantId: 'ten_other' }, ['/tenantId NOT_BOUND']],
    ["another account's", { accountId: '4711' }, ['/accountId NOT_BOUND']],
    ["another bot's", { botId: 7 }, ['/botId NOT_BOUND']],
    ['unknown members', { comment: 'x', 'a/b~': 1 }, ['/a~1b~0 UNKNOWN_FIELD', '/comment UNKNOWN_FIELD']],
    ['a placeholder in any text', { strategyName: '{{strategy.order.id}}' }, ['/strategyName UNFILLED_PLACEHOLDER']],
    ['what a signal may not be', { action: 'exit', quantity: 'NaN' }, ['/action INVALID', '/quantity INVALID']],
    ['a missing symbol', { symbol: undefined }, ['/symbol REQUIRED']],
  ])('refuses %s', (_, members, expected) => {
    expect(verdict(reading({ ...order, ...members }))).toEqual(expected);
  });
});
