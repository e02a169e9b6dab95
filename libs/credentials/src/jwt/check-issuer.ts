import { MAX_NAME_LENGTH, MIN_SECRET_BYTES, type JwtIssuer } from './jwt-issuer.js';
import { readPublicJwk } from './public-key.js';

/** What a tenant says of an issuer; `id` and `tenantId` are ours. */
export type IssuerRegistration = Pick<JwtIssuer, 'issuer' | 'audience' | 'jwksUrl' | 'keys' | 'secret'>;

/** One thing that is wrong with a registration, in the form of `errors` in a problem document. */
export interface IssuerProblem {
  /** JSON pointer into the registration; empty: the whole. */
  pointer: string;
  /** Upper snake case, stable. */
  code: string;
  detail: string;
}

export interface IssuerRules {
  /** Accept `http:` for a JWKS URL on this very machine: for development. Default: no. */
  allowLoopbackHttp?: boolean;
}

const MAX_URL_LENGTH = 2048;
const MAX_SECRET_BYTES = 1024;
const MAX_REGISTERED_KEYS = 20;
const LOOPBACK_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/**
 * Judges what a tenant registers, and names every problem. Values may have any type: the registration is JSON that
 * somebody else wrote. Whether the JWKS URL may be called at all (private addresses) is for the caller's guard.
 * @returns empty: the issuer may be stored
 */
export function checkIssuer(registration: IssuerRegistration, rules: IssuerRules = {}): IssuerProblem[] {
  const { issuer, audience, jwksUrl, keys, secret } = registration as Record<keyof IssuerRegistration, unknown>;
  return [
    ...nameProblems('/issuer', issuer),
    ...nameProblems('/audience', audience),
    ...sourceProblems([jwksUrl, keys, secret]),
    ...(isGiven(jwksUrl) ? urlProblems(jwksUrl, rules) : []),
    ...(isGiven(keys) ? keysProblems(keys) : []),
    ...(isGiven(secret) ? secretProblems(secret) : []),
  ];
}

/** A column without a value is null. */
function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function nameProblems(pointer: string, value: unknown): IssuerProblem[] {
  if (typeof value === 'string' && value.length > 0 && value.length <= MAX_NAME_LENGTH) return [];
  return [{ pointer, code: 'INVALID_NAME', detail: `must be a text of 1 to ${MAX_NAME_LENGTH} characters` }];
}

function sourceProblems(sources: unknown[]): IssuerProblem[] {
  const given = sources.filter(isGiven).length;
  if (given === 1) return [];
  // With two, a public key of one could be tried as the secret of the other.
  const detail = `give exactly one of jwksUrl, keys and secret; ${given} are given`;
  return [{ pointer: '', code: 'ONE_KEY_SOURCE', detail }];
}

function urlProblems(value: unknown, { allowLoopbackHttp = false }: IssuerRules): IssuerProblem[] {
  const pointer = '/jwksUrl';
  if (typeof value !== 'string' || value.length > MAX_URL_LENGTH || !URL.canParse(value)) {
    return [{ pointer, code: 'INVALID_URL', detail: `must be a URL of at most ${MAX_URL_LENGTH} characters` }];
  }
  const problems: IssuerProblem[] = [];
  const url = new URL(value);
  const isLoopbackHttp = url.protocol === 'http:' && LOOPBACK_HOST.test(url.hostname);
  if (url.protocol !== 'https:' && !(allowLoopbackHttp && isLoopbackHttp)) {
    problems.push({ pointer, code: 'HTTPS_REQUIRED', detail: 'keys are fetched over https only' });
  }
  if (url.username !== '' || url.password !== '') {
    problems.push({ pointer, code: 'URL_WITH_CREDENTIALS', detail: 'must not hold a user name or a password' });
  }
  if (url.hash !== '') problems.push({ pointer, code: 'URL_WITH_FRAGMENT', detail: 'must not hold a fragment' });
  return problems;
}

function keysProblems(keys: unknown): IssuerProblem[] {
  if (!Array.isArray(keys) || keys.length === 0 || keys.length > MAX_REGISTERED_KEYS) {
    return [{ pointer: '/keys', code: 'INVALID_KEYS', detail: `must be a list of 1 to ${MAX_REGISTERED_KEYS} keys` }];
  }
  const problems: IssuerProblem[] = [];
  const kids = new Set<string>();
  keys.forEach((jwk: unknown, index) => {
    const reading = readPublicJwk(jwk);
    if (!reading.ok) {
      for (const { member, code, detail } of reading.problems) {
        problems.push({ pointer: `/keys/${index}${member === undefined ? '' : `/${member}`}`, code, detail });
      }
      return;
    }
    const { kid } = reading.key;
    if (kid === undefined) return;
    if (kids.has(kid))
      problems.push({ pointer: `/keys/${index}/kid`, code: 'DUPLICATE_KID', detail: 'two keys have it' });
    kids.add(kid);
  });
  return problems;
}

function secretProblems(secret: unknown): IssuerProblem[] {
  const pointer = '/secret';
  if (!(secret instanceof Uint8Array)) return [{ pointer, code: 'INVALID_SECRET', detail: 'must be bytes' }];
  if (secret.length < MIN_SECRET_BYTES) {
    const detail = `${secret.length} bytes; at least ${MIN_SECRET_BYTES} are needed`;
    return [{ pointer, code: 'SECRET_TOO_SHORT', detail }];
  }
  if (secret.length > MAX_SECRET_BYTES) {
    return [{ pointer, code: 'SECRET_TOO_LONG', detail: `at most ${MAX_SECRET_BYTES} bytes are accepted` }];
  }
  // Everybody knows a public key: with one as its secret, everybody could sign.
  if (Buffer.from(secret).toString('latin1').includes('-----BEGIN ')) {
    return [{ pointer, code: 'SECRET_IS_A_KEY_FILE', detail: 'a PEM file is no secret; register the key under keys' }];
  }
  return [];
}
