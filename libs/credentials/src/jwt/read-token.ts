import { MAX_NAME_LENGTH } from './jwt-issuer.js';
import { MAX_KID_LENGTH, type PublicKeyAlgorithm } from './public-key.js';

export type TokenAlgorithm = PublicKeyAlgorithm | 'HS256';

/** A token taken apart. Nothing in it is believed yet. */
export interface UnverifiedToken {
  algorithm: TokenAlgorithm;
  /** Which of the issuer's keys it names. */
  kid?: string;
  claims: Record<string, unknown>;
  /** What was signed: `<header>.<payload>` in ASCII. */
  signingInput: Buffer;
  signature: Buffer;
}

/** Longest token, characters: 8 KiB. */
export const MAX_TOKEN_LENGTH = 8192;

/** `none` is not among them, and neither is anything else that the design does not name. */
const ALGORITHMS = new Map<unknown, TokenAlgorithm>([
  ['RS256', 'RS256'],
  ['ES256', 'ES256'],
  ['EdDSA', 'EdDSA'],
  ['Ed25519', 'EdDSA'],
  ['HS256', 'HS256'],
]);
/** Explicit types that fit (RFC 8725, 3.11). A logout token or a DPoP proof of the same issuer is no credential here. */
const TYPES = new Set(['jwt', 'at+jwt']);
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Takes a JWS in compact form apart, strictly: at most 8 KiB, three parts in the one canonical base64url spelling of
 * their bytes, header and payload JSON objects in UTF-8. Of the header only `alg`, `kid`, `typ`, `crit` and `b64`
 * are looked at: a key that comes with the token (`jwk`, `jku`, `x5c`, `x5u`) says nothing.
 *
 * @returns undefined for anything else, for an algorithm not supported here, and for an extension that has to be
 *   understood (`crit`, `b64`): none is
 */
export function readToken(token: string): UnverifiedToken | undefined {
  const parts = splitToken(token);
  if (parts === undefined) return undefined;
  const header = decodeObject(parts[0]);
  const claims = decodeObject(parts[1]);
  const signature = decodeCanonical(parts[2]);
  if (header === undefined || claims === undefined || signature === undefined) return undefined;
  if (Object.hasOwn(header, 'crit') || Object.hasOwn(header, 'b64')) return undefined;
  const algorithm = ALGORITHMS.get(header.alg);
  if (algorithm === undefined || !typeFits(header.typ)) return undefined;
  const { kid } = header;
  if (kid !== undefined && !(typeof kid === 'string' && kid.length > 0 && kid.length <= MAX_KID_LENGTH))
    return undefined;
  const signingInput = Buffer.from(`${parts[0]}.${parts[1]}`, 'latin1');
  return { algorithm, ...(kid === undefined ? {} : { kid }), claims, signingInput, signature };
}

/**
 * Reads the `iss` of a token that nobody has verified, to look candidate issuers up by it. It proves nothing.
 * Never throws; reads at most 8 KiB.
 * @returns 1 to 512 characters, or undefined
 */
export function peekIssuer(token: string): string | undefined {
  const parts = splitToken(token);
  const issuer = parts === undefined ? undefined : decodeObject(parts[1])?.iss;
  return typeof issuer === 'string' && issuer.length > 0 && issuer.length <= MAX_NAME_LENGTH ? issuer : undefined;
}

function splitToken(token: string): [string, string, string] | undefined {
  if (typeof token !== 'string' || token.length > MAX_TOKEN_LENGTH) return undefined;
  const parts = token.split('.', 4);
  return parts.length === 3 && parts.every((part) => part !== '') ? (parts as [string, string, string]) : undefined;
}

function decodeObject(part: string): Record<string, unknown> | undefined {
  const bytes = decodeCanonical(part);
  if (bytes === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(utf8.decode(bytes));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Decodes base64url. Decoders skip foreign characters and the last character's spare bits, so that one token would
 * have many spellings; only the one that an encoder writes is taken.
 */
export function decodeCanonical(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : undefined;
}

/** Media types compare without regard to case; `application/` may be left out (RFC 7515, 4.1.9). */
function typeFits(typ: unknown): boolean {
  if (typ === undefined) return true;
  return typeof typ === 'string' && TYPES.has(typ.toLowerCase().replace(/^application\//, ''));
}
