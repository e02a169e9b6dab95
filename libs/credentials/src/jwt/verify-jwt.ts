import { strict as assert } from 'node:assert';
import { createHash } from 'node:crypto';
import { TransientError } from '@tickwire/errors';
import { checkClaims, type AcceptedClaims, type ClaimRefusal, type ClaimRules } from './check-claims.js';
import { signedByKey, signedBySecret, spendVerification } from './check-signature.js';
import type { JwksSource } from './jwks-source.js';
import { keySourceOf, type JwtIssuer } from './jwt-issuer.js';
import { readPublicJwk, type PublicKey } from './public-key.js';
import { readToken, type UnverifiedToken } from './read-token.js';

/** The request that carries the token. */
export type JwtRequest = Omit<ClaimRules, 'audience'>;

export interface AcceptedJwt extends AcceptedClaims {
  issuerId: string;
  tenantId: string;
  /** The bot that the token speaks for; null: the tenant. */
  botId: string | null;
  /**
   * Only where `bodyBound`: names the token, to be claimed once. A digest of what was signed, 43 characters of
   * base64url. Not of the whole token, because an ES256 signature can be rewritten into a second valid one.
   */
  singleUseId?: string;
}

/**
 * What a verification found.
 * - `BAD_TOKEN`: not in the form, not of one of these issuers, or not signed by its key: one answer for all of them,
 *   in the same time.
 * - `AMBIGUOUS_ISSUER`: issuers of several tenants or bots accept it, so nobody knows who sent it.
 *
 * Every reason but `BAD_TOKEN` presumes a signature that holds, and may be told to the sender.
 */
export type JwtVerdict =
  ({ ok: true } & AcceptedJwt) | { ok: false; reason: 'BAD_TOKEN' | 'AMBIGUOUS_ISSUER' } | ClaimRefusal;

/** At most so many of an issuer's keys are tried, which matters for a token that names none: a try costs up to .2 ms. */
const MAX_KEYS_TRIED = 8;

/**
 * Verifies a JWT against the issuers that may have signed it. An issuer's kind of key fixes the algorithm: a token
 * that names another is not signed by that issuer, and a secret is never compared with what a public key made.
 *
 * @param issuers those of the tenant that the request names, in any order; others' are told apart by their keys only
 * @param jwks    asked for issuers with a JWKS URL
 * @param request `clockToleranceMs` in whole ms, at least 0
 * @throws TransientError when the keys that might have signed cannot be read, and no other issuer accepts the token
 * @throws AssertionError for a clock or a tolerance that is no whole number of ms
 */
export async function verifyJwt(
  token: string,
  issuers: readonly JwtIssuer[],
  jwks: JwksSource,
  request: JwtRequest,
): Promise<JwtVerdict> {
  const { nowMs, clockToleranceMs } = request;
  assert(Number.isSafeInteger(nowMs), 'nowMs must be whole ms since the epoch');
  assert(Number.isSafeInteger(clockToleranceMs) && clockToleranceMs >= 0, 'clockToleranceMs must be whole ms');
  const unverified = readToken(token);
  // Nothing that depends on issuers has been looked at: the time tells only what the sender knows already.
  if (unverified === undefined) return { ok: false, reason: 'BAD_TOKEN' };

  const accepted: AcceptedJwt[] = [];
  let refused: ClaimRefusal | undefined;
  let unreadable: TransientError | undefined;
  let tried = false;
  for (const issuer of issuers) {
    if (issuer.issuer !== unverified.claims.iss) continue;
    try {
      const attempt = await signedByIssuer(unverified, issuer, jwks, nowMs);
      tried ||= attempt.tried;
      if (!attempt.signed) continue;
    } catch (error) {
      if (!TransientError.is(error)) throw error;
      unreadable = error;
      continue;
    }
    const verdict = checkClaims(unverified.claims, { ...request, audience: issuer.audience });
    if (verdict.ok) accepted.push(acceptedBy(issuer, verdict, unverified));
    // Another audience's refusal says less than what an issuer with the right one has against the token.
    else if (refused === undefined || refused.reason === 'BAD_AUDIENCE') refused = verdict;
  }
  if (!tried) spendVerification(unverified);

  const [first, ...others] = accepted;
  if (first !== undefined) {
    const speaksForOne = others.every(({ tenantId, botId }) => tenantId === first.tenantId && botId === first.botId);
    return speaksForOne ? { ok: true, ...first } : { ok: false, reason: 'AMBIGUOUS_ISSUER' };
  }
  // Whoever signed it, the token is refused for what it says itself; only another's audience could still be right.
  if (unreadable !== undefined && (refused === undefined || refused.reason === 'BAD_AUDIENCE')) throw unreadable;
  return refused ?? { ok: false, reason: 'BAD_TOKEN' };
}

/** @returns whether a key of the issuer signed, and whether there was any to try */
async function signedByIssuer(
  token: UnverifiedToken,
  issuer: JwtIssuer,
  jwks: JwksSource,
  nowMs: number,
): Promise<{ signed: boolean; tried: boolean }> {
  const source = keySourceOf(issuer);
  if (source === undefined) return { signed: false, tried: false };
  if (source.kind === 'secret') {
    return { signed: signedBySecret(token, source.secret), tried: token.algorithm === 'HS256' };
  }
  // No public key makes an HMAC: nobody's keys need to be fetched for such a token.
  if (token.algorithm === 'HS256') return { signed: false, tried: false };
  const keys = source.kind === 'jwks' ? await jwks.keysAt(source.url, token.kid, nowMs) : registeredKeys(source.keys);
  const candidates = keysFor(token, keys);
  return { signed: candidates.some((key) => signedByKey(token, key)), tried: candidates.length > 0 };
}

/** The keys of the token's algorithm that it names; then those without a name, since their owner may name them elsewhere. */
function keysFor({ algorithm, kid }: UnverifiedToken, keys: readonly PublicKey[]): PublicKey[] {
  const fitting = keys.filter((key) => key.algorithm === algorithm);
  const named = fitting.filter((key) => key.kid !== undefined && (kid === undefined || key.kid === kid));
  const nameless = fitting.filter((key) => key.kid === undefined);
  return [...named, ...nameless].slice(0, MAX_KEYS_TRIED);
}

/** A key that `checkIssuer` would not have let in is left out. */
function registeredKeys(jwks: readonly unknown[]): PublicKey[] {
  return jwks.flatMap((jwk) => {
    const reading = readPublicJwk(jwk);
    return reading.ok ? [reading.key] : [];
  });
}

function acceptedBy(issuer: JwtIssuer, claims: AcceptedClaims, { signingInput }: UnverifiedToken): AcceptedJwt {
  const { subject, expiresAtMs, jti, bodyBound } = claims;
  return {
    issuerId: issuer.id,
    tenantId: issuer.tenantId,
    botId: issuer.botId ?? null,
    subject,
    expiresAtMs,
    ...(jti === undefined ? {} : { jti }),
    bodyBound,
    ...(bodyBound ? { singleUseId: createHash('sha256').update(signingInput).digest('base64url') } : {}),
  };
}
