import type { Signal } from '../signals/read-signal.js';
import type { AlertFields } from './alert-fields.js';

const POSITION =
  'names a position, not an order: write {{strategy.order.action}}, which is buy or sell, with {{strategy.order.contracts}} as the quantity';
const EXIT = 'closing or reversing what is open is not taken: send buy or sell with the quantity to trade';

/** What senders also say, and what to send instead. */
const UNSUPPORTED_ACTIONS: ReadonlyMap<string, string> = new Map([
  ...['long', 'short', 'flat', 'bullish', 'bearish'].map((word) => [word, POSITION] as const),
  ...['exit', 'close', 'closelong', 'closeshort', 'exitlong', 'exitshort', 'exitall', 'closeall', 'flatten'].map(
    (word) => [word, EXIT] as const,
  ),
  ...['reverse', 'flip', 'reduce', 'breakeven'].map((word) => [word, EXIT] as const),
  ['add', 'adding to what is open is not taken: send buy or sell with the quantity to trade'],
  ['cancel', 'cancelling orders is not taken'],
]);

/**
 * Reads what to do. `long` is not a word for buy: as `{{strategy.market_position}}` it stays `long` while a strategy
 * sells a part of its position, and buying then would trade the wrong way.
 */
export function readAction(fields: AlertFields, name: string): Signal['action'] | undefined {
  fields.require(name, 'is required: buy or sell, in a strategy alert {{strategy.order.action}}');
  const word = fields.text(name, 64)?.toLowerCase();
  if (word === undefined || word === 'buy' || word === 'sell') return word;
  const repair = UNSUPPORTED_ACTIONS.get(word.replaceAll(/[\s_-]/g, ''));
  return repair === undefined
    ? fields.refuse(name, 'INVALID', 'must be buy or sell')
    : fields.refuseUnsupported(name, repair);
}
