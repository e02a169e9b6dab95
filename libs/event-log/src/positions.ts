import type { LogRecord, Position } from './port.js';

/** The position after the last record of each topic and partition. */
export function positionsAfter(records: readonly LogRecord[]): Position[] {
  const next = new Map<string, Position>();
  for (const { topic, partition, offset } of records) {
    next.set(`${topic}/${partition}`, { topic, partition, offset: offset + 1 });
  }
  return [...next.values()];
}
