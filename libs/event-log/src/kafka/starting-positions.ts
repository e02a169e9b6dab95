import type { ExpiredRecords } from '../expired-records.js';
import { PositionOutOfLog } from '../log-errors.js';
import type { PartitionBounds, Position } from '../port.js';

/**
 * Fixes where each owned partition begins: what was kept, or the start of the log; and finds what lies outside the log.
 * `aged`: positions, among `inside` too, that the log's start has overtaken where that does no harm.
 */
export function startingPositions(
  kept: readonly Position[],
  bounds: readonly PartitionBounds[],
  { group, partitions, expired }: { group: string; partitions: readonly number[]; expired: ExpiredRecords },
) {
  const offsets = new Map(kept.map(({ topic, partition, offset }) => [`${topic}/${partition}`, offset]));
  const inside: (Position & { end: number })[] = [];
  const aged: (Position & { start: number })[] = [];
  const outside: PositionOutOfLog[] = [];
  for (const bound of bounds) {
    const { topic, partition, start, end } = bound;
    if (!partitions.includes(partition)) continue;
    const offset = offsets.get(`${topic}/${partition}`) ?? start;
    if (expired.excuse(offset, bound)) {
      aged.push({ topic, partition, offset, start });
      inside.push({ topic, partition, offset: start, end });
    } else if (offset < start || offset > end) {
      outside.push(new PositionOutOfLog({ group, topic, partition, offset, start, end }));
    } else inside.push({ topic, partition, offset, end });
  }
  return { inside, aged, outside };
}
