import { randomUUID } from 'node:crypto';
import type { BroadcastOptions, OwnedOptions, Position, Subscription } from '../port.js';
import { type LogContext, OwnedConsumer } from './owned-consumer.js';

/**
 * Reads everything: the only member of a group of its own, whose positions are kept here and never committed. The group is
 * deleted at the end; after a crash the broker forgets it by itself, because it has no offsets.
 */
export async function openBroadcast(context: LogContext, options: BroadcastOptions): Promise<Subscription> {
  const positions = new Map<string, Position>();
  const advance = (position: Position) => positions.set(`${position.topic}/${position.partition}`, position);
  // Fixed before the group is joined; a record that came earlier has a lower offset and is not read.
  for (const position of await firstPositions(context, options)) advance(position);
  const broadcast: OwnedOptions = {
    group: `${context.network.clientId}.broadcast.${randomUUID()}`,
    topics: options.topics,
    offsets: 'handler',
    assigned: async () => [...positions.values()],
    handle: async ({ records, next }) => {
      await options.handle(records);
      next.forEach(advance);
    },
  };
  return OwnedConsumer.open(context, broadcast, { isTemporary: true });
}

async function firstPositions({ admin }: LogContext, { topics, from }: BroadcastOptions): Promise<Position[]> {
  const bounds = await admin.bounds(topics);
  const stated = new Map(
    typeof from === 'string' ? [] : from.map(({ topic, partition, offset }) => [`${topic}/${partition}`, offset]),
  );
  return bounds.map(({ topic, partition, start, end }) => ({
    topic,
    partition,
    offset: from === 'beginning' ? start : (stated.get(`${topic}/${partition}`) ?? end),
  }));
}
