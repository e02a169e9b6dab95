import type { LogRecord, NewRecord } from '../port.js';
import { partitionOfKey } from '../partitioner.js';

/** One call of `log_append`: takes the offsets and inserts. Inside a transaction it has to be the last statement. */
export interface Append {
  text: string;
  values: unknown[];
  /** What is in the log once the statement is committed. @param rows what it was answered with */
  appended(rows: readonly object[]): LogRecord[];
}

const TEXT = 'SELECT log_append($1::text[], $2::int[], $3::text[], $4::int[], $5::bytea, $6::text[]) AS "appended"';
const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({});

interface Answer {
  appended: { at: number; first: [topic: string, partition: number, offset: number][] };
}

export function appendStatement(records: readonly NewRecord[], partitionCount: number): Append {
  const values = records.map(({ value }) => (typeof value === 'string' ? Buffer.from(value, 'utf8') : value));
  const partitions = records.map((record) => record.partition ?? partitionOfKey(record.key, partitionCount));
  return {
    text: TEXT,
    values: [
      records.map((record) => record.topic),
      partitions,
      records.map((record) => record.key),
      values.map((value) => value.length),
      // One string of bytes: an array of them would be sent as text, in hexadecimal.
      Buffer.concat(values),
      records.map((record) => (record.headers ? JSON.stringify(record.headers) : null)),
    ],
    appended(rows) {
      const { at, first } = (rows[0] as Answer).appended;
      const next = new Map(first.map(([topic, partition, offset]) => [`${topic}/${partition}`, offset]));
      return records.map(({ topic, key, headers }, index) => {
        const partition = partitions[index]!;
        const offset = next.get(`${topic}/${partition}`)!;
        next.set(`${topic}/${partition}`, offset + 1);
        return {
          topic,
          partition,
          offset,
          key,
          value: values[index]!,
          headers: headers ?? NO_HEADERS,
          timestampMs: at,
        };
      });
    },
  };
}
