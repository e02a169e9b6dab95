import { defineInstrument, type Instrument } from './instrument.js';

/** A share of a simulated company: whole shares, prices in cents, settled in dollars. */
export function dollarShare(symbol: string): Instrument {
  return defineInstrument({ symbol, priceDecimals: 2, quantityDecimals: 0, currency: 'USD', currencyMinorDigits: 2 });
}
