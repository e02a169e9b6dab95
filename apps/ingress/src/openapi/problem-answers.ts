import { problem, PROBLEM_JSON, PROBLEMS, type ProblemCode, type ProblemInput } from '@tickwire/problem-details';
import { headerReferences, type AnswerHeader } from './answer-headers.js';
import type { Example, Reference, Response, Schema } from './openapi-types.js';

const REQUEST_ID = '5f2f7a52-6f0e-4a54-8d7c-0f2b6a1c9e11';

/** Every code with which this door refuses, and what it says beside the code: an example, in its own words. */
const REFUSALS = {
  BAD_REQUEST: { detail: 'Idempotency-Key must be 1 to 255 visible ASCII characters.' },
  MALFORMED_JSON: { detail: 'The body is not JSON' },
  AMBIGUOUS_CREDENTIALS: { detail: 'Send one credential, not several.' },
  UNAUTHENTICATED: {
    detail:
      'Sign the request (webhook-id, webhook-timestamp, webhook-signature; or a hex signature) or send an API key.',
  },
  BAD_SIGNATURE: { detail: 'The credential does not fit this request.' },
  STALE_TIMESTAMP: {
    detail: 'The clocks differ by 360000 ms; 300000 ms are accepted.',
    extra: { skewMs: 360_000, toleranceMs: 300_000 },
  },
  FORBIDDEN: { detail: 'The tenant does not accept the scheme api-key.', extra: { scheme: 'api-key' } },
  TENANT_MISMATCH: { detail: "The body's tenantId is not the credential's." },
  TENANT_INACTIVE: { detail: 'The tenant may not send signals now.' },
  QUARANTINED: {
    detail:
      'Until 2026-11-22T10:00:00.000Z, unless the tenant releases rst_01939d7a-3f66-7c52-9d0a-3c2f1a3b4c5d before.',
    extra: { restrictionId: 'rst_01939d7a-3f66-7c52-9d0a-3c2f1a3b4c5d', until: '2026-11-22T10:00:00.000Z' },
  },
  NOT_FOUND: {},
  UNKNOWN_ACCOUNT: { detail: 'The tenant has no account of this id or number.' },
  REQUEST_TIMEOUT: {},
  IDEMPOTENCY_CONFLICT: { detail: 'This nonce or signalId was used with another body.' },
  IN_FLIGHT: { detail: 'The same request is being handled; send it again later.' },
  BODY_TOO_LARGE: { detail: 'Request body is too large' },
  URI_TOO_LONG: {},
  UNSUPPORTED_MEDIA: { detail: 'Send application/json.' },
  SCHEMA: {
    detail: 'See errors; the request was recorded under webhookId.',
    errors: [
      { pointer: '/accountId', code: 'REQUIRED', detail: 'is required' },
      { pointer: '/quantitiy', code: 'UNKNOWN_FIELD', detail: 'is not a field of a signal' },
    ],
    extra: { webhookId: '6f1c5f0e-2a55-5c7e-9d44-1f5a0b1d2c3e' },
  },
  RATE_LIMITED: {
    detail: "The account's limit is used up; send the same request again later.",
    extra: { limit: 'account' },
  },
  HEADERS_TOO_LARGE: {},
  INTERNAL: { detail: 'Tell the operator the requestId of this answer.' },
  LOG_UNAVAILABLE: { detail: 'Send the same request again, with the same nonce.' },
  UNAVAILABLE: { detail: 'Send the same request again, with the same nonce.' },
  SHUTTING_DOWN: { detail: 'Send the same request again.' },
} as const satisfies Partial<Record<ProblemCode, Pick<ProblemInput, 'detail' | 'errors' | 'extra'>>>;

/** A code with which the door refuses. */
export type RefusalCode = keyof typeof REFUSALS;

/** Headers that a status may bring besides the request's id. */
const HEADERS_OF: Partial<Record<number, readonly AnswerHeader[]>> = {
  401: ['WwwAuthenticate'],
  409: ['RetryAfter'],
  415: ['AcceptEncoding'],
  429: ['RateLimit', 'RateLimitPolicy', 'RetryAfter'],
  503: ['RetryAfter'],
};

/** What a status asks of the sender, in a sentence. */
const MEANINGS: Partial<Record<number, string>> = {
  408: 'The request did not arrive whole within 10 s (its headers within 5 s). Nothing was taken in.',
  500: 'A fault of ours. Unknown whether the request was taken in: send it again, with the same nonce.',
  503: 'Not answered for now, and unknown whether it was taken in: send the same request again, with the same nonce.',
};

export const PROBLEM_SCHEMAS: Record<string, Schema> = {
  FieldProblem: {
    description: 'One fault of the body.',
    type: 'object',
    properties: {
      pointer: { type: 'string', description: 'Where: RFC 6901; empty for the whole body.' },
      code: { type: 'string', description: 'Stable.' },
      detail: { type: 'string', description: 'For people.' },
    },
    required: ['pointer', 'code', 'detail'],
  },
  Problem: {
    description:
      'RFC 9457. Match on `code`: it is stable; titles and details may change, and further members may appear.',
    type: 'object',
    properties: {
      type: { type: 'string', pattern: '^urn:tickwire:problem:[a-z0-9-]+$' },
      title: { type: 'string' },
      status: { type: 'integer', minimum: 400, maximum: 599 },
      code: { type: 'string', pattern: '^[A-Z][A-Z0-9_]*$' },
      detail: { type: 'string', description: 'What happened this time, for people.' },
      requestId: { type: 'string', description: 'To tell the operator.' },
      errors: { type: 'array', items: { $ref: '#/components/schemas/FieldProblem' } },
    },
    required: ['type', 'title', 'status', 'code'],
  },
};

/** One example for each refusal, by its code. */
export function problemExamples(): Record<string, Example> {
  const codes = Object.keys(REFUSALS) as RefusalCode[];
  return Object.fromEntries(
    codes.map((code) => [
      code,
      { summary: PROBLEMS[code].title, value: problem({ code, ...REFUSALS[code], requestId: REQUEST_ID }) },
    ]),
  );
}

/** The refusals of a route, by status, each with the codes that it may carry there. */
export function problemResponses(codes: readonly RefusalCode[]): Record<string, Response> {
  const byStatus = new Map<number, RefusalCode[]>();
  for (const code of codes) {
    const { status } = PROBLEMS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  const sorted = [...byStatus].sort(([one], [other]) => one - other);
  return Object.fromEntries(sorted.map(([status, own]) => [String(status), problemResponse(status, own)]));
}

function problemResponse(status: number, codes: readonly RefusalCode[]): Response {
  const titles = codes.map((code) => `\`${code}\`: ${PROBLEMS[code].title}.`);
  const examples = Object.fromEntries(
    codes.map((code): [string, Reference] => [code, { $ref: `#/components/examples/${code}` }]),
  );
  return {
    description: [MEANINGS[status], ...titles].filter((line) => line !== undefined).join(' '),
    headers: headerReferences(['RequestId', ...(HEADERS_OF[status] ?? [])]),
    content: {
      [PROBLEM_JSON]: {
        schema: {
          $ref: '#/components/schemas/Problem',
          properties: { status: { const: status }, code: { enum: codes } },
        },
        examples,
      },
    },
  };
}
