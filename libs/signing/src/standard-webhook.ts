import { strict as assert } from 'node:assert';
import { findSigningKey, parseBase64Digest } from './digest.js';
import { hmacSha256 } from './hmac.js';
import { checkReplayWindow, parseUnixSeconds } from './timestamp.js';
import type { ReplayWindow } from './timestamp.js';
import type { Verdict } from './verdict.js';

/** Entries of a signature header that are looked at; a sender in the middle of a rotation needs two. */
export const MAX_SIGNATURES = 16;
const VERSION = 'v1,';
/** No dot: it separates the signed parts, and an id with one could be cut again into another id and time. */
const WEBHOOK_ID = /^[A-Za-z0-9_:-]{1,128}$/;

export interface StandardWebhookMessage {
  /** `webhook-id`: 1 to 128 of `[A-Za-z0-9_:-]`. */
  id: string;
  /** `webhook-timestamp`: unix seconds of this attempt. */
  timestampS: number;
  /** The bytes that are sent; a string is UTF-8. */
  body: Uint8Array | string;
  /** One key, or two during a rotation; see `parseWebhookSecret`. At most `MAX_SIGNATURES`. */
  keys: readonly Uint8Array[];
}

export interface StandardWebhookRequest extends ReplayWindow {
  /** The `webhook-id` header. */
  id: string;
  /** The `webhook-timestamp` header, as text. */
  timestamp: string;
  /** The `webhook-signature` header: its value, or its values where it came several times. */
  signature: string | readonly string[];
  /** The raw bytes of the body, before any parsing. */
  body: Uint8Array;
  /** Every key that is live for this sender. Empty for an unknown sender. */
  keys: readonly Uint8Array[];
}

/** Whether `text` may be a `webhook-id`. */
export function isWebhookId(text: string): boolean {
  return WEBHOOK_ID.test(text);
}

/**
 * Signs a message by Standard Webhooks 1.0.0: HMAC-SHA256 over `id.timestamp.body`.
 * @returns the `webhook-signature` header: `v1,<base64>` per key, in the order of `keys`, separated by a space
 * @throws AssertionError for an id, a time or keys that no receiver could verify: a caller's bug
 */
export function signStandardWebhook({ id, timestampS, body, keys }: StandardWebhookMessage): string {
  assert(isWebhookId(id), 'id must be 1 to 128 of [A-Za-z0-9_:-]');
  assert(parseUnixSeconds(String(timestampS)) !== undefined, 'timestampS must be whole unix seconds');
  assert(keys.length > 0 && keys.length <= MAX_SIGNATURES, `keys must hold 1 to ${MAX_SIGNATURES} keys`);
  const signatures = keys.map((key) => hmacSha256(key, [`${id}.${timestampS}.`, body]).toString('base64'));
  return signatures.map((signature) => VERSION + signature).join(' ');
}

/**
 * Verifies a request signed by Standard Webhooks 1.0.0. Any `v1` entry of the header by any live key will do; other
 * versions are skipped. The signature is checked before the time.
 * @throws AssertionError for an empty key or a window that is not finite: a caller's bug
 */
export function verifyStandardWebhook(request: StandardWebhookRequest): Verdict {
  const { id, timestamp, body, keys } = request;
  if (!isWebhookId(id)) return { ok: false, reason: 'MALFORMED_ID' };
  const signedAtMs = parseUnixSeconds(timestamp);
  if (signedAtMs === undefined) return { ok: false, reason: 'MALFORMED_TIMESTAMP' };
  const claimed = claimedDigests(request.signature);
  if (claimed.length === 0) return { ok: false, reason: 'MALFORMED_SIGNATURE' };
  const keyIndex = findSigningKey(keys, [`${id}.${timestamp}.`, body], claimed);
  if (keyIndex === undefined) return { ok: false, reason: 'BAD_SIGNATURE' };
  const stale = checkReplayWindow(signedAtMs, request);
  return stale === undefined ? { ok: true, keyIndex } : { ok: false, reason: 'STALE_TIMESTAMP', ...stale };
}

function claimedDigests(signature: string | readonly string[]): Buffer[] {
  const digests: Buffer[] = [];
  let left = MAX_SIGNATURES;
  for (const value of typeof signature === 'string' ? [signature] : signature) {
    for (const entry of value.split(' ', left)) {
      left -= 1;
      const digest = entry.startsWith(VERSION) ? parseBase64Digest(entry.slice(VERSION.length)) : undefined;
      if (digest !== undefined) digests.push(digest);
    }
    if (left === 0) break;
  }
  return digests;
}
