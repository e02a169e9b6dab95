import { defineInstrument } from './instrument.js';
import { formatMoney, formatPrice, formatQuantity, parsePrice, parseQuantity } from './wire-amounts.js';

const instrument = defineInstrument({
  symbol: 'BTCUSD',
  priceDecimals: 1,
  quantityDecimals: 3,
  currency: 'USD',
  currencyMinorDigits: 2,
});

describe('amounts on the wire', () => {
  it('become price steps and lots of the instrument, and decimal strings again', () => {
    expect(parsePrice('60000.5', instrument)).toBe(600_005);
    expect(parseQuantity(0.25, instrument)).toBe(250);
    expect(formatPrice(600_005, instrument)).toBe('60000.5');
    expect(formatQuantity(-250, instrument)).toBe('-0.25');
    expect(formatMoney(-1_234_50n, instrument)).toBe('-1234.5');
  });

  it.each([
    ['0.0001', 'TOO_PRECISE'],
    ['0', 'OUT_OF_RANGE'],
    ['-1', 'OUT_OF_RANGE'],
    ['9007199254741', 'OUT_OF_RANGE'],
    ['one', 'INVALID'],
  ])('refuse a quantity of %s as %s', (text, refusal) => {
    expect(parseQuantity(text, instrument)).toBe(refusal);
  });

  it('refuse a price off the grid', () => {
    expect(parsePrice('60000.55', instrument)).toBe('TOO_PRECISE');
  });
});
