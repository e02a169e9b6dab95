import type { AlertAdapter, AlertInput, AlertReading } from './alert-adapter.js';
import { readAction } from './alert-action.js';
import { AlertFields, hasMember, isObject } from './alert-fields.js';
import { readingOf, readSignalId, readSymbol, type AlertOrder } from './alert-signal.js';

/** Amounts, and the objects that hold amounts. */
export const TRADERSPOST_AMOUNTS = ['quantity', 'limitPrice', 'stopPrice', 'takeProfit', 'stopLoss'] as const;

const ORDER_TYPES = ['market', 'limit', 'stop', 'stop_limit', 'trailing_stop'] as const;
const TIMES_IN_FORCE = ['day', 'gtc', 'gtd', 'opg', 'cls', 'ioc', 'fok'] as const;
/** Of a market order they say no more than that it trades at once, and what cannot trade is cancelled. */
const AT_ONCE: readonly string[] = ['day', 'gtc', 'ioc'];
const QUANTITY_TYPES = [
  ...['fixed_quantity', 'dollar_amount', 'risk_dollar_amount', 'risk_percent', 'percent_of_equity'],
  'percent_of_position',
];
const SENTIMENTS = ['bullish', 'long', 'bearish', 'short', 'flat'] as const;
/** What the position may be after the order without making it an exit. */
const AGREEING = { buy: ['bullish', 'long'], sell: ['bearish', 'short'] } as const;
const LEG_AMOUNTS: ReadonlySet<string> = new Set(['limitPrice', 'stopPrice']);
const READ_NAMES = [
  ...['ticker', 'action', 'sentiment', 'quantity', 'quantityType', 'orderType', 'limitPrice', 'stopPrice'],
  ...['trailAmount', 'trailPercent', 'timeInForce', 'extendedHours', 'test', 'cancel', 'cancelOrderType', 'delay'],
  ...['expiresAt', 'marketPriceType', 'takeProfit', 'stopLoss', 'time', 'signalId', 'barTime'],
];
const OWN_CASE = new Map(READ_NAMES.map((name) => [name.toLowerCase(), name]));

/**
 * Alerts in the form of TradersPost: a POST of JSON, written by hand, by TradingView or by other charting programs.
 * Names are case-sensitive and members beyond the form are ignored, as TradersPost does; a name that is off in its
 * case only is refused.
 *
 * | member | taken |
 * |---|---|
 * | `ticker`*, `action`* | symbol, mapped; `buy`, `sell` (`exit`, `cancel`, `add`, `reverse` are not) |
 * | `quantity`* | units; TradersPost makes up a missing one, this adapter does not |
 * | `quantityType` | `fixed_quantity` |
 * | `sentiment` | one that agrees with the action; `flat` or the other side makes the order an exit, which is not taken |
 * | `orderType`, `limitPrice`, `stopPrice` | market, limit, stop |
 * | `takeProfit`, `stopLoss` | `{limitPrice}`, `{type: stop, stopPrice}`; no percentages, amounts or trailing |
 * | `timeInForce` | day, gtc, ioc with market orders |
 * | `time` | when the alert was sent: their template fills in `{{timenow}}` |
 * | `price`, `signalPrice`, `interval`, `ignoreTradingWindows`, `extras` | not read |
 * | `signalId`, `barTime` | ours, ignored by TradersPost: the sender's id, and `{{time}}` |
 *
 * What needs a position, a quote or an option chain to be known, or trades at another time, is refused. Orders are
 * mirrored: unlike at TradersPost, one that is larger than an opposite position goes on to the other side.
 *
 * @see https://docs.traderspost.io/docs/developer-resources/webhook-reference
 * @see https://docs.traderspost.io/docs/learn/order-behavior
 */
export const tradersPostAlerts: AlertAdapter = {
  form: 'traderspost',
  // The others name it `symbol`; `contracts` stands only in messages that users of TradingView made up.
  recognises: ({ json }) => hasMember(json, 'ticker') && !hasMember(json, 'symbol') && !hasMember(json, 'contracts'),
  read,
};

function read(alert: AlertInput): AlertReading {
  const { json, raw, binding } = alert;
  const fields = new AlertFields(isObject(json) ? json : {}, raw);
  fields.refuseUnfilled();
  refuseOtherCase(fields);
  refuseWhatTradesOtherwise(fields);

  const action = readAction(fields, 'action');
  const order: AlertOrder = {
    symbol: readSymbol(fields, 'ticker', binding),
    action,
    quantity: readQuantity(fields),
    ...readOrderType(fields),
    takeProfit: readTakeProfit(fields),
    stopLoss: readStopLoss(fields),
    timestamp: fields.instant('time'),
    signalId: readSignalId(fields),
  };
  if (action !== undefined) requireAgreement(fields, action);
  return readingOf(alert, fields, order, fields.instant('barTime'));
}

