import {
  createEvent,
  webhookReceived,
  webhookTradeExecuted,
  webhookValidated,
  type EventDefinition,
} from '@tickwire/contracts';
import type { Queryable } from '@tickwire/event-log';
import { signalIdOf } from '../load/signed-signals.js';

/** The topics of the bare loop: three hops, as a signal makes them. */
export const BARE_TOPICS = {
  received: 'bench.received',
  validated: 'bench.validated',
  executed: 'bench.executed',
} as const;

export interface BareRecord {
  topic: string;
  key: string;
  value: string;
}

/** What stage 2 commits and sends on. */
export interface Trade extends BareRecord {
  signalId: string;
}

/** The same number of keys as the real load has accounts, so that partitions are equally mixed. */
export function bareAccount(index: number, accounts: number): string {
  return `acc_bench-${String(index % accounts).padStart(32, '0')}`;
}

export function receivedRecord(run: string, index: number, accounts: number): BareRecord {
  return recordLike(webhookReceived, BARE_TOPICS.received, signalIdOf(run, index), bareAccount(index, accounts));
}

/** What stage 1 makes of a record: reads it, writes the next one. No rule is looked at. */
export function validatedRecord(received: Buffer): BareRecord {
  const { signalId, accountId } = dataOf(received);
  return recordLike(webhookValidated, BARE_TOPICS.validated, signalId, accountId);
}

/** What stage 2 makes of a record, and the row that it commits first. */
export function executedRecord(validated: Buffer): Trade {
  const { signalId, accountId } = dataOf(validated);
  return { signalId, ...recordLike(webhookTradeExecuted, BARE_TOPICS.executed, signalId, accountId) };
}

/** Where stage 2 commits. Unlogged nothing: durable, as the real one. */
export async function ensureBareTable(db: Queryable): Promise<void> {
  await db.query('CREATE SCHEMA IF NOT EXISTS "bench"');
  await db.query(
    'CREATE TABLE IF NOT EXISTS "bench"."trade" ("signal_id" TEXT PRIMARY KEY, "account_id" TEXT NOT NULL, "body" TEXT NOT NULL)',
  );
}

export async function insertTrades(db: Queryable, trades: readonly Trade[]): Promise<void> {
  await db.query(
    'INSERT INTO "bench"."trade" SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) ON CONFLICT DO NOTHING',
    [trades.map(({ signalId }) => signalId), trades.map(({ key }) => key), trades.map(({ value }) => value)],
  );
}

/** As long as the real event is: the contract's sample in its envelope, with other ids. */
function recordLike<T extends { webhookId: string; tenantId: string; signalId: string; accountId: string }>(
  definition: EventDefinition<T>,
  topic: string,
  signalId: string,
  accountId: string,
): BareRecord {
  const { sample } = definition;
  const event = createEvent(definition, {
    id: sample.webhookId,
    source: definition.producers[0]!,
    subject: signalId,
    timeMs: 0,
    tenantId: sample.tenantId,
    accountId,
    correlationId: sample.webhookId,
    causationId: sample.webhookId,
    data: { ...sample, signalId, accountId },
  });
  return { topic, key: accountId, value: JSON.stringify(event) };
}

function dataOf(value: Buffer): { signalId: string; accountId: string } {
  return (JSON.parse(value.toString()) as { data: { signalId: string; accountId: string } }).data;
}
