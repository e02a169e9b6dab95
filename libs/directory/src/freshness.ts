/** No heartbeat on some partition for this long: what changed may have been missed. */
export const STALE_AFTER_MS = 2_000;

/** Whether `config.changed` is being heard on every partition: only then may a cache be believed. */
export class Freshness {
  private readonly heardAt: number[];

  constructor(
    partitionCount: number,
    /** Monotonic, ms. */
    private readonly now: () => number = () => performance.now(),
  ) {
    this.heardAt = new Array<number>(partitionCount).fill(-Infinity);
  }

  heard(partition: number): void {
    this.heardAt[partition] = this.now();
  }

  fresh(): boolean {
    const oldest = this.now() - STALE_AFTER_MS;
    return this.heardAt.every((at) => at >= oldest);
  }
}
