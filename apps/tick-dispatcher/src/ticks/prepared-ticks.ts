import { prepareTick, type MarketTick, type PreparedTick } from '@tickwire/contracts';

/** Ticks of a few worlds, each of which comes in a record per shard. */
const MOST_KEPT = 32;

/** The shared part of a tick, serialised once although it comes in the records of all shards. */
export class PreparedTicks {
  private readonly kept = new Map<string, PreparedTick>();

  of({ worldId, tick, closedAt, market, world, news }: MarketTick): PreparedTick {
    const key = `${worldId}:${tick}`;
    let prepared = this.kept.get(key);
    if (!prepared) {
      prepared = prepareTick({ tick, closedAt, market, world, news });
      if (this.kept.size >= MOST_KEPT) this.kept.delete(this.kept.keys().next().value!);
      this.kept.set(key, prepared);
    }
    return prepared;
  }
}
