import { derivedId, type EventEnvelope, type WebhookValidated } from '@tickwire/contracts';
import {
  advanceOrder,
  DEFAULT_SLIPPAGE,
  endOrder,
  fillMarketOrder,
  openOrder,
  type Order,
  type Quote,
  type SlippageModel,
} from '@tickwire/fills';
import { applyDelta, bookFill, dollarShare, parseQuantity, type Instrument } from '@tickwire/ledger';
import type { AccountState } from './account-state.js';

/** One fill of an order, and the account right after it. */
export interface Execution {
  execId: string;
  ordinal: number;
  order: Order;
  lots: number;
  priceSteps: number;
  referencePriceSteps: number;
  slippageSteps: number;
  commissionMinor: bigint;
  realisedMinor: bigint;
  after: AccountState;
}

/** What came of a signal. `account` is its state afterwards. */
export type SignalOutcome =
  | {
      kind: 'traded';
      account: AccountState;
      order: Order;
      instrument: Instrument;
      executions: Execution[];
      unfilledLots: number;
    }
  | { kind: 'refused'; account: AccountState; code: string; message: string };

export interface Venue {
  quoteId: string;
  quote: Quote | undefined;
  slippage?: SlippageModel;
}

/**
 * Applies a validated signal to an account on the latest quote of its venue. Checks again, with authority, what the
 * validator could only see from outside: the account's status and owner. Pure: the same inputs give the same ids,
 * prices and balances; nothing given is changed.
 */
export function executeSignal(
  account: AccountState,
  event: EventEnvelope<WebhookValidated>,
  venue: Venue,
): SignalOutcome {
  const { data: signal } = event;
  const refused = (code: string, message: string): SignalOutcome => ({ kind: 'refused', account, code, message });
  if (account.tenantId !== signal.tenantId) return refused('UNKNOWN_ACCOUNT', 'No such account belongs to the tenant');
  if (account.status !== 'active') return refused('ACCOUNT_INACTIVE', `The account is ${account.status}`);
  if (signal.orderType !== 'market') return refused('UNSUPPORTED', `Orders of type ${signal.orderType} are not taken`);
  if (!venue.quote) return refused('UNKNOWN_SYMBOL', `${signal.symbol} has no quote on the account's venue`);
  const instrument = dollarShare(signal.symbol);
  const lots = parseQuantity(signal.quantity, instrument);
  if (typeof lots !== 'number' || lots <= 0) return refused('INVALID_QUANTITY', 'The quantity is not a number of lots');

  const orderId = derivedId(signal.webhookId, 'order');
  let order = openOrder({
    orderId,
    clOrdId: signal.signalId,
    account: account.accountId,
    symbol: signal.symbol,
    side: signal.action,
    ordType: 'market',
    tif: 'ioc',
    orderQty: lots,
  });
  const { fills, unfilledLots } = fillMarketOrder(
    { orderId, side: signal.action, lots },
    venue.quote,
    venue.slippage ?? DEFAULT_SLIPPAGE,
  );
  if (fills.length === 0) return refused('NO_LIQUIDITY', 'The quote has no size within the protection band');

  let after = account;
  const executions = fills.map((fill, ordinal): Execution => {
    order = advanceOrder(order, fill);
    const commissionMinor = 0n;
    const { delta, realisedMinor } = bookFill(
      after.book,
      { side: signal.action, ...fill },
      instrument,
      commissionMinor,
    );
    after = { ...after, book: applyDelta(after.book, delta), version: after.version + 1 };
    return {
      execId: derivedId(signal.webhookId, 'execution', ordinal),
      ordinal,
      order,
      lots: fill.lots,
      priceSteps: fill.priceSteps,
      referencePriceSteps: fill.referencePriceSteps,
      slippageSteps: fill.slippageSteps,
      commissionMinor,
      realisedMinor,
      after,
    };
  });
  if (unfilledLots > 0) order = endOrder(order, 'cancelled');
  return { kind: 'traded', account: after, order, instrument, executions, unfilledLots };
}
