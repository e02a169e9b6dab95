import {
  createEvent,
  derivedId,
  encodeEvent,
  isoTime,
  webhookCompleted,
  webhookFailed,
  webhookTradeExecuted,
  type EventDefinition,
  type EventEnvelope,
  type WebhookValidated,
} from '@tickwire/contracts';
import type { NewRecord, SignalIdentity } from '@tickwire/event-log';
import { averageOf, formatDecimal, formatPrice, formatQuantity, positionIn, type Instrument } from '@tickwire/ledger';
import { MINOR_DIGITS } from './account-state.js';
import type { Execution, SignalOutcome } from './execute-signal.js';

const NO_LIQUIDITY_REASON = "The quote had no more size; a market order's remainder is cancelled";

/** The records that tell of an outcome: one per fill, and a last one where the fills do not end the signal. */
export function outcomeRecords(
  cause: EventEnvelope<WebhookValidated>,
  outcome: SignalOutcome,
  quoteId: string,
  nowMs: number,
): NewRecord[] {
  if (outcome.kind === 'refused') {
    return [
      failedRecord({ ...cause.data, traceparent: cause.traceparent }, cause.id, outcome.code, outcome.message, nowMs),
    ];
  }
  const records = outcome.executions.map((execution) =>
    executedRecord(cause, execution, outcome.instrument, quoteId, nowMs),
  );
  if (outcome.unfilledLots > 0) {
    const { order, instrument } = outcome;
    records.push(
      record(webhookCompleted, cause, 'completed', 0, nowMs, {
        ...signalOf(cause.data),
        orderId: order.orderId,
        outcome: 'partially_filled',
        cumQty: formatQuantity(order.cumQty, instrument),
        cancelledQty: formatQuantity(outcome.unfilledLots, instrument),
        reason: NO_LIQUIDITY_REASON,
        final: true,
        completedAt: isoTime(nowMs),
      }),
    );
  }
  return records;
}

function executedRecord(
  cause: EventEnvelope<WebhookValidated>,
  execution: Execution,
  instrument: Instrument,
  quoteId: string,
  nowMs: number,
): NewRecord {
  const { order, after } = execution;
  const money = (minor: bigint): string => formatDecimal(minor, MINOR_DIGITS);
  return record(webhookTradeExecuted, cause, 'trade-executed', execution.ordinal, nowMs, {
    ...signalOf(cause.data),
    orderId: order.orderId,
    execId: execution.execId,
    execType: 'trade',
    ordStatus: order.leavesQty === 0 ? 'filled' : 'partially_filled',
    symbol: order.symbol,
    side: order.side,
    orderType: 'market',
    orderQty: formatQuantity(order.orderQty, instrument),
    lastQty: formatQuantity(execution.lots, instrument),
    lastPx: formatPrice(execution.priceSteps, instrument),
    cumQty: formatQuantity(order.cumQty, instrument),
    leavesQty: formatQuantity(order.leavesQty, instrument),
    avgPx: averageOf(order.filledStepLots, order.cumQty, instrument.priceDecimals)!,
    referencePrice: formatPrice(execution.referencePriceSteps, instrument),
    slippage: formatPrice(execution.slippageSteps, instrument),
    liquidity: 'taker',
    commission: money(execution.commissionMinor),
    realisedPnl: money(execution.realisedMinor),
    positionQty: formatQuantity(positionIn(after.book, order.symbol).lots, instrument),
    balance: money(after.book.balanceMinor),
    currency: after.book.currency,
    quoteId,
    final: order.leavesQty === 0,
    executedAt: isoTime(nowMs),
  });
}

/** The last event of a signal that traded nothing. */
export function failedRecord(
  signal: SignalIdentity & { webhookId: string; botId?: string; traceparent?: string },
  causeId: string,
  code: string,
  message: string,
  nowMs: number,
): NewRecord {
  const { tenantId, accountId, signalId, webhookId, botId, traceparent } = signal;
  return encodeEvent(
    webhookFailed,
    createEvent(webhookFailed, {
      id: derivedId(causeId, 'failed'),
      source: 'execution',
      subject: signalId,
      timeMs: nowMs,
      tenantId,
      accountId,
      correlationId: webhookId,
      causationId: causeId,
      traceparent,
      data: {
        webhookId,
        tenantId,
        accountId,
        signalId,
        botId,
        stage: 'execution',
        code,
        message,
        accepted: true,
        final: true,
        failedAt: isoTime(nowMs),
      },
    }),
  );
}

function signalOf({ webhookId, tenantId, accountId, signalId, botId }: WebhookValidated) {
  return { webhookId, tenantId, accountId, signalId, botId };
}

function record<T extends object>(
  definition: EventDefinition<T>,
  cause: EventEnvelope<WebhookValidated>,
  role: string,
  ordinal: number,
  timeMs: number,
  data: T,
): NewRecord {
  const { tenantId, accountId, signalId, webhookId } = cause.data;
  return encodeEvent(
    definition,
    createEvent(definition, {
      id: derivedId(cause.id, role, ordinal),
      source: 'execution',
      subject: signalId,
      timeMs,
      tenantId,
      accountId,
      correlationId: webhookId,
      causationId: cause.id,
      traceparent: cause.traceparent,
      data,
    }),
  );
}
