import {
  createEvent,
  encodeEvent,
  isoTime,
  SIGNAL_ID,
  webhookFailed,
  webhookReceived,
  type EncodedEvent,
  type WebhookFailed,
  type WebhookReceived,
} from '@tickwire/contracts';
import type { FieldProblem } from '@tickwire/problem-details';
import { isStorable, type Signal } from './read-signal.js';

/** W3C trace context, version 00. */
const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

export interface AcceptedSignal {
  signal: Signal;
  /** Ours, resolved from what the signal names. */
  accountId: string;
  webhookId: string;
  signalId: string;
  scheme: WebhookReceived['scheme'];
  /** ms since the epoch. */
  receivedAtMs: number;
  /** The request's header; left out unless it is a trace context. */
  traceparent?: string;
}

/** The record of a signal that will be answered 202. @throws InvalidEvent for a bug of ours */
export function receivedRecord(accepted: AcceptedSignal): EncodedEvent {
  const { signal, accountId, webhookId, signalId, scheme, receivedAtMs, traceparent } = accepted;
  const { tenantId } = signal;
  const data: WebhookReceived = {
    ...signal,
    webhookId,
    accountId,
    signalId,
    orderType: signal.orderType ?? 'market',
    receivedAt: isoTime(receivedAtMs),
    scheme,
  };
  const event = createEvent(webhookReceived, {
    id: webhookId,
    source: 'ingress',
    subject: signalId,
    timeMs: receivedAtMs,
    tenantId,
    accountId,
    correlationId: webhookId,
    traceparent: traceparent !== undefined && TRACEPARENT.test(traceparent) ? traceparent : undefined,
    data,
  });
  return encodeEvent(webhookReceived, event);
}

export interface MalformedSignal {
  webhookId: string;
  tenantId: string;
  /** As parsed. */
  body: unknown;
  errors: readonly FieldProblem[];
  failedAtMs: number;
}

/**
 * The record of an authentic request that is no signal: for the audit trail, keyed by the tenant. Of the body it
 * repeats the sender's ids where they are well formed, and names the faults, never the values.
 * @throws InvalidEvent for a bug of ours
 */
export function malformedRecord({ webhookId, tenantId, body, errors, failedAtMs }: MalformedSignal): EncodedEvent {
  const { signalId, botId } = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  const data: WebhookFailed = {
    webhookId,
    tenantId,
    ...(typeof signalId === 'string' && SIGNAL_ID.test(signalId) ? { signalId } : {}),
    ...(typeof botId === 'string' && isBotId(botId) ? { botId } : {}),
    stage: 'ingress',
    code: 'SCHEMA',
    message: 'The body does not fit its schema',
    accepted: false,
    errors: errors.map(({ pointer, code, detail }) => ({ pointer, code, detail })),
    final: true,
    failedAt: isoTime(failedAtMs),
  };
  const event = createEvent(webhookFailed, {
    id: webhookId,
    source: 'ingress',
    subject: webhookId,
    timeMs: failedAtMs,
    tenantId,
    correlationId: webhookId,
    data,
  });
  return encodeEvent(webhookFailed, event);
}

function isBotId(text: string): boolean {
  return text.length >= 1 && text.length <= 64 && isStorable(text);
}
