import { headerReferences, type AnswerHeader } from './answer-headers.js';
import { examples, type RouteExamples } from './examples.js';
import type { MediaType, Operation, Parameter, Response } from './openapi-types.js';
import { problemResponses, type RefusalCode } from './problem-answers.js';
import { ANY_SCHEME } from './security-schemes.js';
import type { DeclaredRoute } from './declared-routes.js';

/** What the code of a route cannot tell by itself. */
interface RouteDescription {
  operationId: string;
  summary: string;
  description: string;
  tag: string;
  /** Components of which its JSON body is one. */
  bodies: readonly string[];
  /** The component that answers with 202, and the headers that come with it. */
  answer: string;
  answerHeaders: readonly AnswerHeader[];
  parameters: readonly Parameter[];
  refusals: readonly RefusalCode[];
  examples: RouteExamples;
  /** The path holds the credential. */
  open?: true;
}

/** Of every route: from reading the request to keeping the answer. */
const ANY_ROUTE: readonly RefusalCode[] = [
  ...(['BAD_REQUEST', 'BAD_SIGNATURE', 'FORBIDDEN', 'TENANT_INACTIVE', 'QUARANTINED', 'REQUEST_TIMEOUT'] as const),
  ...(['IDEMPOTENCY_CONFLICT', 'IN_FLIGHT', 'BODY_TOO_LARGE', 'UNSUPPORTED_MEDIA', 'SCHEMA', 'RATE_LIMITED'] as const),
  ...(['HEADERS_TOO_LARGE', 'INTERNAL', 'LOG_UNAVAILABLE', 'UNAVAILABLE', 'SHUTTING_DOWN'] as const),
];
/** Of routes where a header proves the sender. */
const PROVEN_BY_HEADER: readonly RefusalCode[] = [
  ...(['MALFORMED_JSON', 'AMBIGUOUS_CREDENTIALS', 'UNAUTHENTICATED', 'STALE_TIMESTAMP', 'TENANT_MISMATCH'] as const),
];

const REQUEST_ID: Parameter = {
  name: 'X-Request-Id',
  in: 'header',
  description: 'Your name for the request. One in another form is replaced by ours.',
  schema: { type: 'string', pattern: '^[A-Za-z0-9_.:-]{1,64}$' },
};

const TRACEPARENT: Parameter = {
  name: 'traceparent',
  in: 'header',
  description: 'W3C Trace Context, handed on in every event about the signal.',
  schema: { type: 'string', maxLength: 55 },
};

const NONCES: readonly Parameter[] = [
  {
    name: 'webhook-id',
    in: 'header',
    description: 'With `webhook-signature`: the nonce.',
    schema: { type: 'string', pattern: '^[A-Za-z0-9_:-]{1,128}$' },
  },
  {
    name: 'webhook-timestamp',
    in: 'header',
    description: 'With `webhook-signature`: unix seconds of this attempt.',
    schema: { type: 'string', pattern: '^(0|[1-9][0-9]{0,11})$' },
  },
  {
    name: 'X-Timestamp',
    in: 'header',
    description: 'With `X-Signature`: unix seconds, or ISO 8601 with seconds and zone.',
    schema: { type: 'string', maxLength: 40 },
  },
  {
    name: 'X-Key-Id',
    in: 'header',
    description: 'With `X-Signature`: the id of the one signing secret that may have signed (`sec_…`).',
    schema: { type: 'string', maxLength: 64 },
  },
  {
    name: 'X-Bot-ID',
    in: 'header',
    description: 'With `X-Signature`: the bot whose secrets may have signed, beside its tenant’s.',
    schema: { type: 'string', maxLength: 64 },
  },
  {
    name: 'Idempotency-Key',
    in: 'header',
    description: 'With an API key or a JWT: the nonce.',
    schema: { type: 'string', pattern: '^[\\x21-\\x7e]{1,255}$' },
  },
];

const TOKEN: Parameter = {
  name: 'token',
  in: 'path',
  required: true,
  description:
    'The credential: `tw_alert_…`, made by `POST /api/v1/alert-tokens` for one bot on one account, and revocable. Whoever ' +
    'has the address can trade on that account.',
  schema: { type: 'string', minLength: 1, maxLength: 100 },
  example: 'tw_alert_3mVxkq8RrTz0JdYwN5uBsA1cFhGiLpKe',
};

