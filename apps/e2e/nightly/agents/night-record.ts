/** What one night left behind, from all who wrote something down. Times are ms since the epoch, of one machine's clock. */
export interface NightRecord {
  worldId: string;
  /** The last one of the world. */
  lastTick: number;
  kills: readonly Kill[];
  /** When a dispatcher was told which partitions it has, ascending. All gave theirs up shortly before. */
  handovers: readonly number[];
  agents: ReadonlyMap<string, AgentNight>;
}

/** Of a dispatcher. */
export interface Kill {
  atMs: number;
  victim: number;
}

export interface AgentNight {
  shard: number;
  /** The receivers', in the order in which they came. */
  arrivals: readonly Arrival[];
  /** Of `agent.delivery`, in the log's order. */
  ends: readonly End[];
  /** How many records of `agent.actions` there are for each tick that was answered. */
  answers: ReadonlyMap<number, number>;
  /** Of `market.tick`: the ids of the results that an answer had, by the tick that it answered. */
  results: ReadonlyMap<number, readonly string[]>;
  /** Of `market.tick`: the first tick that the agent was part of. */
  firstTick: number;
  /** What the database was seen to hold as settled, whenever it had changed. Ascending in both. */
  settledSeen: readonly SettledSeen[];
  /** Of the database at the end: ids of items that wait for a callback that takes them. */
  carried: ReadonlySet<string>;
}

/** An attempt of a callback, as its receiver saw it. */
export interface Arrival {
  atMs: number;
  /** Of the body: when the dispatcher made it, before the first attempt. */
  composedAtMs: number;
  tick: number;
  /** From 1. */
  attempt: number;
  deliveryId: string;
  /** Whether it was answered 2xx at once. */
  taken: boolean;
  /** Results of traced answers in the body. */
  results: readonly { answeredTick: number; resultId: string }[];
}

/** A record of `agent.delivery`. */
export interface End {
  tick: number;
  outcome: string;
  /** Actions that were taken from the answer. */
  actions: number;
  /** Just before the record was appended. */
  atMs: number;
}

export interface SettledSeen {
  /** When the answer to the question had come: it was settled before. */
  atMs: number;
  tick: number;
}
