import type { IncomingHttpHeaders } from 'node:http';
import { ProblemError } from '@tickwire/problem-details';

/** The sender's own; visible ASCII, so that it reads the same in every log and header. */
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;

/** @throws ProblemError BAD_REQUEST for one that cannot be used */
export function idempotencyKey(headers: IncomingHttpHeaders): string | undefined {
  const given = headers['idempotency-key'];
  if (given === undefined) return undefined;
  if (typeof given !== 'string' || !IDEMPOTENCY_KEY.test(given)) {
    throw new ProblemError('BAD_REQUEST', 'Idempotency-Key must be 1 to 255 visible ASCII characters.');
  }
  return given;
}
