import { failureDetail, failureReason } from './failure-reason.js';

const coded = (code: string, message = 'message'): Error => Object.assign(new Error(message), { code });

describe('failureReason', () => {
  it.each([
    ['ECONNREFUSED', 'connection_refused'],
    ['ECONNRESET', 'reset'],
    ['EPIPE', 'reset'],
    ['CONNECTION_ENDED', 'reset'],
    ['ETIMEDOUT', 'timeout'],
    ['CONNECT_TIMEOUT', 'timeout'],
    ['EHOSTUNREACH', 'network'],
    ['ENETUNREACH', 'network'],
    ['CERT_HAS_EXPIRED', 'tls'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'tls'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'tls'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'tls'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'tls'],
    ['EPROTO', 'tls'],
    ['INVALID_RESPONSE', 'invalid_response'],
    ['ADDRESS_BLOCKED', 'blocked_address'],
    ['NAME_NOT_RESOLVED', 'dns'],
    ['SOMETHING_NEW', 'network'],
    ['constructor', 'network'],
  ])('sorts %s as %s', (code, reason) => {
    expect(failureReason(coded(code))).toBe(reason);
  });

  it('looks into an error about several addresses', () => {
    const error = new AggregateError([coded('ECONNREFUSED', 'connect ECONNREFUSED 8.8.8.8:443'), coded('ETIMEDOUT')]);
    expect(failureReason(error)).toBe('connection_refused');
    expect(failureDetail(error)).toBe('connect ECONNREFUSED 8.8.8.8:443');
  });

  it.each([undefined, null, 'text', 7, {}])('makes do with %p', (thrown) => {
    expect(failureReason(thrown)).toBe('network');
    expect(failureDetail(thrown)).toBe('unknown failure');
  });
});

describe('failureDetail', () => {
  it('is one printable line of at most 200 characters', () => {
    const detail = failureDetail(new Error(`a\r\nb\u001b[31m${'c'.repeat(500)}`));
    expect(detail).toMatch(/^a b \[31mc+$/);
    expect(detail).toHaveLength(200);
  });
});
