import type { Header, Reference } from './openapi-types.js';

const SECONDS = { type: 'string', pattern: '^[1-9][0-9]*$' };

/** Headers of answers, by their component's name. */
export const ANSWER_HEADERS = {
  RequestId: {
    description: "Names the request in the operator's log; as `requestId` in a problem. Yours, where you sent one.",
    schema: { type: 'string', maxLength: 64 },
    example: '5f2f7a52-6f0e-4a54-8d7c-0f2b6a1c9e11',
  },
  Location: {
    description: 'The `statusUrl` of the signal: absolute, and its own credential for 24 hours.',
    required: true,
    schema: { type: 'string', format: 'uri' },
  },
  IdempotencyReplayed: {
    description: '`true` where the request was answered before and this is the first answer again. Absent otherwise.',
    schema: { type: 'string', const: 'true' },
  },
  RateLimit: {
    description:
      'The tightest limit: its name, `r` the signals that may come now, `t` in how many seconds all of them may again.',
    schema: { type: 'string' },
    example: '"account";r=19;t=1',
  },
  RateLimitPolicy: {
    description: 'Each limit that the request counted for: `q` signals at once, all of them back `w` seconds later.',
    schema: { type: 'string' },
    example: '"tenant";q=200;w=12, "account";q=20;w=20',
  },
  RetryAfter: {
    description: 'In how many seconds the same request can succeed. Absent where it cannot as it is.',
    schema: SECONDS,
    example: '1',
  },
  AcceptEncoding: {
    description: 'Where the body was compressed: the only coding that is taken.',
    schema: { type: 'string', const: 'identity' },
  },
  WwwAuthenticate: { description: 'Always `Bearer`.', schema: { type: 'string', const: 'Bearer' } },
} as const satisfies Record<string, Header>;

export type AnswerHeader = keyof typeof ANSWER_HEADERS;

const FIELD_NAMES: Record<AnswerHeader, string> = {
  RequestId: 'X-Request-Id',
  Location: 'Location',
  IdempotencyReplayed: 'Idempotency-Replayed',
  RateLimit: 'RateLimit',
  RateLimitPolicy: 'RateLimit-Policy',
  RetryAfter: 'Retry-After',
  AcceptEncoding: 'Accept-Encoding',
  WwwAuthenticate: 'WWW-Authenticate',
};

/** References by the names that the headers have on the wire. */
export function headerReferences(names: readonly AnswerHeader[]): Record<string, Reference> {
  return Object.fromEntries(names.map((name) => [FIELD_NAMES[name], { $ref: `#/components/headers/${name}` }]));
}
