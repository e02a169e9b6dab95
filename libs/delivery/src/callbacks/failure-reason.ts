import type { FailureReason } from './attempt-outcome.js';

const REASONS: ReadonlyMap<string, FailureReason> = new Map([
  ['ADDRESS_BLOCKED', 'blocked_address'],
  ['NAME_NOT_RESOLVED', 'dns'],
  ['ECONNREFUSED', 'connection_refused'],
  ['ECONNRESET', 'reset'],
  ['EPIPE', 'reset'],
  ['UND_ERR_SOCKET', 'reset'],
  ['ETIMEDOUT', 'timeout'],
  ['UND_ERR_CONNECT_TIMEOUT', 'timeout'],
  ['EPROTO', 'tls'],
  ['UND_ERR_HEADERS_OVERFLOW', 'invalid_response'],
  ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'invalid_response'],
  ['UND_ERR_INVALID_ARG', 'invalid_request'],
  ['UND_ERR_NOT_SUPPORTED', 'invalid_request'],
  ['UND_ERR_REQ_CONTENT_LENGTH_MISMATCH', 'invalid_request'],
  ['UND_ERR_ABORTED', 'aborted'],
  ['UND_ERR_DESTROYED', 'aborted'],
  ['UND_ERR_CLOSED', 'aborted'],
]);

/** OpenSSL's verdicts on certificates have codes without a common prefix. */
const TLS_CODE =
  /^(?:ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|CRL_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|INVALID_CA|HOSTNAME_MISMATCH)/;
const MAX_DETAIL = 200;

interface ErrorLike {
  name?: unknown;
  code?: unknown;
  message?: unknown;
  errors?: unknown;
}

/** Sorts an error of `net`, `tls` or undici. */
export function failureReason(error: unknown): FailureReason {
  const { name, message, code } = decisive(error);
  // undici has one code for a connection that ended and for an answer that makes no sense on it.
  if (code === 'UND_ERR_SOCKET' && /^bad (?:response|upgrade)/.test(String(message))) return 'invalid_response';
  if (name === 'HTTPParserError') return 'invalid_response';
  if (typeof code !== 'string') return 'network';
  return REASONS.get(code) ?? (TLS_CODE.test(code) ? 'tls' : 'network');
}

/** One printable line about an error, without stack. */
export function failureDetail(error: unknown): string {
  const { message, code } = decisive(error);
  const text = typeof message === 'string' && message !== '' ? message : String(code ?? 'unknown failure');
  return text.replace(/[^\x20-\x7e]+/g, ' ').slice(0, MAX_DETAIL);
}

/** With several addresses tried in vain, the whole may have neither message nor code; the parts have. */
function decisive(error: unknown): ErrorLike {
  if (typeof error !== 'object' || error === null) return {};
  const { message, errors } = error as ErrorLike;
  return message === '' && Array.isArray(errors) ? decisive(errors[0]) : error;
}
