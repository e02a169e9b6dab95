import type { FailureReason } from './attempt-outcome.js';

const REASONS: ReadonlyMap<string, FailureReason> = new Map([
  ['ADDRESS_BLOCKED', 'blocked_address'],
  ['NAME_NOT_RESOLVED', 'dns'],
  ['ECONNREFUSED', 'connection_refused'],
  ['ECONNRESET', 'reset'],
  ['EPIPE', 'reset'],
  ['CONNECTION_ENDED', 'reset'],
  ['ETIMEDOUT', 'timeout'],
  ['CONNECT_TIMEOUT', 'timeout'],
  ['EPROTO', 'tls'],
  ['INVALID_RESPONSE', 'invalid_response'],
]);

/** OpenSSL's verdicts on certificates have codes without a common prefix. */
const TLS_CODE =
  /^(?:ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|CRL_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|INVALID_CA|HOSTNAME_MISMATCH)/;
const MAX_DETAIL = 200;

interface ErrorLike {
  code?: unknown;
  message?: unknown;
  errors?: unknown;
}

/** Sorts an error of `net`, `tls` or our own. */
export function failureReason(error: unknown): FailureReason {
  const { code } = decisive(error);
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
