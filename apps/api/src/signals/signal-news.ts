/**
 * Wakes requests that wait for a signal, when this process projects something of it. Only a hint: another process may
 * own the signal's partition, so whoever waits looks into the database now and then as well.
 */
export class SignalNews {
  private readonly waiting = new Map<string, Set<() => void>>();
  private closed = false;

  tell(webhookIds: Iterable<string>): void {
    for (const webhookId of webhookIds) for (const wake of this.waiting.get(webhookId) ?? []) wake();
  }

  /** Resolves at the next news of the signal, after `timeoutMs`, or when the app stops. */
  async next(webhookId: string, timeoutMs: number): Promise<void> {
    if (this.closed || timeoutMs <= 0) return;
    const wakers = this.waiting.get(webhookId) ?? new Set<() => void>();
    this.waiting.set(webhookId, wakers);
    let wake: () => void = () => undefined;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
      wakers.add(wake);
    });
    wakers.delete(wake);
    if (wakers.size === 0) this.waiting.delete(webhookId);
  }

  /** Whether the app stops: nobody should begin to wait. */
  get over(): boolean {
    return this.closed;
  }

  /** Ends every wait, so that a stopping app need not sit it out. */
  close(): void {
    this.closed = true;
    for (const wakers of this.waiting.values()) for (const wake of wakers) wake();
  }
}
