import { decodeEvent, marketTick, type EventEnvelope, type MarketTick } from '@tickwire/contracts';
import type { EventLog, LogRecord } from '@tickwire/event-log';
import type { LaneTick } from '../callbacks/tick-callback.js';
import type { PreparedTicks } from '../ticks/prepared-ticks.js';
import type { AgentCommand } from './agent-command.js';

/** How far back the log is searched. Records are up to 512 kB; most are passed over by their bytes alone. */
const MOST_RECORDS = 64;
const RECORDS_AT_ONCE = 8;

/** Finds an agent's newest tick on the log, for a process that has seen none of it since it began. */
export class NewestTicks {
  constructor(
    private readonly log: EventLog,
    private readonly prepared: PreparedTicks,
  ) {}

  /**
   * @returns undefined where the end of the log holds no tick of the agent
   * @throws whatever the log throws while it is away
   */
  async of({ worldId, shard, partition, agent }: AgentCommand): Promise<LaneTick | undefined> {
    const bounds = await this.log.bounds([marketTick.topic]);
    const { start, end } = bounds.find((each) => each.partition === partition) ?? { start: 0, end: 0 };
    const oldest = Math.max(start, end - MOST_RECORDS);
    for (let above = end; above > oldest;) {
      const offset = Math.max(oldest, above - RECORDS_AT_ONCE);
      const records = await this.log.read({ topic: marketTick.topic, partition, offset }, above - offset);
      for (const record of records.reverse()) {
        const event = tickFor(record, agent.id);
        const own = event?.data.agents.find(({ agentId }) => agentId === agent.id);
        if (!event || !own || event.data.worldId !== worldId || event.data.shard !== shard) continue;
        const { tick, closedAt } = event.data;
        return {
          worldId,
          shard,
          tick,
          prepared: this.prepared.of(event.data),
          own,
          agent,
          causeId: event.id,
          closedAtMs: Date.parse(closedAt),
        };
      }
      above = offset;
    }
    return undefined;
  }
}

/** @returns undefined for a record that cannot be about the agent, or is no event */
function tickFor({ topic, value }: LogRecord, agentId: string): EventEnvelope<MarketTick> | undefined {
  if (!value.includes(agentId)) return undefined;
  try {
    return decodeEvent(topic, value) as EventEnvelope<MarketTick>;
  } catch {
    return undefined;
  }
}
