import { deadLetterTopic, derivedId, InvalidEvent } from '@tickwire/contracts';
import { storableText } from '@tickwire/persistence';
import type { LogRecord, NewRecord } from '../port.js';

/** Why a record went to the dead letters: an {@link InvalidEvent} reason, or CODE_FAULT. */
export type DeadLetterReason = InvalidEvent['reason'] | 'CODE_FAULT';

/** Headers of a dead letter; the value is the source's, byte for byte, and so is the key where a database can hold it. */
export const DEAD_HEADERS = {
  id: 'dead-id',
  group: 'dead-group',
  topic: 'dead-topic',
  partition: 'dead-partition',
  offset: 'dead-offset',
  reason: 'dead-reason',
  message: 'dead-message',
  at: 'dead-at',
} as const;

/** On a record that was replayed for one group: the others skip it. */
export const REPLAY_GROUP_HEADER = 'replay-group';

export interface DeadLetter {
  id: string;
  group: string;
  topic: string;
  partition: number;
  offset: number;
  reason: string;
  message: string;
  at: string;
}

/** What is put into `<topic>.dead`. Its id names group and position, so that writing twice writes the same letter. */
export function deadLetterRecord(group: string, record: LogRecord, error: unknown, atMs: number): NewRecord {
  const reason: DeadLetterReason = error instanceof InvalidEvent ? error.reason : 'CODE_FAULT';
  const message =
    error instanceof Error ? (reason === 'CODE_FAULT' ? (error.stack ?? error.message) : error.message) : String(error);
  return {
    topic: deadLetterTopic(record.topic),
    key: storableText(record.key),
    value: record.value,
    headers: {
      ...storableHeaders(record.headers),
      [DEAD_HEADERS.id]: deadLetterId(group, record),
      [DEAD_HEADERS.group]: group,
      [DEAD_HEADERS.topic]: record.topic,
      [DEAD_HEADERS.partition]: String(record.partition),
      [DEAD_HEADERS.offset]: String(record.offset),
      [DEAD_HEADERS.reason]: reason,
      [DEAD_HEADERS.message]: message.slice(0, 2_000).replace(/[^\x20-\x7e\n]/g, '?'),
      [DEAD_HEADERS.at]: new Date(atMs).toISOString(),
    },
  };
}

/** A foreign producer may write anything; a letter that no outbox takes would stop the partition. */
function storableHeaders(headers: LogRecord['headers']): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [storableText(name), storableText(value)]));
}

export function deadLetterId(group: string, record: Pick<LogRecord, 'topic' | 'partition' | 'offset'>): string {
  return derivedId(`${group}/${record.topic}/${record.partition}`, 'dead-letter', record.offset);
}

/** @returns undefined when the record is no dead letter of ours */
export function readDeadLetter(record: LogRecord): DeadLetter | undefined {
  const { headers } = record;
  const id = headers[DEAD_HEADERS.id];
  const group = headers[DEAD_HEADERS.group];
  const topic = headers[DEAD_HEADERS.topic];
  if (!id || !group || !topic) return undefined;
  return {
    id,
    group,
    topic,
    partition: Number(headers[DEAD_HEADERS.partition]),
    offset: Number(headers[DEAD_HEADERS.offset]),
    reason: headers[DEAD_HEADERS.reason] ?? '',
    message: headers[DEAD_HEADERS.message] ?? '',
    at: headers[DEAD_HEADERS.at] ?? '',
  };
}

/** The record that brings a dead letter back to the group it died in; `value` replaces what was broken. */
export function replayRecord(letter: DeadLetter, record: LogRecord, value: Buffer | string = record.value): NewRecord {
  const headers = Object.fromEntries(Object.entries(record.headers).filter(([name]) => !name.startsWith('dead-')));
  return { topic: letter.topic, key: record.key, value, headers: { ...headers, [REPLAY_GROUP_HEADER]: letter.group } };
}

/** The identity of a signal. */
export interface SignalIdentity {
  tenantId: string;
  accountId: string;
  signalId: string;
}

/** The signal that a broken record speaks of, if that much can be read of it. */
export function readSignalIdentity(value: Uint8Array): SignalIdentity | undefined {
  try {
    const { data } = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(value)) as {
      data?: Partial<SignalIdentity>;
    };
    const { tenantId, accountId, signalId } = data ?? {};
    const readable = [tenantId, accountId, signalId].every(
      (part) => typeof part === 'string' && part.length > 0 && part.length <= 128,
    );
    return readable ? { tenantId: tenantId!, accountId: accountId!, signalId: signalId! } : undefined;
  } catch {
    return undefined;
  }
}