const ONE_SIGNAL: readonly AnswerHeader[] = ['Location', 'IdempotencyReplayed', 'RateLimit', 'RateLimitPolicy'];

/** By the routes' names: `Controller.handler`. */
const DESCRIPTIONS: Record<string, RouteDescription> = {
  'SignalsController.receive': {
    operationId: 'sendSignal',
    summary: 'Send a signal',
    description:
      'Takes one signal in. 202 says that it is durable and will end in exactly one final event. The same request sent ' +
      'again, with its nonce or `signalId`, gets the same answer and trades once. A body that is authentic and no signal ' +
      'is refused field by field and recorded for the tenant.',
    tag: 'signals',
    bodies: ['SignalRequest'],
    answer: 'AcceptedSignal',
    answerHeaders: ONE_SIGNAL,
    parameters: [...NONCES, REQUEST_ID, TRACEPARENT],
    refusals: [...ANY_ROUTE, ...PROVEN_BY_HEADER, 'UNKNOWN_ACCOUNT'],
    examples: examples.signal,
  },
  'SignalsController.receiveBatch': {
    operationId: 'sendSignals',
    summary: 'Send up to 100 signals',
    description:
      'Takes signals in, each accepted or refused by itself: 202 with a result for each, also where all were refused. One ' +
      'nonce stands for the request, and each signal needs its `signalId`. Signals of one account are taken in the order ' +
      'they stand. A batch costs its length in limits.',
    tag: 'signals',
    bodies: ['BatchRequest'],
    answer: 'AcceptedBatch',
    answerHeaders: ['IdempotencyReplayed', 'RateLimit', 'RateLimitPolicy'],
    parameters: [...NONCES, REQUEST_ID, TRACEPARENT],
    refusals: [...ANY_ROUTE, ...PROVEN_BY_HEADER],
    examples: examples.batch,
  },
  'AlertsController.receive': {
    operationId: 'sendAlert',
    summary: 'Send an alert of a charting program',
    description:
      'For senders that cannot sign: TradingView, TradersPost, or our own form without ids. The address is the credential. ' +
      'The body is read as JSON whatever its content type says; plain text is refused with help. An answer comes within ' +
      '2.5 s.',
    tag: 'alerts',
    bodies: ['TradingViewAlert', 'TradersPostAlert'],
    answer: 'AcceptedSignal',
    answerHeaders: ONE_SIGNAL,
    parameters: [TOKEN, REQUEST_ID],
    refusals: [...ANY_ROUTE, 'NOT_FOUND', 'URI_TOO_LONG'],
    examples: examples.alert,
    open: true,
  },
};

/** @throws Error for a route that nobody has described: the document would be silent about it */
export function operationOf({ name, body }: DeclaredRoute): Operation {
  const description = DESCRIPTIONS[name];
  if (description === undefined) throw new Error(`${name} is a route and has no description for the OpenAPI document`);
  const { operationId, summary, tag, parameters, refusals, open } = description;
  return {
    operationId,
    summary,
    description: description.description,
    tags: [tag],
    security: open ? [] : ANY_SCHEME,
    parameters: [...parameters],
    requestBody: { required: true, content: requestContent(description, body) },
    responses: { '202': acceptedResponse(description), ...problemResponses(refusals) },
  };
}

/** @returns names of the routes that are described, and that controllers therefore have to declare */
export function describedRoutes(): string[] {
  return Object.keys(DESCRIPTIONS);
}

function requestContent({ bodies, examples: own }: RouteDescription, body: 'json' | 'any'): Record<string, MediaType> {
  const [first, ...others] = bodies.map((name) => ({ $ref: `#/components/schemas/${name}` }));
  const json: MediaType = {
    schema: others.length === 0 ? first! : { anyOf: [first, ...others] },
    examples: own.requests,
  };
  if (body === 'json') return { 'application/json': json };
  const text = 'A message that its sender does not call JSON. It has to be JSON all the same.';
  return { 'application/json': json, 'text/plain': { schema: { type: 'string', description: text } } };
}

function acceptedResponse({ answer, answerHeaders, examples: own }: RouteDescription): Response {
  return {
    description: 'In the log.',
    headers: headerReferences(['RequestId', ...answerHeaders]),
    content: {
      'application/json': { schema: { $ref: `#/components/schemas/${answer}` }, examples: own.answers },
    },
  };
}
