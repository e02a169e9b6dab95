import { strict as assert } from 'node:assert';
import { digestsEqual, hmacSha256 } from '@tickwire/signing';

/** The signal whose status the token opens. */
export interface StatusTokenSubject {
  tenantId: string;
  webhookId: string;
}

export type StatusTokenVerdict =
  { ok: true; receivedAtMs: number } | { ok: false; reason: 'MALFORMED' | 'BAD_SIGNATURE' | 'EXPIRED' };

/** How long after its receipt a signal's `statusUrl` is a credential, ms. */
export const STATUS_TOKEN_LIFETIME_MS = 24 * 60 * 60 * 1000;
const MIN_KEY_BYTES = 32;
const TOKEN = /^(0|[1-9]\d{0,14})\.([A-Za-z0-9_-]{43})$/;

/**
 * Writes the `t` of a `statusUrl`: `<receivedAtMs>.<HMAC-SHA256 over tenant, webhookId and time, base64url>`.
 * @param key at least 32 bytes, shared by ingress and api
 * @throws AssertionError for a short key or a time that is not in whole ms
 */
export function signStatusToken(subject: StatusTokenSubject, receivedAtMs: number, key: Uint8Array): string {
  assert(Number.isSafeInteger(receivedAtMs) && receivedAtMs >= 0, 'receivedAtMs must be whole ms since the epoch');
  return `${receivedAtMs}.${mac(subject, String(receivedAtMs), key).toString('base64url')}`;
}

/**
 * Verifies the `t` of a `statusUrl` for one signal. The signature is checked before the age; a time slightly in the
 * future is another process's clock, and ours since the signature holds.
 * @param keys every key that is live, two during a rotation
 * @param nowMs the reader's clock, ms since the epoch
 */
export function verifyStatusToken(
  token: string,
  subject: StatusTokenSubject,
  keys: readonly Uint8Array[],
  nowMs: number,
): StatusTokenVerdict {
  const [, time, signature] = TOKEN.exec(token) ?? [];
  if (time === undefined || signature === undefined) return { ok: false, reason: 'MALFORMED' };
  const given = Buffer.from(signature, 'base64url');
  // The last character carries two bits that belong to no byte; only one spelling of a token is valid.
  if (given.toString('base64url') !== signature) return { ok: false, reason: 'MALFORMED' };
  if (!keys.some((key) => digestsEqual(given, mac(subject, time, key)))) return { ok: false, reason: 'BAD_SIGNATURE' };
  const receivedAtMs = Number(time);
  if (nowMs - receivedAtMs > STATUS_TOKEN_LIFETIME_MS) return { ok: false, reason: 'EXPIRED' };
  return { ok: true, receivedAtMs };
}

function mac({ tenantId, webhookId }: StatusTokenSubject, time: string, key: Uint8Array): Buffer {
  assert(key.length >= MIN_KEY_BYTES, `a status token key must hold at least ${MIN_KEY_BYTES} bytes`);
  return hmacSha256(key, [JSON.stringify(['status', tenantId, webhookId, time])]);
}
