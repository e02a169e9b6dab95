import { DomainError } from '@tickwire/errors';
import type { ProblemCode } from './catalogue.js';
import type { FieldProblem } from './problem.js';

/** An answer that the edge itself gives: `throw new ProblemError('NOT_FOUND', 'No account acc_1')`. */
export class ProblemError extends DomainError {
  override readonly details?: Readonly<Record<string, unknown>>;
  readonly errors: readonly FieldProblem[];
  readonly retryAfterMs?: number;
  readonly headers: Readonly<Record<string, string>>;

  /**
   * @param options.errors the body's faults, field by field
   * @param options.retryAfterMs becomes `Retry-After`, rounded up to seconds
   * @param options.headers further headers of the answer
   * @param options.details facts for the caller, beside the standard members
   */
  constructor(
    readonly code: ProblemCode,
    detail: string,
    options: {
      errors?: readonly FieldProblem[];
      retryAfterMs?: number;
      headers?: Readonly<Record<string, string>>;
      details?: Readonly<Record<string, unknown>>;
    } = {},
  ) {
    super(detail);
    this.errors = options.errors ?? [];
    this.retryAfterMs = options.retryAfterMs;
    this.headers = options.headers ?? {};
    this.details = options.details;
  }
}
