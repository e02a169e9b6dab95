import type { Position } from '@tickwire/event-log';
import { OpenRecords } from './open-records.js';

const at = (offset: number, partition = 0) => ({ topic: 'market.tick', partition, offset });

describe('open records', () => {
  let settled: Position[];
  let records: OpenRecords;
  beforeEach(() => {
    settled = [];
    records = new OpenRecords((position) => settled.push(position));
  });
  const offsets = (): number[] => settled.map(({ offset }) => offset);

  it('are settled in order although their callbacks end in any', () => {
    const [first, second, third] = [5, 6, 7].map((offset) => records.open(at(offset), 1));
    records.seen([at(8)]);
    second!();
    third!();
    expect(offsets()).toEqual([]);
    first!();
    expect(offsets()).toEqual([8]);
  });

  it('are done when every part has ended', () => {
    const end = records.open(at(5), 2);
    end();
    expect(offsets()).toEqual([]);
    end();
    end();
    expect(offsets()).toEqual([6]);
  });

  it('let records pass that have no parts, or are none of ours', () => {
    records.seen([at(3)]);
    records.open(at(4), 0);
    records.seen([at(9)]);
    expect(offsets()).toEqual([3, 9]);
  });

  it('do not settle past an open record what was seen behind it', () => {
    const end = records.open(at(5), 1);
    records.seen([at(20)]);
    expect(offsets()).toEqual([]);
    end();
    expect(offsets()).toEqual([20]);
  });

  it('begin anew when a batch comes again: ends of the first time count for nothing', () => {
    const stale = records.open(at(5), 1);
    const end = records.open(at(5), 1);
    records.seen([at(6)]);
    stale();
    expect(offsets()).toEqual([]);
    end();
    expect(offsets()).toEqual([6]);
  });

  it('settle nothing of partitions that were given up, also when they have come back', () => {
    const end = records.open(at(5), 1);
    const other = records.open(at(5, 1), 1);
    records.drop([0]);
    records.open(at(5), 1);
    end();
    other();
    expect(settled).toEqual([at(6, 1)]);
  });
});
