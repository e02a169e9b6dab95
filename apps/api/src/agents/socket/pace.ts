/** Lets something through once in a while for each key. Remembers keys no longer than that. */
export class Pace {
  /** When each was let through, oldest first. */
  private readonly last = new Map<string, number>();

  constructor(private readonly intervalMs: number) {}

  /** Whether it may happen now; then it counts as done, unless `forget` is called. */
  allows(key: string, nowMs: number): boolean {
    for (const [old, atMs] of this.last) {
      if (nowMs - atMs < this.intervalMs) break;
      this.last.delete(old);
    }
    if (this.last.has(key)) return false;
    this.last.set(key, nowMs);
    return true;
  }

  forget(key: string): void {
    this.last.delete(key);
  }
}
