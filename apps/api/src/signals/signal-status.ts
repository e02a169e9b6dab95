import type {
  EventEnvelope,
  WebhookCompleted,
  WebhookFailed,
  WebhookReceived,
  WebhookTradeExecuted,
} from '@tickwire/contracts';

export type SignalStatusName =
  'received' | 'validated' | 'working' | 'partially_filled' | 'executed' | 'completed' | 'failed';

/** One step of a signal's life. */
export interface TimelineEntry {
  type: string;
  eventId: string;
  /** ISO 8601 */
  at: string;
}

export interface SignalFill {
  execId: string;
  orderId: string;
  symbol: string;
  side: string;
  lastQty: string;
  lastPx: string;
  cumQty: string;
  leavesQty: string;
  avgPx: string;
  commission: string;
  realisedPnl: string;
  executedAt: string;
}

export interface SignalError {
  stage: string;
  code: string;
  message: string;
  errors?: unknown;
}

/** What the sender of a signal is told. */
export interface SignalStatus {
  webhookId: string;
  signalId?: string;
  accountId?: string;
  status: SignalStatusName;
  /** No other event follows. */
  final: boolean;
  receivedAt?: string;
  timeline: TimelineEntry[];
  fills: SignalFill[];
  /** `completed` only: cancelled, expired, partially_filled, done. */
  outcome?: string;
  error?: SignalError;
}

const STAGES = [
  'webhook.received',
  'webhook.validated',
  'webhook.trade_executed',
  'webhook.completed',
  'webhook.failed',
];

/**
 * Reads a signal's status out of its events. It depends on which events there are and not on the order in which they
 * were stored, so it only ever moves forward: topics may overtake each other, an end is never taken back.
 *
 * @param events of one signal, at least one, in any order
 * @param orderRests whether execution has an order of the signal that is still open
 */
export function signalStatus(events: readonly EventEnvelope[], orderRests: boolean): SignalStatus {
  const inOrder = [...events].sort(byTimeThenStage);
  const first = inOrder[0]!.data as { webhookId: string; signalId?: string; accountId?: string };
  const dataOf = <T extends object>(type: string): T[] =>
    inOrder.filter((event) => event.type === type).map((event) => event.data as T);

  const [received] = dataOf<WebhookReceived>('webhook.received');
  const fills = dataOf<WebhookTradeExecuted>('webhook.trade_executed');
  const [completed] = dataOf<WebhookCompleted>('webhook.completed');
  const [failed] = dataOf<WebhookFailed>('webhook.failed');
  const final = [...fills, completed, failed].some((data) => data?.final === true);
  return {
    webhookId: first.webhookId,
    signalId: first.signalId,
    accountId: first.accountId,
    status: nameOf(),
    final,
    receivedAt: received?.receivedAt,
    timeline: inOrder.map(({ type, id, time }) => ({ type, eventId: id, at: time })),
    fills: fills.map(toFill),
    ...(completed === undefined ? {} : { outcome: completed.outcome }),
    ...(failed === undefined ? {} : { error: toError(failed) }),
  };

  function nameOf(): SignalStatusName {
    if (failed !== undefined) return 'failed';
    if (completed !== undefined) return 'completed';
    if (fills.some((fill) => fill.final)) return 'executed';
    if (fills.length > 0) return 'partially_filled';
    if (orderRests) return 'working';
    return inOrder.some((event) => event.type === 'webhook.validated') ? 'validated' : 'received';
  }
}

function byTimeThenStage(a: EventEnvelope, b: EventEnvelope): number {
  return a.time === b.time ? STAGES.indexOf(a.type) - STAGES.indexOf(b.type) : a.time < b.time ? -1 : 1;
}

function toFill(data: WebhookTradeExecuted): SignalFill {
  const {
    execId,
    orderId,
    symbol,
    side,
    lastQty,
    lastPx,
    cumQty,
    leavesQty,
    avgPx,
    commission,
    realisedPnl,
    executedAt,
  } = data;
  return {
    execId,
    orderId,
    symbol,
    side,
    lastQty,
    lastPx,
    cumQty,
    leavesQty,
    avgPx,
    commission,
    realisedPnl,
    executedAt,
  };
}

function toError({ stage, code, message, errors }: WebhookFailed): SignalError {
  return { stage, code, message, ...(errors === undefined ? {} : { errors }) };
}
