import { derivedId, marketTick, type EncodedEvent, type MarketTick } from '@tickwire/contracts';
import { tickRecords } from '@tickwire/execution';
import { partitionOfKey } from '@tickwire/event-log';
import { createWorld, type AgentAnswer, type World } from '@tickwire/market';

export const COMPANIES = 100;
export const SHARDS = 16;
/** What an agent holds once it has settled: from then on it sells its oldest position after each purchase. */
const POSITIONS = 4;
/** One agent in so many answers a tick. */
const ANSWERS_EVERY = 3;
/** Ticks before the first one given out: by then everyone has settled. */
const SETTLING_TICKS = POSITIONS * ANSWERS_EVERY;
/** Longer than any bench: the market never closes. */
const OPEN_TICKS = 1_000_000;
const STEP_MS = 1_000;
const FIRST_CLOSE_MS = Date.UTC(2026, 0, 5);

/** A tick as it goes on the log, but for its time. */
export interface ClosedTick {
  tick: number;
  /** A record per shard of agents, or several. */
  records: EncodedEvent[];
  /** What stands in the records for the moment at which it is published. */
  closedAt: string;
}

/** A simulated market whose agents hold a few positions and trade one in every third tick. The same ticks in every run. */
export class BenchWorld {
  readonly agentIds: readonly string[];
  /** Of each agent. */
  readonly shardOf: readonly number[];
  private readonly world: World;
  private tick = 0;
  private readonly symbols: readonly string[];

  constructor(
    readonly worldId: string,
    agents: number,
  ) {
    this.agentIds = Array.from({ length: agents }, (_, index) => derivedAgentId(worldId, index));
    this.shardOf = this.agentIds.map((agentId) => partitionOfKey(agentId, SHARDS));
    this.world = createWorld({ worldId, seed: 'ticks', companies: COMPANIES, shards: SHARDS, openTicks: OPEN_TICKS });
    this.symbols = this.world.companies().map(({ symbol }) => symbol);
    this.close(
      this.agentIds.map((agentId, index) => ({
        type: 'agent-registered',
        agentId,
        role: 'quant',
        name: `bench ${index}`,
      })),
    );
    for (let n = 0; n < SETTLING_TICKS; n += 1) this.close();
  }

  /** The tick that `next` begins with. */
  get nextTick(): number {
    return this.tick + 1;
  }

  /** Closes so many more ticks. Takes processor time, and memory for each: call it outside of what is measured. */
  next(count: number): ClosedTick[] {
    return Array.from({ length: count }, () => this.recordsOf(this.close()));
  }

  private close(controls: Parameters<World['step']>[0]['controls'] = []): ReturnType<World['step']> {
    const actions = controls.length > 0 ? [] : this.answers();
    this.tick += 1;
    return this.world.step({ closedAtMs: FIRST_CLOSE_MS + this.tick * STEP_MS, controls, actions });
  }

  private answers(): AgentAnswer[] {
    const answers: AgentAnswer[] = [];
    const { tick } = this;
    this.agentIds.forEach((agentId, index) => {
      if ((tick + index) % ANSWERS_EVERY !== 0) return;
      const turn = Math.floor((tick - 1) / ANSWERS_EVERY);
      answers.push({ agentId, tick, channel: 'callback', actions: [this.trade(index, turn)] });
    });
    return answers;
  }

  /** An agent's purchases are all of different companies, until it has bought of each. */
  private trade(index: number, turn: number): { type: string; payload: object } {
    const later = turn - POSITIONS;
    const sells = later >= 0 && later % 2 === 1;
    const nth = later < 0 ? turn : sells ? (later - 1) / 2 : POSITIONS + later / 2;
    const symbol = this.symbols[(index * 7 + nth * 13) % this.symbols.length]!;
    return { type: sells ? 'SELL' : 'BUY', payload: { symbol, quantity: 10, orderType: 'MARKET' } };
  }

  private recordsOf(result: ReturnType<World['step']>): ClosedTick {
    const { worldId } = this;
    const context = { worldId, shards: SHARDS, stepMs: STEP_MS, companies: this.world.companies() };
    return {
      tick: result.tick,
      records: tickRecords(result, context).filter(({ topic }) => topic === marketTick.topic),
      closedAt: new Date(result.closedAtMs).toISOString(),
    };
  }
}

/** The records that tell the agents of one shard. */
export function recordsOfShard(records: readonly EncodedEvent[], worldId: string, shard: number): EncodedEvent[] {
  const key = marketTick.key({ worldId, shard } as MarketTick);
  return records.filter((record) => record.key === key);
}

/** The tick as if it had been closed at this moment. */
export function closedAt({ records, closedAt: standIn }: ClosedTick, ms: number): EncodedEvent[] {
  const now = new Date(ms).toISOString();
  return records.map((record) => ({ ...record, value: record.value.replaceAll(standIn, now) }));
}

function derivedAgentId(worldId: string, index: number): string {
  return `agt_${derivedId(worldId, 'agent', index)}`;
}
