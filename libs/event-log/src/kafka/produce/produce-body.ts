import { crc32c } from './crc32c.js';

/** What kafkajs hands its encoder for one Produce request. */
export interface ProduceOptions {
  acks: number;
  timeout: number;
  transactionalId?: string | null;
  /** Of an idempotent producer; without one the broker takes -1. */
  producerId?: { toString(): string };
  producerEpoch?: number;
  topicData: readonly { topic: string; partitions: readonly ProducedPartition[] }[];
}

interface ProducedPartition {
  partition: number;
  firstSequence?: number;
  messages: readonly ProducedMessage[];
}

type Content = string | Buffer | null | undefined;

export interface ProducedMessage {
  key?: Content;
  value: Content;
  headers?: Readonly<Record<string, string | Buffer | readonly (string | Buffer)[] | undefined>>;
  /** ms since the epoch; without one the record bears the time of the request. */
  timestamp?: string | number;
}

/** A record whose sizes are known: everything is measured first, so that it is written once, in its place. */
interface Measured {
  key: Content;
  value: Content;
  headers: [name: string, value: Content][];
  timestampDelta: number;
  bodyBytes: number;
}

interface MeasuredBatch {
  partition: number;
  firstSequence: number;
  firstTimestamp: number;
  maxTimestamp: number;
  records: Measured[];
  recordsBytes: number;
}

/** Of a record batch, version 2: what stands before its records, and where in it the checksum begins to count. */
const BATCH_HEAD_BYTES = 61;
const CHECKSUM_END = 21;
/** The first fields of a batch, which its length does not count. */
const UNCOUNTED_BATCH_BYTES = 12;
const MAGIC = 2;
const TRANSACTIONAL = 16;

/**
 * Writes the body of a Produce request, version 3 to 7, with uncompressed record batches of version 2, into one buffer.
 * @see https://kafka.apache.org/documentation/#messageformat
 */
export function produceBody(options: ProduceOptions): Buffer {
  const { acks, timeout, transactionalId = null, producerId, producerEpoch = 0, topicData } = options;
  const nowMs = Date.now();
  const topics = topicData.map(({ topic, partitions }) => ({
    topic,
    batches: partitions.map((each) => measureBatch(each, nowMs)),
  }));
  let bytes = 2 + (transactionalId === null ? 0 : Buffer.byteLength(transactionalId)) + 2 + 4 + 4;
  for (const { topic, batches } of topics) {
    bytes += 2 + Buffer.byteLength(topic) + 4;
    for (const { recordsBytes } of batches) bytes += 4 + 4 + BATCH_HEAD_BYTES + recordsBytes;
  }

  const body = new Body(bytes);
  body.text16(transactionalId);
  body.int16(acks);
  body.int32(timeout);
  body.int32(topics.length);
  const producer = {
    id: BigInt(producerId?.toString() ?? -1),
    epoch: producerEpoch,
    isTransactional: transactionalId !== null,
  };
  for (const { topic, batches } of topics) {
    body.text16(topic);
    body.int32(batches.length);
    for (const batch of batches) {
      body.int32(batch.partition);
      body.int32(BATCH_HEAD_BYTES + batch.recordsBytes);
      writeBatch(body, batch, producer);
    }
  }
  return body.buffer;
}

function measureBatch({ partition, firstSequence = 0, messages }: ProducedPartition, nowMs: number): MeasuredBatch {
  const stamps = messages.map(({ timestamp }) => Number(timestamp ?? nowMs));
  const firstTimestamp = stamps.reduce((least, stamp) => Math.min(least, stamp), Infinity);
  const maxTimestamp = stamps.reduce((most, stamp) => Math.max(most, stamp), -Infinity);
  let recordsBytes = 0;
  const records = messages.map(({ key, value, headers }, index) => {
    const record: Measured = {
      key,
      value,
      headers: headers === undefined ? [] : headerList(headers),
      timestampDelta: stamps[index]! - firstTimestamp,
      bodyBytes: 0,
    };
    record.bodyBytes = bodyBytesOf(record, index);
    recordsBytes += varIntBytes(record.bodyBytes) + record.bodyBytes;
    return record;
  });
  return { partition, firstSequence, firstTimestamp, maxTimestamp, records, recordsBytes };
}

