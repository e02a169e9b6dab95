import { checkIssuer, type IssuerProblem, type IssuerRegistration } from '@tickwire/credentials';
import type { AddressGuard } from '@tickwire/delivery';
import { ProblemError } from '@tickwire/problem-details';
import type { NewJwtIssuer } from './jwt-issuer-requests.js';

/** A registration that may be stored: exactly one of `jwksUrl`, `keys` and `secret` is given. */
export interface Registration {
  issuer: string;
  audience: string;
  jwksUrl?: string;
  keys?: readonly object[];
  secret?: string;
}

/**
 * Judges what a tenant registers. A JWKS URL has to be one that callbacks could reach as well: the door fetches keys
 * from it. Plain http is for development, to this machine, where the guard lets callbacks go there.
 * @throws ProblemError SCHEMA, naming every wrong field
 */
export function readRegistration(guard: AddressGuard, body: NewJwtIssuer): Registration {
  const { issuer, audience, jwksUrl, keys, secret } = body;
  const registration = { issuer, audience, jwksUrl, keys, secret: secretBytes(secret) } as IssuerRegistration;
  const allowLoopbackHttp = guard.checkUrl('http://127.0.0.1/').ok;
  const errors: IssuerProblem[] = checkIssuer(registration, { allowLoopbackHttp });
  if (typeof jwksUrl === 'string' && !errors.some(({ pointer }) => pointer === '/jwksUrl')) {
    const verdict = guard.checkUrl(jwksUrl);
    if (!verdict.ok) {
      errors.push({ pointer: '/jwksUrl', code: `URL_${verdict.reason.toUpperCase()}`, detail: verdict.detail });
    }
  }
  const [first] = errors;
  if (first !== undefined) throw new ProblemError('SCHEMA', `${first.pointer}: ${first.detail}`, { errors });
  // null stands for absent, as a column without a value does.
  return Object.fromEntries(
    Object.entries({ issuer, audience, jwksUrl, keys, secret }).filter(([, value]) => value !== null),
  ) as unknown as Registration;
}

/** Anything but a text is left for `checkIssuer` to refuse. */
function secretBytes(secret: unknown): unknown {
  return typeof secret === 'string' ? Buffer.from(secret, 'utf8') : secret;
}
