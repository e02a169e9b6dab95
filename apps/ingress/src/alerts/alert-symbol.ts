import { SYMBOL } from '@tickwire/contracts';
import type { AlertBinding } from './alert-adapter.js';

/** `BINANCE:BTCUSDT`. Formulas of charts (`NASDAQ:AAPL/NASDAQ:MSFT`) have more than one colon, or other signs before it. */
const WITH_EXCHANGE = /^[A-Z0-9_]{1,32}:([^:]+)$/;

/**
 * Finds what a sender's symbol is called here: the binding's map for the symbol as written, then for the symbol
 * without its exchange, else the symbol without its exchange as it is. Nothing else is changed: `ES1!` is a row of
 * contracts, and which of them is meant only the map can say.
 *
 * @param written  without blanks around it
 * @returns undefined where that gives no symbol of ours
 */
export function mapSymbol(written: string, symbolMap: AlertBinding['symbolMap'] = {}): string | undefined {
  const bare = WITH_EXCHANGE.exec(written)?.[1] ?? written;
  const named = [written, bare].find((name) => Object.hasOwn(symbolMap, name));
  const symbol: unknown = named === undefined ? bare : symbolMap[named];
  return typeof symbol === 'string' && SYMBOL.test(symbol) ? symbol : undefined;
}
