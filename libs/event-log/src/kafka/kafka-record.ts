import type { IHeaders, KafkaMessage } from 'kafkajs';
import type { LogRecord } from '../port.js';

const EMPTY = Buffer.alloc(0);

/** A message as kafkajs read it -> the record. A tombstone of a foreign producer reads as an empty value. */
export function toLogRecord(topic: string, partition: number, message: KafkaMessage): LogRecord {
  return {
    topic,
    partition,
    offset: Number(message.offset),
    key: message.key?.toString('utf8') ?? '',
    value: message.value ?? EMPTY,
    headers: headersOf(message.headers),
    timestampMs: Number(message.timestamp),
  };
}

/** Header values are text with us; of a repeated header the last one counts. */
function headersOf(headers: IHeaders | undefined): Readonly<Record<string, string>> {
  const texts: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers ?? {})) {
    const last = Array.isArray(value) ? value.at(-1) : value;
    texts[name] = last?.toString() ?? '';
  }
  return texts;
}
