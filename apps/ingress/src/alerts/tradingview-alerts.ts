import { ORDER_TYPES } from '@tickwire/contracts';
import type { AlertAdapter, AlertInput, AlertReading } from './alert-adapter.js';
import { readAction } from './alert-action.js';
import { AlertFields, isObject } from './alert-fields.js';
import { readingOf, readSignalId, readSymbol, type AlertOrder } from './alert-signal.js';

export const TRADINGVIEW_AMOUNTS = ['quantity', 'contracts', 'price', 'stopLoss', 'takeProfit'] as const;

/** The message that a strategy's alert should have; refusals show it. */
export const TRADINGVIEW_TEMPLATE =
  '{"symbol":"{{ticker}}","action":"{{strategy.order.action}}","quantity":"{{strategy.order.contracts}}","time":"{{time}}","timenow":"{{timenow}}","orderId":"{{strategy.order.id}}"}';

const READ_NAMES = new Set([
  ...['symbol', 'ticker', 'action', 'quantity', 'contracts', 'orderType', 'price', 'stopLoss', 'takeProfit'],
  ...['strategyName', 'strategy', 'signalId', 'time', 'barTime', 'timenow', 'timestamp'],
]);
/** Names for what other placeholders give, and free text: they make texts differ, and are not read. Compared by `plain`. */
const CONTEXT_NAMES = new Set([
  ...['exchange', 'interval', 'open', 'high', 'low', 'close', 'volume', 'currency', 'basecurrency'],
  ...['orderid', 'orderprice', 'ordercomment', 'comment', 'alertmessage', 'message', 'extras'],
  ...['marketposition', 'marketpositionsize', 'prevmarketposition', 'prevmarketpositionsize', 'positionsize'],
]);
const PLOT = /^plot\d{1,2}$/;
const OWN_NAMES = new Map([...READ_NAMES].map((name) => [plain(name), name]));

/**
 * Alerts of TradingView. A POST from one of four addresses, over IPv4, to port 80 or 443 only, without signature;
 * given up after 3 s, so the answer has to be on its way by then. The body is the message that the user typed, with
 * placeholders replaced as text: `application/json` where the outcome is valid JSON, else `text/plain`. There is thus
 * no fixed set of members; this adapter takes those of {@link TRADINGVIEW_TEMPLATE} and names for further
 * placeholders, and refuses others by name, as a misspelt stop-loss must not be overlooked.
 *
 * | member | placeholder | |
 * |---|---|---|
 * | `symbol` or `ticker` | `{{ticker}}`, `{{exchange}}:{{ticker}}` | mapped, see `mapSymbol` |
 * | `action` | `{{strategy.order.action}}` | buy, sell |
 * | `quantity` or `contracts` | `{{strategy.order.contracts}}` | above zero, never signed |
 * | `orderType`, `stopLoss`, `takeProfit` | | as in our own form |
 * | `price` | `{{strategy.order.price}}`, `{{close}}` | limit or stop price; of a market order a reference that is not read |
 * | `time` or `barTime` | `{{time}}` | when the bar opened; makes the identity |
 * | `timenow` or `timestamp` | `{{timenow}}` | when the alert was sent; makes none |
 * | `signalId` | any text | the sender's own id, stronger than the bar's time |
 * | `strategyName` or `strategy` | | |
 *
 * A strategy's order is mirrored as it is, also when it closes or reverses: a reversal is one order over the old and
 * the new position together, and its net effect is the same here, as long as both began flat. The members about the
 * strategy's position are therefore not read.
 *
 * @see https://www.tradingview.com/support/solutions/43000529348 about webhooks
 * @see https://www.tradingview.com/support/solutions/43000531021 about placeholders
 */
export const tradingViewAlerts: AlertAdapter = {
  form: 'tradingview',
  recognises: ({ json }) => isObject(json),
  read,
};

function read(alert: AlertInput): AlertReading {
  const { json, raw, binding } = alert;
  const fields = new AlertFields(isObject(json) ? json : {}, raw);
  fields.refuseUnfilled();
  for (const name of fields.names) refuseUnknown(fields, name);

  const quantity = fields.oneOf('quantity', 'contracts');
  fields.require(quantity, 'is required: in a strategy alert {{strategy.order.contracts}}, else a number');
  const barTime = fields.instant(fields.oneOf('barTime', 'time'));
  const order: AlertOrder = {
    symbol: readSymbol(fields, fields.oneOf('symbol', 'ticker'), binding),
    action: readAction(fields, 'action'),
    quantity: fields.amount(quantity),
    ...readOrderType(fields),
    stopLoss: fields.amount('stopLoss'),
    takeProfit: fields.amount('takeProfit'),
    strategyName: fields.text(fields.oneOf('strategyName', 'strategy'), 128),
    timestamp: fields.instant(fields.oneOf('timenow', 'timestamp')),
    signalId: readSignalId(fields),
  };
  return readingOf(alert, fields, order, barTime);
}

/** The close of a bar may have more digits than a price may have here: with a market order it would be refused for nothing. */
function readOrderType(fields: AlertFields): Pick<AlertOrder, 'orderType' | 'price'> {
  const orderType = fields.word('orderType', ORDER_TYPES);
  if (orderType === undefined || orderType === 'market') return { orderType };
  fields.require('price', `is required for a ${orderType} order`);
  return { orderType, price: fields.amount('price') };
}

function refuseUnknown(fields: AlertFields, name: string): void {
  if (READ_NAMES.has(name)) return;
  const meant = OWN_NAMES.get(plain(name));
  if (meant !== undefined) fields.refuse(name, 'UNKNOWN_FIELD', `is not read: write ${meant}`);
  else if (!CONTEXT_NAMES.has(plain(name)) && !PLOT.test(plain(name))) {
    fields.refuse(name, 'UNKNOWN_FIELD', 'is not read: put what is not part of the order under extras');
  }
}

/** `strategy.order_id`, `orderId` and `order-id` are one name. */
function plain(name: string): string {
  return name
    .toLowerCase()
    .replace(/^(strategy|syminfo)\./, '')
    .replaceAll(/[^a-z0-9]/g, '');
}
