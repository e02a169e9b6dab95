import type { OrderType } from '../trading/order.js';

export type OrderAction = 'BUY' | 'SELL' | 'SHORT' | 'COVER';

/** An order as an agent asks for it, its form checked, its symbol not yet looked up. */
export interface OrderRequest {
  kind: 'order';
  action: OrderAction;
  /** Upper-cased. */
  symbol: string;
  quantity: number;
  type: OrderType;
  /** Present for LIMIT. */
  priceCents?: number;
  /** Present for STOP. */
  stopCents?: number;
}

export type ParsedAction =
  | OrderRequest
  | { kind: 'cancel'; action: 'CANCEL_ORDER'; orderId: string }
  | { kind: 'message'; action: 'MESSAGE'; targetAgentId: string; content: string }
  | { kind: 'unsupported'; action: string };

/** Why an action was not understood: a stable code, and a sentence for its author. */
export interface ParseFailure {
  kind: 'failure';
  /** The type as far as it could be read, for the result. */
  action: string;
  code: string;
  detail: string;
}

export const MAX_QUANTITY = 1_000_000;
/** A million dollars a share: beyond any price of the market, and safe in integer arithmetic. */
export const MAX_PRICE_CENTS = 100_000_000;
const MAX_MESSAGE_LENGTH = 500;
const MAX_ID_LENGTH = 256;
/** Known to agents, not offered by this engine version. */
const UNSUPPORTED = new Set([
  'RUMOR',
  'ALLY',
  'ALLY_ACCEPT',
  'ALLY_REJECT',
  'ALLY_DISSOLVE',
  'BRIBE',
  'WHISTLEBLOW',
  'FLEE',
]);

/** Thrown inside this file only, to leave a half-read action. */
class Refusal extends Error {
  constructor(
    readonly code: string,
    readonly detail: string,
  ) {
    super(detail);
  }
}

/**
 * Reads one action of an agent's answer, whatever it is. Both `{type, payload: {…}}` and the flat `{type, symbol, …}`
 * are understood, `null` counts as absent, symbols and types are upper-cased. Never throws.
 */
export function parseAction(raw: unknown): ParsedAction | ParseFailure {
  let action = 'UNKNOWN';
  try {
    const fields = new Fields(raw);
    action = fields.type();
    return parseFields(action, fields);
  } catch (error) {
    if (error instanceof Refusal) return { kind: 'failure', action, code: error.code, detail: error.detail };
    // A getter or proxy that throws: not JSON, so not an action.
    return { kind: 'failure', action, code: 'INVALID_ACTION', detail: 'the action cannot be read' };
  }
}

function parseFields(action: string, fields: Fields): ParsedAction {
  switch (action) {
    case 'BUY':
    case 'SELL':
    case 'SHORT':
    case 'COVER':
      return parseOrder(action, fields);
    case 'CANCEL_ORDER':
      return { kind: 'cancel', action, orderId: fields.id('orderId') };
    case 'MESSAGE':
      return {
        kind: 'message',
        action,
        targetAgentId: fields.id('targetAgentId', 'targetAgent'),
        content: fields.message('content', 'message'),
      };
    default:
      if (UNSUPPORTED.has(action)) return { kind: 'unsupported', action };
      throw new Refusal('UNKNOWN_ACTION', 'no such action type');
  }
}

function parseOrder(action: OrderAction, fields: Fields): OrderRequest {
  const symbol = fields.symbol('symbol', 'targetSymbol');
  const quantity = fields.quantity('quantity');
  const type = fields.orderType(action);
  const order: OrderRequest = { kind: 'order', action, symbol, quantity, type };
  if (type === 'LIMIT') order.priceCents = fields.price('price');
  // Real clients send a stop's trigger as its price.
  if (type === 'STOP') order.stopCents = fields.price('stopPrice', 'price');
  return order;
}

/** The own fields of an action, from its payload first, then from the action itself. */
class Fields {
  private readonly sources: readonly object[];

  constructor(raw: unknown) {
    if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
      throw new Refusal('INVALID_ACTION', 'an action is an object with a type');
    }
    const payload = own(raw, 'payload');
    this.sources = typeof payload === 'object' && payload !== null ? [payload, raw] : [raw];
  }

  type(): string {
    const type = own(this.sources[this.sources.length - 1] ?? {}, 'type');
    if (typeof type !== 'string' || type === '') throw new Refusal('INVALID_ACTION', 'type must be a text');
    return type.slice(0, 32).toUpperCase();
  }

  symbol(...names: string[]): string {
    const value = this.read(names);
    if (typeof value !== 'string') throw new Refusal('UNKNOWN_SYMBOL', 'symbol must be a text');
    return value.slice(0, 32).trim().toUpperCase();
  }

  quantity(name: string): number {
    const value = this.read([name]);
    if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MAX_QUANTITY) return value as number;
    throw new Refusal('INVALID_QUANTITY', `${name} must be a whole number from 1 to ${MAX_QUANTITY}`);
  }

  orderType(action: OrderAction): OrderType {
    const value = this.read(['orderType']);
    // SHORT and COVER have no order type in the protocol: a price makes them a limit order.
    if (value === undefined) {
      return (action === 'SHORT' || action === 'COVER') && this.read(['price']) !== undefined ? 'LIMIT' : 'MARKET';
    }
    const type = typeof value === 'string' ? value.toUpperCase() : '';
    if (type === 'MARKET' || type === 'LIMIT' || type === 'STOP') return type;
    throw new Refusal('INVALID_ORDER_TYPE', 'orderType must be MARKET, LIMIT or STOP');
  }

  /** Currency units with at most two decimals. @returns cents */
  price(...names: string[]): number {
    const value = this.read(names);
    if (typeof value !== 'number' || !(value > 0) || value * 100 > MAX_PRICE_CENTS) {
      throw new Refusal('INVALID_PRICE', `${names[0]} must be a number above 0, at most ${MAX_PRICE_CENTS / 100}`);
    }
    const cents = Math.round(value * 100);
    // 149.99 * 100 is not exactly 14999; a price on the step is the double nearest to a whole number of cents.
    if (cents >= 1 && cents / 100 === value) return cents;
    throw new Refusal('INVALID_PRICE_INCREMENT', `${names[0]} must be a multiple of .01`);
  }

  id(...names: string[]): string {
    const value = this.read(names);
    if (typeof value === 'string' && value !== '' && value.length <= MAX_ID_LENGTH) return value;
    throw new Refusal('INVALID_ID', `${names[0]} must be a text of 1 to ${MAX_ID_LENGTH} characters`);
  }

  message(...names: string[]): string {
    const value = this.read(names);
    if (typeof value === 'string' && value !== '' && value.length <= MAX_MESSAGE_LENGTH) return value;
    throw new Refusal('INVALID_MESSAGE', `${names[0]} must be a text of 1 to ${MAX_MESSAGE_LENGTH} characters`);
  }

  /** The first of the names that is there; null is absent. */
  private read(names: readonly string[]): unknown {
    for (const source of this.sources) {
      for (const name of names) {
        const value = own(source, name);
        if (value !== undefined && value !== null) return value;
      }
    }
    return undefined;
  }
}

/** Own properties only: an action inherits nothing. */
function own(source: object, name: string): unknown {
  return Object.hasOwn(source, name) ? (source as Record<string, unknown>)[name] : undefined;
}
