import { AddressGuard, parseAllowCidrs } from '@tickwire/delivery';
import type { ProblemError } from '@tickwire/problem-details';
import { readRegistration } from './read-registration.js';

const strict = new AddressGuard();
const development = new AddressGuard({ allowCidrs: parseAllowCidrs('127.0.0.0/8'), allowHttp: true });
const NAMES = { issuer: 'https://id.example.com', audience: 'tickwire' };

/** Pointer and code of each problem. */
function problemsOf(guard: AddressGuard, body: object): string[][] {
  try {
    readRegistration(guard, body);
    return [];
  } catch (error) {
    return (error as ProblemError).errors.map(({ pointer, code }) => [pointer, code]);
  }
}

describe('a JWKS URL', () => {
  it.each([
    ['https://id.example.com/jwks', [], []],
    ['http://127.0.0.1:8080/jwks', [['/jwksUrl', 'HTTPS_REQUIRED']], []],
    ['http://id.example.com/jwks', [['/jwksUrl', 'HTTPS_REQUIRED']], [['/jwksUrl', 'HTTPS_REQUIRED']]],
    ['https://10.0.0.1/jwks', [['/jwksUrl', 'URL_FORBIDDEN_ADDRESS']], [['/jwksUrl', 'URL_FORBIDDEN_ADDRESS']]],
    ['https://127.0.0.1/jwks', [['/jwksUrl', 'URL_FORBIDDEN_ADDRESS']], []],
    ['https://db.internal/jwks', [['/jwksUrl', 'URL_INTERNAL_NAME']], []],
    ['https://id.example.com:22/', [['/jwksUrl', 'URL_PORT']], [['/jwksUrl', 'URL_PORT']]],
    ['jwks', [['/jwksUrl', 'INVALID_URL']], [['/jwksUrl', 'INVALID_URL']]],
  ])('%s is judged like a callback’s, plain http being for this machine in development', (jwksUrl, here, there) => {
    expect(problemsOf(strict, { ...NAMES, jwksUrl })).toEqual(here);
    expect(problemsOf(development, { ...NAMES, jwksUrl })).toEqual(there);
  });

  it('is not plain http to this machine where callbacks may go to another network only', () => {
    const guard = new AddressGuard({ allowCidrs: parseAllowCidrs('10.0.0.0/8'), allowHttp: true });
    expect(problemsOf(guard, { ...NAMES, jwksUrl: 'http://localhost:8080/' })).toEqual([
      ['/jwksUrl', 'HTTPS_REQUIRED'],
    ]);
  });
});

it('a secret is the bytes of its text, null stands for what is absent', () => {
  const secret = 'ä'.repeat(16);
  expect(readRegistration(strict, { ...NAMES, secret, keys: null, jwksUrl: null })).toEqual({ ...NAMES, secret });
});

it.each([
  [{ ...NAMES }, [['', 'ONE_KEY_SOURCE']]],
  [{ ...NAMES, secret: 'x'.repeat(32), jwksUrl: 'https://id.example.com/' }, [['', 'ONE_KEY_SOURCE']]],
  [
    { secret: 'x'.repeat(31) },
    [
      ['/issuer', 'INVALID_NAME'],
      ['/audience', 'INVALID_NAME'],
      ['/secret', 'SECRET_TOO_SHORT'],
    ],
  ],
  [{ ...NAMES, secret: 5 }, [['/secret', 'INVALID_SECRET']]],
  [{ ...NAMES, keys: [] }, [['/keys', 'INVALID_KEYS']]],
  [{ ...NAMES, keys: [{ kty: 'oct', k: 'c2VjcmV0' }] }, [['/keys/0/kty', 'SYMMETRIC_KEY']]],
  [{ ...NAMES, jwksUrl: 7 }, [['/jwksUrl', 'INVALID_URL']]],
])('%j is refused, naming each field', (body, expected) => {
  expect(problemsOf(strict, body)).toEqual(expected);
});
