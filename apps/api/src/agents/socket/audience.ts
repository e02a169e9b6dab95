import {
  agentDelivery,
  composeTickBody,
  decodeEvent,
  InvalidEvent,
  marketTick,
  prepareTick,
  type AgentDelivery,
  type MarketTick,
  type PreparedTick,
} from '@tickwire/contracts';
import type { LogRecord, LogSink } from '@tickwire/event-log';
import type { AgentSocket, AttachedAgent } from './agent-socket.js';
import { encodeDelivery, encodeTick } from './frames.js';

export const WATCHED_TOPICS: readonly string[] = [marketTick.topic, agentDelivery.topic];

/**
 * Open sockets, found by what the log's records are keyed by: only records of shards and agents that somebody watches are
 * decoded, and of a tick only the bodies of those agents are composed.
 */
export class Audience {
  private readonly byAgent = new Map<string, Set<AgentSocket>>();
  /** Sockets of each shard's key. */
  private readonly byShard = new Map<string, Set<AgentSocket>>();
  /** The newest tick of each world: it comes in a record per shard. */
  private readonly prepared = new Map<string, PreparedTick>();

  constructor(
    private readonly now: () => number,
    private readonly sink: LogSink,
  ) {}

  add(socket: AgentSocket): void {
    addTo(this.byAgent, socket.agent.agentId, socket);
    addTo(this.byShard, shardKey(socket.agent), socket);
  }

  remove(socket: AgentSocket): void {
    removeFrom(this.byAgent, socket.agent.agentId, socket);
    removeFrom(this.byShard, shardKey(socket.agent), socket);
    if (this.byAgent.size === 0) this.prepared.clear();
  }

  /** What is no event of its topic is left out: the projection's consumer sends it to the dead letters. */
  tell(records: readonly LogRecord[]): void {
    for (const record of records) {
      if (!this.isWatched(record)) continue;
      try {
        const { type, data } = decodeEvent(record.topic, record.value);
        if (type === marketTick.type) this.tellTick(data as MarketTick);
        else if (type === agentDelivery.type) this.tellDelivery(data as AgentDelivery);
      } catch (error) {
        if (error instanceof InvalidEvent) continue;
        // Thrown, it would bring the same records again, to everybody.
        const { topic, partition, offset } = record;
        this.sink.error({ topic, partition, offset, err: error }, 'a record could not be told to those who watch');
      }
    }
  }

  private isWatched({ topic, key }: LogRecord): boolean {
    return topic === marketTick.topic ? this.byShard.has(key) : this.byAgent.has(key);
  }

  private tellTick(tick: MarketTick): void {
    for (const own of tick.agents) {
      const sockets = this.byAgent.get(own.agentId);
      if (sockets === undefined) continue;
      const { body } = composeTickBody(this.preparedOf(tick), own, [], new Date(this.now()).toISOString());
      const frame = encodeTick(tick.tick, body);
      for (const socket of sockets) socket.send('tick', frame);
    }
  }

  private tellDelivery(delivery: AgentDelivery): void {
    const sockets = this.byAgent.get(delivery.agentId);
    if (sockets === undefined) return;
    const frame = encodeDelivery(delivery);
    for (const socket of sockets) socket.send('delivery', frame);
  }

  private preparedOf({ worldId, tick, closedAt, market, world, news }: MarketTick): PreparedTick {
    const known = this.prepared.get(worldId);
    // A world that was set back may close a tick of the same number again.
    if (known?.shared.tick === tick && known.shared.closedAt === closedAt) return known;
    const prepared = prepareTick({ tick, closedAt, market, world, news });
    this.prepared.set(worldId, prepared);
    return prepared;
  }
}

function shardKey({ worldId, shard }: AttachedAgent): string {
  return `${worldId}:${shard}`;
}

function addTo<T>(sets: Map<string, Set<T>>, key: string, value: T): void {
  const set = sets.get(key) ?? new Set<T>();
  sets.set(key, set.add(value));
}

function removeFrom<T>(sets: Map<string, Set<T>>, key: string, value: T): void {
  const set = sets.get(key);
  if (set?.delete(value) && set.size === 0) sets.delete(key);
}
