import { HttpException } from '@nestjs/common';
import { DomainError, TransientError } from '@tickwire/errors';
import { codeOfStatus, isProblemCode } from './catalogue.js';
import type { FieldProblem, ProblemDetails } from './problem.js';
import { problem } from './problem.js';
import { ProblemError } from './problem-error.js';

export interface ProblemAnswer {
  body: ProblemDetails;
  /** Lower case names. */
  headers: Record<string, string>;
  /** A bug of ours: to be logged with its stack. */
  unexpected: boolean;
}

/** How long a caller should wait when a dependency is down and nobody knows better, ms. */
const TRANSIENT_RETRY_MS = 1_000;

/**
 * What a caller is told about an error. Refusals speak; faults of ours only give the request's id, and never a
 * message, a stack or a name of ours.
 */
export function problemAnswer(error: unknown, requestId: string): ProblemAnswer {
  if (error instanceof ProblemError) return ofProblemError(error, requestId);
  if (error instanceof DomainError) return ofDomainError(error, requestId);
  if (TransientError.is(error)) {
    const code = (error as { code?: unknown }).code === 'LOG_UNAVAILABLE' ? 'LOG_UNAVAILABLE' : 'UNAVAILABLE';
    return answer(
      problem({ code, detail: 'Send the same request again, with the same nonce.', requestId }),
      TRANSIENT_RETRY_MS,
    );
  }
  const httpError = asHttpError(error);
  if (httpError !== undefined) return ofHttpError(httpError, requestId);
  const body = problem({ code: 'INTERNAL', detail: 'Tell the operator the requestId of this answer.', requestId });
  return { ...answer(body), unexpected: true };
}

function ofProblemError(error: ProblemError, requestId: string): ProblemAnswer {
  const body = problem({
    code: error.code,
    detail: error.message,
    errors: error.errors,
    requestId,
    extra: error.details,
  });
  const built = answer(body, error.retryAfterMs);
  for (const [name, value] of Object.entries(error.headers)) built.headers[name.toLowerCase()] = value;
  return built;
}

/** `details.errors` and `details.retryAfterMs` have their own place in an answer; other details stand beside the standard members. */
function ofDomainError(error: DomainError, requestId: string): ProblemAnswer {
  const { errors, retryAfterMs, ...extra } = error.details ?? {};
  const body = problem({
    code: error.code,
    detail: error.message,
    errors: areFieldProblems(errors) ? errors : undefined,
    requestId,
    extra,
  });
  return answer(body, typeof retryAfterMs === 'number' ? retryAfterMs : undefined);
}

interface HttpError {
  status: number;
  message: string;
  /** What was given to the constructor of Nest's exception. */
  response?: unknown;
}

/** Nest's exceptions, and Fastify's own errors (which carry a `statusCode` and a code of the form FST_…). */
function asHttpError(error: unknown): HttpError | undefined {
  if (error instanceof HttpException) {
    return { status: error.getStatus(), message: error.message, response: error.getResponse() };
  }
  const { statusCode, code, message } = (error ?? {}) as { statusCode?: unknown; code?: unknown; message?: unknown };
  if (typeof statusCode !== 'number' || statusCode < 400 || statusCode > 599) return undefined;
  if (typeof code !== 'string' || !code.startsWith('FST_')) return undefined;
  return { status: statusCode, message: String(message) };
}

function ofHttpError(error: HttpError, requestId: string): ProblemAnswer {
  const given =
    typeof error.response === 'object' && error.response !== null ? (error.response as Record<string, unknown>) : {};
  const code = isProblemCode(given['code']) ? given['code'] : codeOfStatus(error.status);
  const ours = error.status >= 500;
  const body = problem({
    code,
    status: error.status,
    // A framework's message on a fault of ours may tell too much; the titles say enough.
    detail: ours ? undefined : error.message,
    errors: fieldProblems(given),
    requestId,
  });
  return { ...answer(body, error.status === 503 ? TRANSIENT_RETRY_MS : undefined), unexpected: error.status === 500 };
}

/** Nest's validation pipe gives its sentences as `message: string[]`. */
function fieldProblems(given: Record<string, unknown>): FieldProblem[] | undefined {
  if (areFieldProblems(given['errors'])) return given['errors'];
  const { message } = given;
  if (!Array.isArray(message)) return undefined;
  return message.map((detail) => ({ pointer: '', code: 'SCHEMA', detail: String(detail) }));
}

function areFieldProblems(value: unknown): value is FieldProblem[] {
  return Array.isArray(value) && value.every((item) => typeof (item as FieldProblem | null)?.pointer === 'string');
}

function answer(body: ProblemDetails, retryAfterMs?: number): ProblemAnswer {
  const headers: Record<string, string> = {};
  if (retryAfterMs !== undefined) headers['retry-after'] = String(Math.max(1, Math.ceil(retryAfterMs / 1000)));
  if (body.status === 401) headers['www-authenticate'] = 'Bearer';
  return { body, headers, unexpected: false };
}
