import { StateHash, type Digest } from '../world/state-hash.js';

/** Callbacks are sent in order, one at a time for each agent, so answers overtake each other by a tick or two at most. */
const REMEMBERED_TICKS = 16;
const REMEMBERED_CLIENT_IDS = 256;
const MAX_CLIENT_ID_LENGTH = 128;

/** Plain form for snapshots. */
export interface AnswerMemorySnapshot {
  forgottenTick: number;
  ticks: number[];
  clientIds: string[];
}

/**
 * What one agent has already answered, so that an answer delivered twice acts once. Callback answers are known by
 * their tick: the newest 16 answered ticks are remembered, and anything as old as what has been forgotten is refused.
 * Answers through the API are known by their client id, the last 256 of them.
 */
export class AnswerMemory {
  private forgottenTick = 0;
  /** Ascending. */
  private readonly ticks: number[] = [];
  /** Oldest first, each with its cached hash. */
  private readonly clientIds = new Map<string, Digest>();

  /** @returns whether this is the first answer to that tick. */
  firstToTick(tick: number): boolean {
    if (tick <= this.forgottenTick || this.ticks.includes(tick)) return false;
    let index = this.ticks.length;
    while (index > 0 && (this.ticks[index - 1] ?? 0) > tick) index -= 1;
    this.ticks.splice(index, 0, tick);
    if (this.ticks.length > REMEMBERED_TICKS) this.forgottenTick = this.ticks.shift() ?? this.forgottenTick;
    return true;
  }

  /** @returns whether this client id is new. One longer than 128 characters is never remembered and always new. */
  firstWithClientId(clientId: string): boolean {
    if (this.clientIds.has(clientId)) return false;
    if (clientId.length > MAX_CLIENT_ID_LENGTH) return true;
    this.remember(clientId);
    return true;
  }

  mixInto(hash: StateHash): void {
    hash.number(this.forgottenTick).number(this.ticks.length);
    for (const tick of this.ticks) hash.number(tick);
    hash.number(this.clientIds.size);
    for (const digest of this.clientIds.values()) hash.digest(digest);
  }

  snapshot(): AnswerMemorySnapshot {
    return { forgottenTick: this.forgottenTick, ticks: [...this.ticks], clientIds: [...this.clientIds.keys()] };
  }

  static restore(snapshot: AnswerMemorySnapshot): AnswerMemory {
    const memory = new AnswerMemory();
    memory.forgottenTick = snapshot.forgottenTick;
    memory.ticks.push(...snapshot.ticks);
    for (const clientId of snapshot.clientIds) memory.remember(clientId);
    return memory;
  }

  private remember(clientId: string): void {
    this.clientIds.set(clientId, new StateHash().text(clientId).finish());
    if (this.clientIds.size <= REMEMBERED_CLIENT_IDS) return;
    for (const oldest of this.clientIds.keys()) {
      this.clientIds.delete(oldest);
      break;
    }
  }
}
