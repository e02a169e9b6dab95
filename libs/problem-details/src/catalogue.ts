export interface ProblemKind {
  status: number;
  /** The same for every occurrence; what happened this time is the detail. */
  title: string;
}

/**
 * Every code that an HTTP answer of ours may carry. Codes are stable, callers match on them; titles may change.
 * Domain errors with other codes are refusals (422) all the same.
 */
export const PROBLEMS = {
  // The request itself
  BAD_REQUEST: { status: 400, title: 'The request is not usable' },
  MALFORMED_JSON: { status: 400, title: 'The body is not JSON' },
  AMBIGUOUS_CREDENTIALS: { status: 400, title: 'More than one credential was sent' },
  NOT_FOUND: { status: 404, title: 'There is nothing here' },
  METHOD_NOT_ALLOWED: { status: 405, title: 'This method is not offered here' },
  NOT_ACCEPTABLE: { status: 406, title: 'The answer is not available in an accepted form' },
  REQUEST_TIMEOUT: { status: 408, title: 'The request did not arrive in time' },
  CONFLICT: { status: 409, title: 'The request conflicts with the present state' },
  GONE: { status: 410, title: 'This is no longer available' },
  PRECONDITION_FAILED: { status: 412, title: 'A precondition of the request does not hold' },
  BODY_TOO_LARGE: { status: 413, title: 'The body is too large' },
  URI_TOO_LONG: { status: 414, title: 'The address is too long' },
  UNSUPPORTED_MEDIA: { status: 415, title: 'The body has a form that is not accepted here' },
  SCHEMA: { status: 422, title: 'The body does not fit its schema' },
  HEADERS_TOO_LARGE: { status: 431, title: 'The headers are too large' },

  // Who is asking. An unknown tenant and a wrong signature get the same code in the same time.
  UNAUTHENTICATED: { status: 401, title: 'No valid credential was sent' },
  BAD_SIGNATURE: { status: 401, title: 'The request could not be authenticated' },
  STALE_TIMESTAMP: { status: 401, title: 'The timestamp is outside the accepted window' },
  FORBIDDEN: { status: 403, title: 'The credential does not allow this' },
  QUARANTINED: { status: 403, title: 'The sender is shut out for now' },
  TENANT_MISMATCH: { status: 403, title: 'The credential belongs to another tenant than the body names' },

  // Again, or too often
  REPLAYED_NONCE: { status: 409, title: 'This nonce was used before' },
  IDEMPOTENCY_CONFLICT: { status: 409, title: 'This nonce was used before with another body' },
  IN_FLIGHT: { status: 409, title: 'The same request is being handled' },
  ALREADY_FINAL: { status: 409, title: 'The signal has had its final event' },
  RATE_LIMITED: { status: 429, title: 'Too many requests' },

  // Refused on the merits
  UNPARSABLE: { status: 422, title: 'The signal cannot be read' },
  UNKNOWN_ACCOUNT: { status: 404, title: 'There is no such account' },
  ACCOUNT_INACTIVE: { status: 422, title: 'The account is not active' },
  TENANT_INACTIVE: { status: 403, title: 'The tenant is not active' },
  BOT_INACTIVE: { status: 422, title: 'The bot is not active' },
  UNKNOWN_SYMBOL: { status: 422, title: 'There is no such instrument' },
  MARKET_CLOSED: { status: 422, title: 'The market is closed or halted' },
  LIMIT_EXCEEDED: { status: 422, title: 'A limit would be exceeded' },
  TOO_LATE: { status: 422, title: 'It is too late for this' },
  UNKNOWN_ORDER: { status: 404, title: 'There is no such order' },
  DUPLICATE: { status: 409, title: 'This was sent before' },
  STALE_SIGNAL: { status: 422, title: 'The signal is too old for its bot' },
  STALE_QUOTE: { status: 422, title: 'No fresh quote arrived in time' },
  UNSUPPORTED: { status: 422, title: 'This combination is not supported' },
  INVALID_QUANTITY: { status: 422, title: 'The quantity is not possible' },
  PRICE_BAND: { status: 422, title: 'The price is outside the allowed band' },
  INVALID_PRICE_INCREMENT: { status: 422, title: 'The price is not a multiple of the price step' },
  INSUFFICIENT_FUNDS: { status: 422, title: 'The account cannot afford this' },
  MARGIN: { status: 422, title: 'The account has not enough margin' },
  NOT_SHORTABLE: { status: 422, title: 'The instrument cannot be sold short' },
  SELF_TRADE: { status: 422, title: 'The order would trade with its own owner' },
  FOK_NOT_FILLABLE: { status: 422, title: 'The order cannot be filled at once and whole' },
  POST_ONLY_WOULD_CROSS: { status: 422, title: 'The order would take instead of make' },

  // Our side
  INTERNAL: { status: 500, title: 'Something went wrong on our side' },
  NOT_IMPLEMENTED: { status: 501, title: 'This is not offered' },
  LOG_UNAVAILABLE: { status: 503, title: 'The outcome is unknown: send the same request again' },
  UNAVAILABLE: { status: 503, title: 'A dependency is not available' },
  SHUTTING_DOWN: { status: 503, title: 'This instance is shutting down' },
} as const satisfies Record<string, ProblemKind>;

export type ProblemCode = keyof typeof PROBLEMS;

/** Any code, known or not: account rules (`RULE_…`) and refusals without an entry are 422. */
export function problemKind(code: string): ProblemKind {
  if (isProblemCode(code)) return PROBLEMS[code];
  if (code.startsWith('RULE_')) return { status: 422, title: 'A rule of the account forbids this' };
  return { status: 422, title: 'The request was refused' };
}

export function isProblemCode(code: unknown): code is ProblemCode {
  return typeof code === 'string' && Object.hasOwn(PROBLEMS, code);
}

/** The code for a bare HTTP status, as a framework or a proxy gives it. */
export function codeOfStatus(status: number): ProblemCode {
  switch (status) {
    case 401:
      return 'UNAUTHENTICATED';
    case 403:
      return 'FORBIDDEN';
    case 404:
      return 'NOT_FOUND';
    case 405:
      return 'METHOD_NOT_ALLOWED';
    case 406:
      return 'NOT_ACCEPTABLE';
    case 408:
      return 'REQUEST_TIMEOUT';
    case 409:
      return 'CONFLICT';
    case 410:
      return 'GONE';
    case 412:
      return 'PRECONDITION_FAILED';
    case 413:
      return 'BODY_TOO_LARGE';
    case 414:
      return 'URI_TOO_LONG';
    case 415:
      return 'UNSUPPORTED_MEDIA';
    case 422:
      return 'SCHEMA';
    case 429:
      return 'RATE_LIMITED';
    case 431:
      return 'HEADERS_TOO_LARGE';
    case 501:
      return 'NOT_IMPLEMENTED';
    case 502:
    case 503:
    case 504:
      return 'UNAVAILABLE';
    default:
      return status >= 500 ? 'INTERNAL' : 'BAD_REQUEST';
  }
}
