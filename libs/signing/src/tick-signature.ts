import { digestsEqual } from './digest.js';
import { formatHexSignature, parseHexSignature } from './hex-signature.js';
import { hmacSha256, hmacSha256Hex } from './hmac.js';

/**
 * Signs a tick callback: HMAC-SHA256 over the body, keyed by the secret's UTF-8 text as it is. A secret that looks
 * like base64 is not decoded, because agents hand theirs to `createHmac` as a string.
 * @param body whole, or its parts in order
 * @returns the `X-WallStreetSim-Signature` header, `sha256=<hex>` in lower case: agents compare it as text
 * @throws AssertionError for the empty secret
 */
export function signTick(body: Uint8Array | string | readonly (Uint8Array | string)[], secret: string): string {
  const parts = typeof body === 'string' || body instanceof Uint8Array ? [body] : body;
  return formatHexSignature(hmacSha256Hex(secret, parts));
}

/**
 * Verifies a tick callback as an agent should: on decoded bytes, length first, in constant time.
 * @throws AssertionError for the empty secret
 */
export function verifyTick(body: Uint8Array | string, header: string, secret: string): boolean {
  const claimed = parseHexSignature(header);
  return claimed !== undefined && digestsEqual(claimed, hmacSha256(secret, [body]));
}
