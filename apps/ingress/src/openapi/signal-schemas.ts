import { schemaOf, SignalRequest, SIGNAL_ID, UUID } from '@tickwire/contracts';
import { MAX_SIGNALS } from '../signals/batch-intake.js';
import type { Schema } from './openapi-types.js';

/** By every field of the contract: a new one does not compile without a word about it. */
const SIGNAL_FIELDS: Record<keyof SignalRequest, string> = {
  tenantId: "Your tenant; has to be the credential's.",
  accountId: '`acc_…`, or your own account number.',
  symbol: "An instrument of the account's world.",
  action: 'The side.',
  quantity:
    'Units, above zero: a JSON number or a numeric string. More digits than the instrument has are refused and not ' +
    'rounded; a JSON number of more than 15 significant digits is refused, too: send a string.',
  orderType: 'Default: `market`.',
  price: "Limit or stop price, in the instrument's currency.",
  stopLoss: 'Price at which a loss ends.',
  takeProfit: 'Price at which a profit is taken.',
  botId: 'Which of your bots sends. Where a bot signs with its own secret, this bot.',
  strategyName: 'Text of yours.',
  signalId:
    'Yours. The same id on the same account is the same signal: it trades once. Required with the hex signatures and in a batch.',
  timestamp: 'When you made it: ISO 8601 or unix seconds, as text. Required with body hex, whose signed time it is.',
};

const text = (description: string, more: Schema = {}): Schema => ({ type: 'string', description, ...more });
const amount = (description: string): Schema => ({ type: ['number', 'string'], description });

/** The signal as `readSignal` holds it to: the contract's own schema, and no other fields. */
function signalSchema(): Schema {
  const { properties, ...schema } = schemaOf(SignalRequest) as { properties: Record<string, Schema> };
  const described = Object.entries(properties).map(([name, property]) => [
    name,
    { ...property, description: SIGNAL_FIELDS[name as keyof SignalRequest] },
  ]);
  return { ...schema, properties: Object.fromEntries(described) as Schema, additionalProperties: false };
}

/** Components that are no problems, by name. */
export function signalSchemas(): Record<string, Schema> {
  return {
    SignalRequest: { description: 'A trading signal.', ...signalSchema() },
    BatchRequest: {
      description:
        'Signals, each accepted or refused by itself. A signal that does not fit its schema is refused alone. The tenant ' +
        'may be named once, beside the list; so may the `timestamp` that body hex signs.',
      type: 'object',
      properties: {
        tenantId: text("Your tenant; has to be the credential's.", { minLength: 1, maxLength: 64 }),
        botId: text('Whose secret signed the batch, where it is a bot’s.', { minLength: 1, maxLength: 64 }),
        timestamp: text('When the batch was made: ISO 8601 or unix seconds.', { minLength: 1, maxLength: 40 }),
        signals: {
          type: 'array',
          minItems: 1,
          maxItems: MAX_SIGNALS,
          items: { $ref: '#/components/schemas/SignalRequest', required: ['signalId'] },
        },
      },
      required: ['signals'],
      additionalProperties: false,
    },
    TradingViewAlert: TRADINGVIEW_ALERT,
    TradersPostAlert: TRADERSPOST_ALERT,
    AcceptedSignal: ACCEPTED_SIGNAL,
    RefusedSignal: {
      description: 'A signal of a batch that was not taken in.',
      type: 'object',
      properties: { status: { const: 'refused' }, problem: { $ref: '#/components/schemas/Problem' } },
      required: ['status', 'problem'],
    },
    AcceptedBatch: {
      description: 'What became of each signal, in the order they stood in the request.',
      type: 'object',
      properties: {
        results: {
          type: 'array',
          minItems: 1,
          maxItems: MAX_SIGNALS,
          items: {
            anyOf: [{ $ref: '#/components/schemas/AcceptedSignal' }, { $ref: '#/components/schemas/RefusedSignal' }],
          },
        },
      },
      required: ['results'],
    },
  };
}

const ACCEPTED_SIGNAL: Schema = {
  description: 'The signal is in the log and will end in exactly one final event.',
  type: 'object',
  properties: {
    webhookId: text('Ours, of this signal in every event about it.', { pattern: UUID.source }),
    signalId: text('Yours, or one that follows from the nonce.', { pattern: SIGNAL_ID.source }),
    status: { const: 'received' },
    statusUrl: text('Where its status is read, for 24 hours without another credential.', { format: 'uri' }),
    replayed: { const: true, description: 'In a batch: this signal had been taken in before.' },
  },
  required: ['webhookId', 'signalId', 'status', 'statusUrl'],
};

/** Members that change nothing are left out here; the guide of alerts lists them. */
const TRADINGVIEW_ALERT: Schema = {
  description:
    'A message of TradingView, placeholders filled in. Symbol (or `ticker`), action and quantity (or `contracts`) are ' +
    'required; members that are not known are refused by name.',
  type: 'object',
  properties: {
    symbol: text('`{{ticker}}` or `{{exchange}}:{{ticker}}`; mapped by the address’s symbol map.'),
    ticker: text('The same as `symbol`; one of the two.'),
    action: text('`buy` or `sell`: `{{strategy.order.action}}`.'),
    quantity: amount('Above zero: `{{strategy.order.contracts}}`.'),
    contracts: amount('The same as `quantity`; one of the two.'),
    orderType: text('`market` (default), `limit` or `stop`.'),
    price: amount('Limit or stop price; not read for a market order.'),
    stopLoss: amount('Price at which a loss ends.'),
    takeProfit: amount('Price at which a profit is taken.'),
    time: amount('`{{time}}`: when the bar opened. Makes the alert known again.'),
    timenow: amount('`{{timenow}}`: when the alert was sent.'),
    signalId: text('Your own id, stronger than the bar’s time.'),
    strategyName: text('Text of yours.'),
  },
  required: ['action'],
};

const TRADERSPOST_ALERT: Schema = {
  description: 'A message in the form of TradersPost. Names are case-sensitive; members beyond the form are not read.',
  type: 'object',
  properties: {
    ticker: text('The symbol, mapped by the address’s symbol map.'),
    action: text('`buy` or `sell`.'),
    quantity: amount('Units, above zero.'),
    quantityType: text('`fixed_quantity`.'),
    sentiment: text('One that agrees with the action.'),
    orderType: text('`market` (default), `limit` or `stop`.'),
    limitPrice: amount('Of a limit order.'),
    stopPrice: amount('Of a stop order.'),
    takeProfit: { type: 'object', description: 'The price itself.', properties: { limitPrice: amount('Price.') } },
    stopLoss: { type: 'object', description: 'The price itself.', properties: { stopPrice: amount('Price.') } },
    time: amount('When the alert was sent.'),
    barTime: amount('`{{time}}`: when the bar opened. Makes the alert known again.'),
    signalId: text('Your own id.'),
  },
  required: ['ticker', 'action', 'quantity'],
};
