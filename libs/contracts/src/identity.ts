import { createHash } from 'node:crypto';
import { v5, v7 } from 'uuid';

/** Namespace of every name-based id here; drawn once, never changed. */
const NAMESPACE = '6f0f1c52-7f0c-4c39-9b2e-6f5f1f2f8a11';

/** The id of a signal's `webhook.received` and its `webhookId`: the same for every retry of the same signal. */
export function signalEventId(tenantId: string, accountId: string, signalId: string): string {
  return v5(JSON.stringify(['signal', tenantId, accountId, signalId]), NAMESPACE);
}

/** The webhookId of a request that is authentic but malformed: its sender, and its nonce or its body's hash. */
export function malformedEventId(tenantId: string, nonceOrBodyHash: string): string {
  return v5(JSON.stringify(['malformed', tenantId, nonceOrBodyHash]), NAMESPACE);
}

/**
 * The id of an event or entity that another one causes. Writing twice writes the same id.
 * @param role what it is to its cause, such as `validated` or `fill`
 */
export function derivedId(causeId: string, role: string, ordinal: number | string = 0): string {
  return v5(JSON.stringify(['derived', causeId, role, ordinal]), NAMESPACE);
}

/** A new global id that sorts by time: `acc_018f…`. */
export function newId(prefix: 'ten' | 'acc' | 'bot' | 'agt' | 'wld' | 'key' | 'sec' | 'whe'): string {
  return `${prefix}_${v7()}`;
}

/** The signalId of a request that has a nonce and none of its own. */
export function signalIdOfNonce(nonce: string): string {
  return `n_${createHash('sha256').update(nonce).digest('base64url')}`;
}