function headerList(headers: NonNullable<ProducedMessage['headers']>): [string, Content][] {
  const list: [string, Content][] = [];
  for (const name of Object.keys(headers)) {
    const value = headers[name] as Content | readonly Content[];
    if (Array.isArray(value)) for (const each of value as readonly Content[]) list.push([name, each]);
    else list.push([name, value as Content]);
  }
  return list;
}

function bodyBytesOf({ key, value, headers, timestampDelta }: Measured, index: number): number {
  let bytes = 1 + varIntBytes(timestampDelta) + varIntBytes(index) + contentBytes(key) + contentBytes(value);
  bytes += varIntBytes(headers.length);
  for (const [name, content] of headers) bytes += contentBytes(name) + contentBytes(content);
  return bytes;
}

function writeBatch(
  body: Body,
  { firstSequence, firstTimestamp, maxTimestamp, records, recordsBytes }: MeasuredBatch,
  producer: { id: bigint; epoch: number; isTransactional: boolean },
): void {
  const start = body.at;
  body.int64(0n); // base offset: the broker's
  body.int32(BATCH_HEAD_BYTES - UNCOUNTED_BATCH_BYTES + recordsBytes);
  body.int32(0); // partition leader epoch: the broker's
  body.int8(MAGIC);
  body.int32(0); // the checksum, once the rest is there
  body.int16(producer.isTransactional ? TRANSACTIONAL : 0);
  body.int32(records.length - 1);
  body.int64(BigInt(firstTimestamp));
  body.int64(BigInt(maxTimestamp));
  body.int64(producer.id);
  body.int16(producer.epoch);
  body.int32(firstSequence);
  body.int32(records.length);
  for (const [index, record] of records.entries()) writeRecord(body, record, index);
  const checksum = crc32c(body.buffer, start + CHECKSUM_END, body.at);
  body.buffer.writeUInt32BE(checksum, start + CHECKSUM_END - 4);
}

function writeRecord(body: Body, { key, value, headers, timestampDelta, bodyBytes }: Measured, index: number): void {
  body.varInt(bodyBytes);
  body.int8(0);
  body.varInt(timestampDelta);
  body.varInt(index);
  body.content(key);
  body.content(value);
  body.varInt(headers.length);
  for (const [name, content] of headers) {
    body.content(name);
    body.content(content);
  }
}

/** With its length before it; nothing is written as length -1. */
function contentBytes(content: Content): number {
  if (content === null || content === undefined) return 1;
  const bytes = typeof content === 'string' ? Buffer.byteLength(content) : content.length;
  return varIntBytes(bytes) + bytes;
}

/** Zigzag: small negative numbers are short, too. Plain arithmetic, because differences of times are beyond 32 bits. */
function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

function varIntBytes(value: number): number {
  let bytes = 1;
  for (let rest = zigzag(value); rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes += 1;
  return bytes;
}

/** Writes one after the other into a buffer of known size. */
class Body {
  readonly buffer: Buffer;
  at = 0;

  constructor(bytes: number) {
    this.buffer = Buffer.allocUnsafe(bytes);
  }

  int8(value: number): void {
    this.at = this.buffer.writeInt8(value, this.at);
  }

  int16(value: number): void {
    this.at = this.buffer.writeInt16BE(value, this.at);
  }

  int32(value: number): void {
    this.at = this.buffer.writeInt32BE(value, this.at);
  }

  int64(value: bigint): void {
    this.at = this.buffer.writeBigInt64BE(value, this.at);
  }

  varInt(value: number): void {
    let rest = zigzag(value);
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.buffer[this.at++] = (rest % 0x80) | 0x80;
    this.buffer[this.at++] = rest;
  }

  /** A length of 16 bits before it; null is length -1. */
  text16(text: string | null): void {
    const lengthAt = this.at;
    this.at += 2;
    if (text !== null) this.at += this.buffer.write(text, this.at);
    this.buffer.writeInt16BE(text === null ? -1 : this.at - lengthAt - 2, lengthAt);
  }

  content(content: Content): void {
    if (content === null || content === undefined) return this.varInt(-1);
    if (typeof content === 'string') {
      this.varInt(Buffer.byteLength(content));
      this.at += this.buffer.write(content, this.at);
    } else {
      this.varInt(content.length);
      this.buffer.set(content, this.at);
      this.at += content.length;
    }
  }
}
