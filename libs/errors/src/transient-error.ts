/**
 * Infrastructure failed (database, log, network): the outcome may be unknown, and the same call may succeed later.
 * Consumers retry the same input with backoff and never send it to the dead letters.
 */
export class TransientError extends Error {
  /** Tells code that wraps other libraries' errors apart without an import of this class. */
  readonly retriable = true;

  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
  }

  static is(error: unknown): error is TransientError {
    return error instanceof TransientError;
  }
}
