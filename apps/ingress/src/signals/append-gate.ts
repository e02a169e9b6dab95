import { ProblemError } from '@tickwire/problem-details';

const RETRY_MS = 1_000;

/** Bounds the appends that wait for the log: a slow log is answered with refusals, not with memory. */
export class AppendGate {
  #inside = 0;

  constructor(private readonly limit: number) {}

  /**
   * @returns to be called once, when the append has ended
   * @throws ProblemError UNAVAILABLE when there is no room
   */
  enter(): () => void {
    if (this.#inside >= this.limit) {
      throw new ProblemError('UNAVAILABLE', 'Too many signals wait for the log. Send the same request again.', {
        retryAfterMs: RETRY_MS,
      });
    }
    this.#inside += 1;
    return () => void (this.#inside -= 1);
  }
}
