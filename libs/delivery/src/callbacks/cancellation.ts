/** What a cancellation ends. */
export interface Cancellable {
  onCancelled(): void;
}

/**
 * Ends the attempts that it was given to, as `aborted`: an `AbortSignal` without its listeners, which cost several
 * microseconds an attempt. It takes any number of attempts at a time, one after another or side by side, and costs
 * nothing that counts for one. What has been cancelled stays so: no attempt with it begins.
 */
export class Cancellation {
  private isCancelled = false;
  private first: Cancellable | undefined;
  /** Only where several are under way at once. */
  private others: Set<Cancellable> | undefined;

  get cancelled(): boolean {
    return this.isCancelled;
  }

  /** Attempts under way have settled when this returns. */
  cancel(): void {
    this.isCancelled = true;
    this.first?.onCancelled();
    for (const other of this.others ?? []) other.onCancelled();
  }

  /** @internal for attempts */
  attach(attempt: Cancellable): void {
    if (this.first === undefined) this.first = attempt;
    else (this.others ??= new Set()).add(attempt);
  }

  /** @internal for attempts, which leave as they settle: what they hold is not kept for the length of a tick */
  detach(attempt: Cancellable): void {
    if (this.first === attempt) this.first = undefined;
    else this.others?.delete(attempt);
  }
}
