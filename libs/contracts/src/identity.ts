import { hash } from 'node:crypto';
import { v7 } from 'uuid';

/** Namespace of every name-based id here; drawn once, never changed. */
const NAMESPACE = '6f0f1c52-7f0c-4c39-9b2e-6f5f1f2f8a11';
const NAMESPACE_BYTES = Buffer.from(NAMESPACE.replaceAll('-', ''), 'hex');
/** Of UTF-16 in UTF-8. */
const MOST_BYTES_OF_A_CHARACTER = 3;

/** The id of a signal's `webhook.received` and its `webhookId`: the same for every retry of the same signal. */
export function signalEventId(tenantId: string, accountId: string, signalId: string): string {
  return nameBased(JSON.stringify(['signal', tenantId, accountId, signalId]));
}

/** The webhookId of a request that is authentic but malformed: its sender, and its nonce or its body's hash. */
export function malformedEventId(tenantId: string, nonceOrBodyHash: string): string {
  return nameBased(JSON.stringify(['malformed', tenantId, nonceOrBodyHash]));
}

/**
 * The id of an event or entity that another one causes. Writing twice writes the same id.
 * @param role what it is to its cause, such as `validated` or `fill`
 */
export function derivedId(causeId: string, role: string, ordinal: number | string = 0): string {
  return nameBased(JSON.stringify(['derived', causeId, role, ordinal]));
}

/** A new global id that sorts by time: `acc_018f…`. */
export function newId(
  prefix: 'ten' | 'acc' | 'bot' | 'agt' | 'wld' | 'key' | 'sec' | 'whe' | 'alt' | 'iss' | 'rst',
): string {
  return `${prefix}_${v7()}`;
}

/** The signalId of a request that has a nonce and none of its own. */
export function signalIdOfNonce(nonce: string): string {
  return `n_${hash('sha256', nonce, 'base64url')}`;
}

/** The namespace, and behind it room for a name; what is written there is read in the same turn. */
const scratch = Buffer.concat([NAMESPACE_BYTES, Buffer.alloc(1_024)]);

/** UUIDv5 (RFC 9562) under our namespace. A dozen are drawn for each signal, at a fifth of the library's cost. */
function nameBased(name: string): string {
  const fits = name.length * MOST_BYTES_OF_A_CHARACTER <= scratch.length - NAMESPACE_BYTES.length;
  const bytes = fits
    ? scratch.subarray(0, NAMESPACE_BYTES.length + scratch.write(name, NAMESPACE_BYTES.length, 'utf8'))
    : Buffer.concat([NAMESPACE_BYTES, Buffer.from(name, 'utf8')]);
  const digest = hash('sha1', bytes, 'hex');
  const variant = '89ab'[parseInt(digest[16]!, 16) & 3]!;
  return `${digest.slice(0, 8)}-${digest.slice(8, 12)}-5${digest.slice(13, 16)}-${variant}${digest.slice(17, 20)}-${digest.slice(20, 32)}`;
}
