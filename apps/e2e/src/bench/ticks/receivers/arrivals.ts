/** Which callbacks are awaited. Agents are known by their index, ticks by their distance from the first. */
export interface Expected {
  agents: number;
  /** The shard of each agent, where what a tick has reached is counted shard by shard. */
  shardOf?: readonly number[];
  firstTick: number;
  ticks: number;
}

/** What arrived, by `agent * ticks + (tick - firstTick)`; NaN where nothing did. Plain data: it crosses a process boundary. */
export interface Arrived extends Expected {
  /** When the head of the first request was there, wall clock ms. */
  receivedAtMs: Float64Array;
  /** What the body says about when it was composed, wall clock ms. */
  sentAtMs: Float64Array;
  /** Requests beyond the first for the same callback: retries, or requests sent again on a fresh connection. */
  repeated: number;
}

/** Keeps the arrivals of one stretch in arrays made beforehand. */
export class Arrivals {
  readonly receivedAtMs: Float64Array;
  readonly sentAtMs: Float64Array;
  repeated = 0;
  private readonly shards: number;
  /** By tick and shard. */
  private readonly reachedBy: Int32Array;

  /** @param counts whether an agent is among those that `reached` is about */
  constructor(
    readonly expected: Expected,
    private readonly counts: (agent: number) => boolean = () => true,
  ) {
    const { agents, shardOf = [], ticks } = expected;
    this.receivedAtMs = new Float64Array(agents * ticks).fill(NaN);
    this.sentAtMs = new Float64Array(agents * ticks).fill(NaN);
    this.shards = shardOf.reduce((most, shard) => Math.max(most, shard), 0) + 1;
    this.reachedBy = new Int32Array(ticks * this.shards);
  }

  /** @returns the callback's place; -1 for one of another stretch, and for one that has arrived before */
  take(agent: number, tick: number, atMs: number): number {
    const { agents, shardOf, firstTick, ticks } = this.expected;
    const nth = tick - firstTick;
    if (!(nth >= 0 && nth < ticks && agent >= 0 && agent < agents)) return -1;
    const place = agent * ticks + nth;
    if (!Number.isNaN(this.receivedAtMs[place]!)) {
      this.repeated += 1;
      return -1;
    }
    this.receivedAtMs[place] = atMs;
    if (this.counts(agent)) this.reachedBy[nth * this.shards + (shardOf?.[agent] ?? 0)]! += 1;
    return place;
  }

  /** How many of the agents that count a tick has reached. @param shard of these agents, where shards are told apart */
  reached(tick: number, shard = 0): number {
    return this.reachedBy[(tick - this.expected.firstTick) * this.shards + shard] ?? 0;
  }

  toData(): Arrived {
    const { expected, receivedAtMs, sentAtMs, repeated } = this;
    return { ...expected, receivedAtMs, sentAtMs, repeated };
  }
}
