import fc from 'fast-check';
import type { LogRecord } from '../port.js';
import { Tail } from './tail.js';

const record = (offset: number, partition = 0, bytes = 10): LogRecord => ({
  topic: 't',
  partition,
  offset,
  key: 'k',
  value: Buffer.alloc(bytes),
  headers: {},
  timestampMs: 0,
});
const from = (offset: number, partition = 0) => ({ topic: 't', partition, offset });
const offsets = (records: readonly LogRecord[] | undefined) => records?.map(({ offset }) => offset);

describe('the tail', () => {
  it('gives what was appended from a position on, up to the limit, partition by partition', () => {
    const tail = new Tail();
    tail.add([record(5), record(6), record(2, 1)]);
    tail.add([record(7)]);
    expect(offsets(tail.read(from(5), 10))).toEqual([5, 6, 7]);
    expect(offsets(tail.read(from(6), 1))).toEqual([6]);
    expect(offsets(tail.read(from(2, 1), 10))).toEqual([2]);
  });

  it('has nothing for a reader at the end, or of a partition that nobody here wrote to', () => {
    const tail = new Tail();
    tail.add([record(5)]);
    expect(tail.read(from(6), 10)).toEqual([]);
    expect(tail.read(from(0, 3), 10)).toEqual([]);
  });

  it('sends a reader to the table for what lies before it, also behind a gap', () => {
    const tail = new Tail();
    tail.add([record(5)]);
    expect(tail.read(from(4), 10)).toBeUndefined();
    tail.add([record(8)]); // 6 and 7 are somebody else's
    expect(tail.read(from(6), 10)).toBeUndefined();
    expect(offsets(tail.read(from(8), 10))).toEqual([8]);
  });

  it('can keep no more than where each partition ends', () => {
    const tail = new Tail();
    tail.addEnds([record(5), record(6), record(2, 1)]);
    tail.addEnds([record(4), record(3, 1)]);
    expect([tail.endOf('t', 0), tail.endOf('t', 1), tail.endOf('t', 2)]).toEqual([7, 4, 0]);
    expect(offsets(tail.read(from(6), 10))).toEqual([6]);
    expect(tail.read(from(5), 10)).toBeUndefined();
  });

  it('ignores records whose commit is heard of late', () => {
    const tail = new Tail();
    tail.add([record(7), record(8)]);
    tail.add([record(5), record(6)]);
    expect(tail.read(from(5), 10)).toBeUndefined();
    expect(offsets(tail.read(from(7), 10))).toEqual([7, 8]);
  });

  it('never gives a record that is not there, leaves one out or keeps more than it may', () => {
    const stretch = fc.record({ skip: fc.integer({ min: -3, max: 3 }), count: fc.integer({ min: 1, max: 20 }) });
    fc.assert(
      fc.property(
        fc.array(stretch, { maxLength: 30 }),
        fc.nat(200),
        fc.integer({ min: 1, max: 30 }),
        (all, at, limit) => {
          const tail = new Tail(3_000);
          const appended = new Set<number>();
          let next = 0;
          for (const { skip, count } of all) {
            const first = Math.max(0, next + skip);
            const records = Array.from({ length: count }, (_, index) => record(first + index));
            for (const { offset } of records) appended.add(offset);
            tail.add(records);
            next = Math.max(next, first + count);
          }
          const read = offsets(tail.read(from(at), limit));
          if (read === undefined) return;
          expect(read).toEqual(Array.from({ length: read.length }, (_, index) => at + index));
          expect(read.every((offset) => appended.has(offset))).toBe(true);
          // It stops only at the limit or at the end of what there is.
          if (read.length < limit && appended.size > 0) expect(at + read.length).toBeGreaterThanOrEqual(next);
        },
      ),
    );
    const small = new Tail(3_000);
    for (let offset = 0; offset < 1_000; offset += 1) small.add([record(offset)]);
    expect(small.read(from(980), 100)).toBeUndefined();
    expect(offsets(small.read(from(999), 100))).toEqual([999]);
  });
});
