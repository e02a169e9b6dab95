import { createHash } from 'node:crypto';
import { digestsEqual } from '@tickwire/signing';
import { decodeCanonical } from './read-token.js';

/** What the claims are held against. */
export interface ClaimRules {
  /** Has to be among `aud`. */
  audience: string;
  /** The door's clock, ms since the epoch. */
  nowMs: number;
  /** How far the issuer's clock may differ from ours, ms. Widens `exp`, `nbf` and `iat`, not the lifetime. */
  clockToleranceMs: number;
  /** The request's body, as it came. */
  body: Uint8Array;
}

export interface AcceptedClaims {
  subject: string;
  /** `exp`, without the tolerance. */
  expiresAtMs: number;
  jti?: string;
  /** The token names the digest of this very body. */
  bodyBound: boolean;
}

export type ClaimName = 'aud' | 'sub' | 'iat' | 'exp' | 'nbf' | 'jti' | 'body_sha256';

/**
 * - `BAD_CLAIM`: `claim` is missing or not of its type.
 * - `BAD_AUDIENCE`: meant for somebody else.
 * - `LIFETIME_TOO_LONG`: `exp` is more than 24 hours after `iat`.
 * - `NOT_YET_VALID`: `iat` or `nbf` lies in the future.
 * - `EXPIRED`: `exp` has come.
 * - `BODY_MISMATCH`: `body_sha256` is the digest of another body.
 */
export type ClaimRefusal =
  | { ok: false; reason: 'BAD_CLAIM'; claim: ClaimName }
  | { ok: false; reason: 'BAD_AUDIENCE' | 'LIFETIME_TOO_LONG' | 'NOT_YET_VALID' | 'EXPIRED' | 'BODY_MISMATCH' };

/** Longest lifetime of a token, `exp` minus `iat`, seconds. */
export const MAX_LIFETIME_SECONDS = 24 * 60 * 60;
const MAX_TEXT_LENGTH = 255;
/** 9999-12-31T23:59:59Z, seconds. JSON also has 1e999, which reads as infinity. */
const MAX_SECONDS = 253_402_300_799;
const HEX_DIGEST = /^[0-9a-f]{64}$/;
const BASE64URL_DIGEST = /^[A-Za-z0-9_-]{43}$/;

/** Judges the claims of a token whose signature holds. `iss` has been compared when its key was chosen. */
export function checkClaims(
  claims: Record<string, unknown>,
  rules: ClaimRules,
): ({ ok: true } & AcceptedClaims) | ClaimRefusal {
  const { aud, sub, iat, exp, nbf, jti, body_sha256: bodyDigest } = claims;
  if (!isAudience(aud)) return badClaim('aud');
  if (!isText(sub)) return badClaim('sub');
  if (!isSeconds(iat)) return badClaim('iat');
  if (!isSeconds(exp) || exp <= iat) return badClaim('exp');
  if (nbf !== undefined && !isSeconds(nbf)) return badClaim('nbf');
  if (jti !== undefined && !isText(jti)) return badClaim('jti');

  if (!(Array.isArray(aud) ? aud : [aud]).includes(rules.audience)) return { ok: false, reason: 'BAD_AUDIENCE' };
  if (exp - iat > MAX_LIFETIME_SECONDS) return { ok: false, reason: 'LIFETIME_TOO_LONG' };
  const { nowMs, clockToleranceMs } = rules;
  if (Math.max(iat, nbf ?? 0) * 1000 > nowMs + clockToleranceMs) return { ok: false, reason: 'NOT_YET_VALID' };
  // At `exp` itself a token is no longer good (RFC 7519, 4.1.4).
  if (nowMs >= exp * 1000 + clockToleranceMs) return { ok: false, reason: 'EXPIRED' };

  const bodyBound = bodyDigest !== undefined;
  if (bodyBound) {
    const claimed = parseDigest(bodyDigest);
    if (claimed === undefined) return badClaim('body_sha256');
    const actual = createHash('sha256').update(rules.body).digest();
    if (!digestsEqual(claimed, actual)) return { ok: false, reason: 'BODY_MISMATCH' };
  }
  const expiresAtMs = Math.floor(exp * 1000);
  return { ok: true, subject: sub, expiresAtMs, ...(jti === undefined ? {} : { jti }), bodyBound };
}

function badClaim(claim: ClaimName): ClaimRefusal {
  return { ok: false, reason: 'BAD_CLAIM', claim };
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= MAX_TEXT_LENGTH;
}

/** One text, or a list of them. How many is limited by the token's length. */
function isAudience(value: unknown): value is string | string[] {
  return Array.isArray(value)
    ? value.length > 0 && value.every((name) => typeof name === 'string')
    : typeof value === 'string';
}

/** A NumericDate: seconds since the epoch; fractions are allowed (RFC 7519, 2). */
function isSeconds(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= MAX_SECONDS;
}

/** Lower-case hex, or base64url. @returns 32 bytes, or undefined */
function parseDigest(value: unknown): Buffer | undefined {
  if (typeof value !== 'string') return undefined;
  if (HEX_DIGEST.test(value)) return Buffer.from(value, 'hex');
  return BASE64URL_DIGEST.test(value) ? decodeCanonical(value) : undefined;
}
