/**
 * Why an attempt brought no answer.
 * - `timeout`: the deadline passed, wherever the exchange stood: name lookup, connect, headers or body
 * - `connection_refused`, `reset`, `dns`, `tls`: as named; `network`: any other failure of the network
 * - `invalid_response`: bytes that are not HTTP/1.1, headers that are too long, a body shorter than announced
 * - `too_large`: the body, or what it inflates to, exceeds the limit
 * - `blocked_address`: the address guard refused; no packet was sent
 * - `invalid_request`: the URL or a header cannot be sent; nothing was
 * - `aborted`: the caller's signal, or the client is closing; says nothing about the receiver
 */
export type FailureReason =
  | 'timeout'
  | 'connection_refused'
  | 'reset'
  | 'dns'
  | 'tls'
  | 'network'
  | 'invalid_response'
  | 'too_large'
  | 'blocked_address'
  | 'invalid_request'
  | 'aborted';

/** A complete answer, of any status. */
export interface AttemptResponse {
  kind: 'response';
  /** 200-999; redirects are answers, never followed. */
  status: number;
  /** The few that callers read, names in lower case: see `KEPT_HEADERS`. */
  headers: Readonly<Record<string, string>>;
  /**
   * Inflated where the receiver compressed it although asked not to. An encoding that is unknown or corrupt leaves the
   * bytes as they came, with `content-encoding` among the headers.
   */
  body: Buffer;
  /** From the call to the last byte of the answer. */
  durationMs: number;
}

export interface AttemptFailure {
  kind: 'failed';
  reason: FailureReason;
  /** One line for people, at most 200 characters. */
  detail: string;
  durationMs: number;
  /** Where the answer's head had arrived before it failed. */
  status?: number;
}

export type AttemptOutcome = AttemptResponse | AttemptFailure;

/** Response headers that an outcome carries. */
export const KEPT_HEADERS = ['content-type', 'content-encoding', 'retry-after', 'location', 'cache-control'] as const;
