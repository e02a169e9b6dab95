import { timingSafeEqual } from 'node:crypto';
import { DIGEST_BYTES, hmacSha256 } from './hmac.js';

const HEX_DIGEST = /^[0-9a-fA-F]{64}$/;
/** Stands in where a sender has no key: an unknown tenant costs the time of a wrong signature. */
const DECOY_KEY = Buffer.alloc(DIGEST_BYTES, 0xa5);

/**
 * Compares two digests in a time that does not depend on their content. A difference in length is told at once: the
 * length of a digest is no secret, and `timingSafeEqual` throws on it.
 */
export function digestsEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/**
 * Finds the key that made one of the claimed digests. Every claimed digest is compared with every key up to the one
 * that matches; without keys one HMAC is computed all the same.
 *
 * @param claimed digests from the request, 32 bytes each
 * @returns the index in `keys`, or undefined
 */
export function findSigningKey(
  keys: readonly Uint8Array[],
  parts: readonly (Uint8Array | string)[],
  claimed: readonly Uint8Array[],
): number | undefined {
  if (keys.length === 0) hmacSha256(DECOY_KEY, parts);
  for (const [index, key] of keys.entries()) {
    const expected = hmacSha256(key, parts);
    let matches = 0;
    for (const digest of claimed) matches += Number(digestsEqual(digest, expected));
    if (matches > 0) return index;
  }
  return undefined;
}

/** Reads a SHA-256 digest from 64 hex digits of either case. @returns 32 bytes, or undefined */
export function parseHexDigest(text: string): Buffer | undefined {
  // Buffer.from stops silently at the first character that is no hex digit, hence the pattern.
  return HEX_DIGEST.test(text) ? Buffer.from(text, 'hex') : undefined;
}

/** Reads a SHA-256 digest from canonical base64. @returns 32 bytes, or undefined */
export function parseBase64Digest(text: string): Buffer | undefined {
  const bytes = parseCanonicalBase64(text);
  return bytes?.length === DIGEST_BYTES ? bytes : undefined;
}

/**
 * Reads base64 in its one canonical spelling: standard alphabet, padded, unused bits zero. Several spellings of the
 * same bytes would let one signature pass for another in logs and in duplicate checks.
 */
export function parseCanonicalBase64(text: string): Buffer | undefined {
  // Node reads other alphabets, spaces and missing padding, too; it writes one spelling.
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}
