import { readPublicJwk, type PublicKey } from './public-key.js';

/** Largest JWK Set, bytes. */
export const MAX_JWKS_BYTES = 64 * 1024;
const MAX_JWKS_KEYS = 100;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** What a JWKS URL answered is no JWK Set within the limits. */
export class InvalidJwks extends Error {}

/**
 * Reads a JWK Set (RFC 7517, 5): at most 64 KiB and 100 keys. Keys that cannot verify our algorithms are left out, as
 * the RFC asks: other types, encryption keys, weak, private and symmetric ones. A set without any usable key is a
 * set all the same: its owner has withdrawn them.
 * @throws InvalidJwks
 */
export function readJwks(body: Uint8Array): PublicKey[] {
  if (body.length > MAX_JWKS_BYTES) throw new InvalidJwks(`more than ${MAX_JWKS_BYTES} bytes`);
  let document: unknown;
  try {
    document = JSON.parse(utf8.decode(body));
  } catch {
    throw new InvalidJwks('not JSON in UTF-8');
  }
  const keys = (document as { keys?: unknown } | null)?.keys;
  if (!Array.isArray(keys)) throw new InvalidJwks('no list of keys');
  if (keys.length > MAX_JWKS_KEYS) throw new InvalidJwks(`more than ${MAX_JWKS_KEYS} keys`);
  return keys.flatMap((jwk: unknown) => {
    const reading = readPublicJwk(jwk);
    return reading.ok ? [reading.key] : [];
  });
}