function refuseOtherCase(fields: AlertFields): void {
  for (const name of fields.names) {
    const meant = OWN_CASE.get(name.toLowerCase());
    if (meant !== undefined && meant !== name) fields.refuse(name, 'UNKNOWN_FIELD', `is not read: write ${meant}`);
  }
}

/** Members that change what is traded, or when. Ignoring one would trade something else than was asked for. */
function refuseWhatTradesOtherwise(fields: AlertFields): void {
  const options = ['optionType', 'intrinsicValue', 'expiration', 'strikeCount', 'strikesAway', 'strikePrice'];
  fields.refuseUnsupportedAll(options, 'options are not traded here: leave it out');
  fields.refuseUnsupportedAll(['delay', 'expiresAt', 'cancelOrderType'], 'is not taken: leave it out');
  fields.refuseUnsupportedAll(['trailAmount', 'trailPercent'], 'trailing stops are not taken');
  fields.refuseUnsupportedAll(['marketPriceType'], 'prices are not taken from quotes: send limitPrice or stopPrice');
  fields.mustBeOff('test', 'says that the alert is a test: nothing was traded');
  fields.mustBeOff('cancel', 'cancelling orders is not taken: leave it out');
  fields.mustBeOff('extendedHours', 'extended hours are not offered: leave it out');
}

function readQuantity(fields: AlertFields): string | undefined {
  const type = fields.word('quantityType', QUANTITY_TYPES);
  if (type !== undefined && type !== 'fixed_quantity') {
    fields.refuseUnsupported('quantityType', 'quantities are units: send fixed_quantity, or leave it out');
  }
  fields.require('quantity', 'is required: how much to trade does not follow from settings or positions here');
  return fields.amount('quantity');
}

function readOrderType(fields: AlertFields): Pick<AlertOrder, 'orderType' | 'price'> {
  const orderType = fields.word('orderType', ORDER_TYPES);
  const timeInForce = fields.word('timeInForce', TIMES_IN_FORCE);
  const atOnce = orderType === undefined || orderType === 'market';
  if (timeInForce !== undefined && !(atOnce && AT_ONCE.includes(timeInForce))) {
    fields.refuseUnsupported('timeInForce', 'only day, gtc and ioc are taken, with market orders: leave it out');
  }
  if (orderType === 'stop_limit' || orderType === 'trailing_stop') {
    fields.refuseUnsupported('orderType', 'market, limit and stop are taken');
    return {};
  }
  const own = atOnce ? undefined : orderType === 'limit' ? 'limitPrice' : 'stopPrice';
  for (const [name, type] of [
    ['limitPrice', 'limit'],
    ['stopPrice', 'stop'],
  ] as const) {
    // Dropping it would trade at any price.
    if (name !== own && fields.has(name)) fields.refuseUnsupported(name, `goes with orderType ${type} only`);
  }
  if (own === undefined) return { orderType: atOnce ? orderType : undefined };
  fields.require(own, `is required for a ${orderType} order: it is not taken from the market`);
  return { orderType: orderType as AlertOrder['orderType'], price: fields.amount(own) };
}

function readTakeProfit(fields: AlertFields): string | undefined {
  const leg = fields.object('takeProfit', LEG_AMOUNTS);
  leg?.refuseUnsupportedAll(['percent', 'amount'], 'send limitPrice, the price itself');
  leg?.require('limitPrice', 'is required: the price itself');
  return leg?.amount('limitPrice');
}

function readStopLoss(fields: AlertFields): string | undefined {
  const leg = fields.object('stopLoss', LEG_AMOUNTS);
  const type = leg?.word('type', ['stop', 'stop_limit', 'trailing_stop']);
  if (type !== undefined && type !== 'stop') leg?.refuseUnsupported('type', 'only stop is taken');
  leg?.refuseUnsupportedAll(['percent', 'amount'], 'send stopPrice, the price itself');
  leg?.refuseUnsupportedAll(['limitPrice', 'trailPrice', 'trailAmount', 'trailPercent'], 'only stopPrice is taken');
  leg?.require('stopPrice', 'is required: the price itself');
  return leg?.amount('stopPrice');
}

/** The order of an exit would open a position where there is none to exit. */
function requireAgreement(fields: AlertFields, action: 'buy' | 'sell'): void {
  const sentiment = fields.word('sentiment', SENTIMENTS);
  if (sentiment === undefined || (AGREEING[action] as readonly string[]).includes(sentiment)) return;
  const repair = `makes the ${action} an exit, which is not taken: leave sentiment out of the message, and every order is mirrored as it is`;
  fields.refuseUnsupported('sentiment', repair);
}
