interface TakenTick {
  tick: number;
  ended: boolean;
}

/**
 * Which ticks a lane has taken, and how far they have ended and been stored. Ticks end out of order (one that is superseded
 * ends before the one in flight) and are settled in order.
 */
export class TakenTicks {
  private last: number;
  /** Every tick up to here has ended. */
  ended: number;
  /** Every tick up to here is in the database, or there was nothing to store. */
  stored: number;
  private open: TakenTick[] = [];
  private waiters: { tick: number; settled: () => void }[] = [];

  constructor(settledTick: number) {
    this.last = this.ended = this.stored = settledTick;
  }

  /**
   * @param settled called when the tick is stored, at once if it is
   * @returns false for a tick that was taken before
   */
  take(tick: number, settled: () => void): boolean {
    if (tick <= this.stored) {
      settled();
      return false;
    }
    this.waiters.push({ tick, settled });
    if (tick <= this.last) return false;
    this.last = tick;
    this.open.push({ tick, ended: false });
    return true;
  }

  /** Whether everything before is stored and nothing came after. */
  isOnlyOpen(tick: number): boolean {
    return this.stored === this.ended && this.open.length === 1 && this.open[0]!.tick === tick;
  }

  /** @returns up to where all have ended now */
  end(tick: number): number {
    for (const taken of this.open) if (taken.tick === tick) taken.ended = true;
    while (this.open[0]?.ended) this.ended = this.open.shift()!.tick;
    return this.ended;
  }

  storedUpTo(tick: number): void {
    if (tick <= this.stored) return;
    this.stored = tick;
    const settled = this.waiters.filter((waiter) => waiter.tick <= tick);
    this.waiters = this.waiters.filter((waiter) => waiter.tick > tick);
    for (const waiter of settled) waiter.settled();
  }
}
