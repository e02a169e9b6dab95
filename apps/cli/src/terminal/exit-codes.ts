/** Done, and the answer is a good one. */
export const EXIT_OK = 0;
/** It was tried and did not succeed: refused, unreachable, or not finished in time. */
export const EXIT_FAILED = 1;
/** The command line, the environment or a file named there is not usable; nothing was sent. */
export const EXIT_USAGE = 2;

/** Something on the command line, in the environment or in a file named there has to be changed first. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The command was tried and did not succeed. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';

  /**
   * @param code upper snake case: the server's own, or UNREACHABLE, NOT_FINAL, UNEXPECTED_ANSWER
   * @param facts more members of the JSON output's `error`
   */
  constructor(
    readonly code: string,
    message: string,
    readonly facts: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
  }
}
