import { strict as assert } from 'node:assert';
import { findSigningKey, parseHexDigest } from './digest.js';
import { formatHexSignature, parseHexSignature } from './hex-signature.js';
import { hmacSha256Hex } from './hmac.js';
import { checkReplayWindow, parseTimestamp } from './timestamp.js';
import type { ReplayWindow } from './timestamp.js';
import type { Verdict } from './verdict.js';

export interface TimestampedHexRequest extends ReplayWindow {
  /** `X-Timestamp`: unix seconds, or ISO 8601 with seconds and zone. Signed as the text it is. */
  timestamp: string;
  /** `X-Signature`: `sha256=<hex>`, or the bare 64 hex digits. */
  signature: string;
  /** The raw bytes of the body. */
  body: Uint8Array;
  /** Every key that is live for this sender, see `textKey`. Empty for an unknown sender. */
  keys: readonly Uint8Array[];
}

/**
 * Signs `timestamp.body` with HMAC-SHA256.
 * @returns the `X-Signature` header, `sha256=<hex>`
 * @throws AssertionError for a timestamp that no receiver would read: a caller's bug
 */
export function signTimestampedHex(message: { timestamp: string; body: Uint8Array | string; key: Uint8Array }): string {
  assert(parseTimestamp(message.timestamp) !== undefined, 'timestamp must be unix seconds or ISO 8601 with a zone');
  return formatHexSignature(hmacSha256Hex(message.key, [`${message.timestamp}.`, message.body]));
}

/**
 * Verifies a request signed over `timestamp.body`. The signature is checked before the time.
 *
 * The dot separates safely although an ISO time may hold one: no accepted timestamp is another one followed by a dot,
 * so that signed bytes have one reading only. Nor do they pass for a signed bare body (`verifyBodyHex`), because a
 * time and a dot begin no JSON object.
 * @throws AssertionError for an empty key or a window that is not finite: a caller's bug
 */
export function verifyTimestampedHex(request: TimestampedHexRequest): Verdict {
  const { timestamp, signature, body, keys } = request;
  const signedAtMs = parseTimestamp(timestamp);
  if (signedAtMs === undefined) return { ok: false, reason: 'MALFORMED_TIMESTAMP' };
  const claimed = parseHexSignature(signature) ?? parseHexDigest(signature);
  if (claimed === undefined) return { ok: false, reason: 'MALFORMED_SIGNATURE' };
  const keyIndex = findSigningKey(keys, [`${timestamp}.`, body], [claimed]);
  if (keyIndex === undefined) return { ok: false, reason: 'BAD_SIGNATURE' };
  const stale = checkReplayWindow(signedAtMs, request);
  return stale === undefined ? { ok: true, keyIndex } : { ok: false, reason: 'STALE_TIMESTAMP', ...stale };
}
