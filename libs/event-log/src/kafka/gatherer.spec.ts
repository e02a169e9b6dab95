import fc from 'fast-check';
import type { LogRecord } from '../port.js';
import { type Fetched, Gatherer, type GathererLimits } from './gatherer.js';

const LIMITS: GathererLimits = { maxBatchRecords: 10, maxBufferedRecords: 40, maxBufferedBytes: 1_000_000 };

const record = (partition: number, offset: number, bytes = 1): LogRecord => ({
  topic: 't',
  partition,
  offset,
  key: 'k',
  value: Buffer.alloc(bytes),
  headers: {},
  timestampMs: 0,
});

/** A fetch that asked for `from` and found `offsets`, all of them records. */
const fetched = (partition: number, offsets: number[], from = offsets[0] ?? 0, bytes = 1): Fetched => ({
  topic: 't',
  partition,
  fetchedFrom: from,
  offsets,
  records: offsets.map((offset) => record(partition, offset, bytes)),
  end: (offsets.at(-1) ?? 0) + 1,
});

const gathererAt = (positions: Record<number, number>, limits = LIMITS) =>
  new Gatherer(
    'g',
    Object.entries(positions).map(([partition, offset]) => ({
      topic: 't',
      partition: Number(partition),
      offset,
      end: offset,
    })),
    limits,
  );

describe('Gatherer', () => {
  it('cuts a batch across partitions and says what comes next in each', () => {
    const gatherer = gathererAt({ 0: 5, 1: 0 });
    gatherer.offer(fetched(0, [5, 6]));
    gatherer.offer(fetched(1, [0]));
    const batch = gatherer.take()!;
    expect(batch.records.map(({ partition, offset }) => [partition, offset])).toEqual([
      [0, 5],
      [0, 6],
      [1, 0],
    ]);
    expect(batch.next).toEqual([
      { topic: 't', partition: 0, offset: 7 },
      { topic: 't', partition: 1, offset: 1 },
    ]);
  });

  it('has one batch out at a time, and gives later records only when it is done', () => {
    const gatherer = gathererAt({ 0: 0 });
    gatherer.offer(fetched(0, [0]));
    expect(gatherer.take()?.records).toHaveLength(1);
    gatherer.offer(fetched(0, [1]));
    expect(gatherer.take()).toBeUndefined();
    gatherer.done();
    expect(gatherer.take()?.records.map(({ offset }) => offset)).toEqual([1]);
  });

  it('skips records below the due offset, and takes the rest of the same fetch', () => {
    const gatherer = gathererAt({ 0: 2 });
    expect(gatherer.offer(fetched(0, [0, 1, 2, 3])).verdict).toBe('taken');
    expect(gatherer.take()!.records.map(({ offset }) => offset)).toEqual([2, 3]);
    expect(gatherer.dueOf('t', 0)).toBe(4);
  });

  it('tells a fetch for another position from a hole in the log', () => {
    const gatherer = gathererAt({ 0: 3 });
    expect(gatherer.offer(fetched(0, [7, 8], 7)).verdict).toBe('stale');
    expect(gatherer.offer(fetched(0, [3])).verdict).toBe('taken');
    const { verdict, error } = gatherer.offer(fetched(0, [7, 8], 4));
    expect(verdict).toBe('gap');
    expect(error!.at).toEqual({ group: 'g', topic: 't', partition: 0, offset: 4, start: 7, end: 9 });
    expect(gatherer.offer(fetched(0, [4])).verdict).toBe('foreign');
    expect(gatherer.dueOf('t', 0)).toBeUndefined();
  });

  it('finds a hole inside a fetch, and takes nothing of it', () => {
    const gatherer = gathererAt({ 0: 0 });
    expect(gatherer.offer(fetched(0, [0, 1, 3])).error?.at.offset).toBe(2);
    expect(gatherer.take()).toBeUndefined();
  });

  it('passes over offsets that are not records', () => {
    const gatherer = gathererAt({ 0: 0 });
    const markers = { ...fetched(0, [0, 1, 2]), records: [record(0, 1)] };
    expect(gatherer.offer(markers).verdict).toBe('taken');
    expect(gatherer.take()!.next).toEqual([{ topic: 't', partition: 0, offset: 2 }]);
    expect(gatherer.dueOf('t', 0)).toBe(3);
  });

  it('is full by number or by bytes, the batch that is out included, until that is done', () => {
    const byNumber = gathererAt({ 0: 0 }, { ...LIMITS, maxBatchRecords: 2, maxBufferedRecords: 2 });
    byNumber.offer(fetched(0, [0, 1]));
    byNumber.take();
    expect(byNumber.full()).toBe(true);
    byNumber.done();
    expect(byNumber.full()).toBe(false);

    const byBytes = gathererAt({ 0: 0 }, { ...LIMITS, maxBufferedBytes: 5_000 });
    byBytes.offer(fetched(0, [0], 0, 4_000));
    expect(byBytes.full()).toBe(false);
    byBytes.offer(fetched(0, [1], 1, 4_000));
    expect(byBytes.full()).toBe(true);
  });

  it('makes room for what a stopped partition had gathered, but not for what is out', () => {
    const gatherer = gathererAt({ 0: 0, 1: 0 }, { ...LIMITS, maxBatchRecords: 1, maxBufferedRecords: 2 });
    gatherer.offer(fetched(0, [0, 1]));
    expect(gatherer.take()!.records).toHaveLength(1);
    gatherer.stop('t', 0);
    expect(gatherer.full()).toBe(false);
    gatherer.done();
    expect(gatherer.take()).toBeUndefined();
    gatherer.offer(fetched(1, [0]));
    expect(gatherer.take()!.records).toHaveLength(1);
  });

  it('lets a busy partition fill a batch only as far as the others leave room', () => {
    const gatherer = gathererAt({ 0: 0, 1: 0, 2: 0 });
    gatherer.offer(
      fetched(
        0,
        Array.from({ length: 30 }, (_, offset) => offset),
      ),
    );
    gatherer.offer(fetched(1, [0]));
    gatherer.offer(fetched(2, [0, 1]));
    const sizes = new Map<number, number>();
    for (const { partition } of gatherer.take()!.records) sizes.set(partition, (sizes.get(partition) ?? 0) + 1);
    expect([...sizes].sort()).toEqual([
      [0, 7],
      [1, 1],
      [2, 2],
    ]);
  });

  it('hands every record on exactly once and in order, however fetches overlap', () => {
    const step = fc.record({
      partition: fc.nat(2),
      from: fc.nat(30),
      count: fc.integer({ min: 1, max: 12 }),
      take: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const gatherer = gathererAt({ 0: 0, 1: 0, 2: 0 });
        const given: Record<number, number[]> = { 0: [], 1: [], 2: [] };
        const drain = () => {
          for (const { partition, offset } of gatherer.take()?.records ?? []) given[partition]!.push(offset);
          gatherer.done();
        };
        for (const { partition, from, count, take } of steps) {
          gatherer.offer(
            fetched(
              partition,
              Array.from({ length: count }, (_, i) => from + i),
              from,
            ),
          );
          if (take) drain();
        }
        for (let i = 0; i < 100; i++) drain();
        for (const partition of [0, 1, 2]) {
          const due = gatherer.dueOf('t', partition)!;
          expect(given[partition]).toEqual(Array.from({ length: due }, (_, offset) => offset));
        }
      }),
    );
  });
});
