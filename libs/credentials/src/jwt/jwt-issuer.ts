import type { JWK } from 'jose';

/**
 * Who may sign tokens for a tenant. Exactly one of `jwksUrl`, `keys` and `secret` is given: the kind of key decides
 * which algorithm is believed, never the token. `checkIssuer` judges what a tenant registers.
 */
export interface JwtIssuer {
  id: string;
  tenantId: string;
  /** The `iss` of its tokens, compared character by character. */
  issuer: string;
  /** Has to be the `aud` of its tokens, or one of them. */
  audience: string;
  /** Where it publishes its public keys (a JWK Set, RFC 7517). */
  jwksUrl?: string;
  /** Its public keys, registered with us. */
  keys?: readonly JWK[];
  /** For HS256, at least 32 bytes. The array must not be changed afterwards: its prepared form is remembered. */
  secret?: Uint8Array;
  /** The bot that its tokens speak for; null or absent: the tenant. */
  botId?: string | null;
}

/** Longest `iss` and `aud` of an issuer, characters. */
export const MAX_NAME_LENGTH = 512;
/** Fewer make HS256 weaker than its digest (RFC 7518, 3.2). */
export const MIN_SECRET_BYTES = 32;

/** Where an issuer's keys come from. */
export type KeySource =
  { kind: 'jwks'; url: string } | { kind: 'keys'; keys: readonly JWK[] } | { kind: 'secret'; secret: Uint8Array };

/** @returns undefined for an issuer that `checkIssuer` would not have let in: none, several, or a weak secret */
export function keySourceOf({ jwksUrl, keys, secret }: JwtIssuer): KeySource | undefined {
  const sources: KeySource[] = [];
  if (typeof jwksUrl === 'string') sources.push({ kind: 'jwks', url: jwksUrl });
  if (keys) sources.push({ kind: 'keys', keys });
  if (secret) {
    if (secret.length < MIN_SECRET_BYTES) return undefined;
    sources.push({ kind: 'secret', secret });
  }
  return sources.length === 1 ? sources[0] : undefined;
}
