import {
  createEvent,
  derivedId,
  encodeEvent,
  isoTime,
  webhookFailed,
  webhookValidated,
  type EventEnvelope,
  type WebhookReceived,
} from '@tickwire/contracts';
import type { NewRecord, Queryable, SignalIdentity, Statements } from '@tickwire/event-log';
import type { Refusal } from './judge-signal.js';

/** A verdict as it is stored and sent: the event, byte for byte. */
export interface Verdict {
  identity: SignalIdentity;
  webhookId: string;
  /** Of the record that carried the signal. */
  partition: number;
  record: NewRecord;
}

export function identityKey({ tenantId, accountId, signalId }: SignalIdentity): string {
  return JSON.stringify([tenantId, accountId, signalId]);
}

/** The event of an allowed signal. */
export function validatedRecord(received: EventEnvelope<WebhookReceived>, nowMs: number): NewRecord {
  const { timestamp: _timestamp, scheme: _scheme, ...signal } = received.data;
  const data = { ...signal, validatedAt: isoTime(nowMs) };
  return encodeEvent(
    webhookValidated,
    createEvent(webhookValidated, {
      id: derivedId(received.id, 'validated'),
      source: 'validator',
      subject: data.signalId,
      timeMs: nowMs,
      tenantId: data.tenantId,
      accountId: data.accountId,
      correlationId: received.id,
      causationId: received.id,
      traceparent: received.traceparent,
      data,
    }),
  );
}

/** The event of a refused signal: its last one. */
export function refusedRecord(
  signal: SignalIdentity & { webhookId: string; botId?: string; traceparent?: string },
  { code, message, pointer }: Refusal,
  nowMs: number,
): NewRecord {
  const { tenantId, accountId, signalId, webhookId, botId, traceparent } = signal;
  return encodeEvent(
    webhookFailed,
    createEvent(webhookFailed, {
      id: derivedId(webhookId, 'failed'),
      source: 'validator',
      subject: signalId,
      timeMs: nowMs,
      tenantId,
      accountId,
      correlationId: webhookId,
      causationId: webhookId,
      traceparent,
      data: {
        webhookId,
        tenantId,
        accountId,
        signalId,
        botId,
        stage: 'validator',
        code,
        message,
        accepted: true,
        errors: pointer ? [{ pointer, code, detail: message }] : undefined,
        final: true,
        failedAt: isoTime(nowMs),
      },
    }),
  );
}

/** Verdicts that stand already, by identity: the record that was sent then. */
export async function readVerdicts(
  db: Queryable,
  identities: readonly SignalIdentity[],
): Promise<Map<string, NewRecord>> {
  if (identities.length === 0) return new Map();
  const { rows } = await db.query<{
    tenant_id: string;
    account_id: string;
    signal_id: string;
    type: string;
    event: string;
  }>({
    name: 'standing-verdicts',
    text: `SELECT v."tenant_id", v."account_id", v."signal_id", v."type", v."event" FROM "verdict" v
             JOIN unnest($1::text[], $2::text[], $3::text[]) i("tenant_id", "account_id", "signal_id")
               ON v."tenant_id" = i."tenant_id" AND v."account_id" = i."account_id" AND v."signal_id" = i."signal_id"`,
    values: [
      identities.map((each) => each.tenantId),
      identities.map((each) => each.accountId),
      identities.map((each) => each.signalId),
    ],
  });
  return new Map(
    rows.map((row) => [
      identityKey({ tenantId: row.tenant_id, accountId: row.account_id, signalId: row.signal_id }),
      { topic: row.type, key: row.account_id, value: row.event },
    ]),
  );
}

/** The primary key of `verdict` refuses a second verdict, whatever was assumed. */
export function insertVerdicts(transaction: Statements, verdicts: readonly Verdict[], nowMs: number): void {
  if (verdicts.length === 0) return;
  transaction.add(
    `INSERT INTO "verdict" ("tenant_id", "account_id", "signal_id", "webhook_id", "partition", "type", "event", "decided_at")
     SELECT t.*, $8::timestamptz FROM unnest($1::text[], $2::text[], $3::text[], $4::uuid[], $5::int[], $6::text[], $7::text[]) t`,
    [
      verdicts.map((verdict) => verdict.identity.tenantId),
      verdicts.map((verdict) => verdict.identity.accountId),
      verdicts.map((verdict) => verdict.identity.signalId),
      verdicts.map((verdict) => verdict.webhookId),
      verdicts.map((verdict) => verdict.partition),
      verdicts.map((verdict) => verdict.record.topic),
      verdicts.map((verdict) => verdict.record.value.toString()),
      new Date(nowMs),
    ],
  );
}
