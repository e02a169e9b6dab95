import type { LogRecord, NewRecord } from '../port.js';
import { partitionOfKey } from '../partitioner.js';

/** One call of `log_append`: takes the offsets and inserts. Inside a transaction it has to be the last statement. */
export interface Append {
  text: string;
  values: unknown[];
  /** What is in the log once the statement is committed. @param rows what it was answered with */
  appended(rows: readonly object[]): LogRecord[];
}

const TEXT = `SELECT log_append($1::text[], $2::int[], $3::int[], $4::int[], $5::int[], $6::int[], $7::text[], $8::text[], $9::bytea)
  AS "appended"`;
const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({});

interface Answer {
  /** `first` is the offset of each target's first record. */
  appended: { at: number; first: number[] };
}

/** A topic's partition that records go to. */
interface Target {
  topic: string;
  partition: number;
  /** Place in the statement's list of targets, from 0. */
  index: number;
  count: number;
}

/** @param records in the order in which each partition is to have them */
export function appendStatement(records: readonly NewRecord[], partitionCount: number): Append {
  const targets = new Targets();
  const targetOf: Target[] = [];
  /** How many records of the statement are before this one in its target. */
  const steps: number[] = [];
  const values: Buffer[] = [];
  // Left out where no record has any, as in nearly every append: it would be a list of NULLs.
  let headers: (string | null)[] | null = null;
  records.forEach((record, index) => {
    const target = targets.of(record.topic, record.partition ?? partitionOfKey(record.key, partitionCount));
    targetOf.push(target);
    steps.push(target.count++);
    values.push(typeof record.value === 'string' ? Buffer.from(record.value, 'utf8') : record.value);
    if (record.headers) {
      headers ??= new Array<string | null>(records.length).fill(null);
      headers[index] = JSON.stringify(record.headers);
    }
  });
  return {
    text: TEXT,
    values: [
      targets.all.map(({ topic }) => topic),
      targets.all.map(({ partition }) => partition),
      targets.all.map(({ count }) => count),
      targetOf.map(({ index }) => index + 1),
      steps,
      values.map((value) => value.length),
      records.map(({ key }) => key),
      headers,
      // One string of bytes; the lengths say where to cut it.
      Buffer.concat(values),
    ],
    appended(rows) {
      const { at, first } = (rows[0] as Answer).appended;
      return records.map(({ topic, key, headers }, index) => {
        const target = targetOf[index]!;
        return {
          topic,
          partition: target.partition,
          offset: first[target.index]! + steps[index]!,
          key,
          value: values[index]!,
          headers: headers ?? NO_HEADERS,
          timestampMs: at,
        };
      });
    },
  };
}

/** The targets of one statement, each once. */
class Targets {
  readonly all: Target[] = [];
  private readonly byTopic = new Map<string, Map<number, Target>>();

  of(topic: string, partition: number): Target {
    let ofTopic = this.byTopic.get(topic);
    if (!ofTopic) this.byTopic.set(topic, (ofTopic = new Map()));
    let target = ofTopic.get(partition);
    if (!target) {
      target = { topic, partition, index: this.all.length, count: 0 };
      this.all.push(target);
      ofTopic.set(partition, target);
    }
    return target;
  }
}
