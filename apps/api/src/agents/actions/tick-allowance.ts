/** Agents remembered; beyond them the one that was entered first begins anew. */
const MOST_AGENTS = 100_000;

interface Spent {
  tick: number;
  requests: number;
}

/**
 * What agents may send from one tick to the next. Their world keeps all of it in memory until it ticks, and one that is
 * paused does not.
 */
export class TickAllowance {
  private readonly spent = new Map<string, Spent>();

  /** @param most requests of an agent in a tick; with every tick it may send as many again */
  constructor(private readonly most: number) {}

  /**
   * @param tick the agent's newest
   * @returns false where it has sent as many since that tick as it may
   */
  take(agentId: string, tick: number): boolean {
    const standing = this.spent.get(agentId);
    if (standing === undefined && this.spent.size >= MOST_AGENTS) this.spent.delete(this.spent.keys().next().value!);
    const spent = standing?.tick === tick ? standing : { tick, requests: 0 };
    this.spent.set(agentId, spent);
    if (spent.requests >= this.most) return false;
    spent.requests += 1;
    return true;
  }
}
