export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits 100 ms, then twice as long each time, at most 5 s; each +-20 %, so that members do not come back together. */
export class Backoff {
  private nextMs = 100;

  /** @param given up as soon as it returns true */
  async wait(stopped: () => boolean = () => false): Promise<void> {
    const until = performance.now() + this.nextMs * (0.8 + 0.4 * Math.random());
    this.nextMs = Math.min(this.nextMs * 2, 5_000);
    while (performance.now() < until && !stopped()) await sleep(Math.min(50, Math.max(1, until - performance.now())));
  }
}
