import { findSigningKey } from './digest.js';
import { formatHexSignature, parseHexSignature } from './hex-signature.js';
import { hmacSha256Hex } from './hmac.js';
import type { Verdict } from './verdict.js';

export interface BodyHexRequest {
  /** `X-Webhook-Signature`: `sha256=<hex>`. */
  signature: string;
  /** The raw bytes of the body. */
  body: Uint8Array;
  /** Every key that is live for this sender, see `textKey`. Empty for an unknown sender. */
  keys: readonly Uint8Array[];
}

/** Signs the body alone with HMAC-SHA256. @returns the `X-Webhook-Signature` header, `sha256=<hex>` */
export function signBodyHex(message: { body: Uint8Array | string; key: Uint8Array }): string {
  return formatHexSignature(hmacSha256Hex(message.key, [message.body]));
}

/**
 * Verifies a signature over the raw body. The time stands inside the body, which nobody parses before the signature
 * holds: the caller then reads its `timestamp` with `parseTimestamp` and measures it with `checkReplayWindow`.
 * @throws AssertionError for an empty key: a caller's bug
 */
export function verifyBodyHex({ signature, body, keys }: BodyHexRequest): Exclude<Verdict, { skewMs: number }> {
  const claimed = parseHexSignature(signature);
  if (claimed === undefined) return { ok: false, reason: 'MALFORMED_SIGNATURE' };
  const keyIndex = findSigningKey(keys, [body], [claimed]);
  return keyIndex === undefined ? { ok: false, reason: 'BAD_SIGNATURE' } : { ok: true, keyIndex };
}
