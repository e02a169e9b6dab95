import { hash } from 'node:crypto';
import { signalEventId, signalIdOfNonce } from '@tickwire/contracts';
import { claimKeys } from '../claims/claim-keys.js';
import type { ClaimedIds } from '../claims/claim-store.js';

export interface IdentityFacts {
  tenantId: string;
  accountId: string;
  /** The sender's, from the body. */
  signalId?: string;
  botId?: string;
  scheme: string;
  /** What the scheme carries beside the signalId. */
  nonce?: string;
  bodyHash: string;
}

export interface SignalIdentity {
  ids: ClaimedIds;
  /** What the request is claimed under. */
  keys: string[];
  /** Nothing in the request tells it from an equal one that is meant as a second signal. */
  drawn: boolean;
}

/**
 * Gives a request its identity: the sender's signalId, else one that follows from the nonce. With neither, `draw` gives
 * one, and the claim under bot and body keeps it for the repetitions of the same body.
 * @param draw a new unique id
 */
export function signalIdentity(facts: IdentityFacts, draw: () => string): SignalIdentity {
  const { tenantId, accountId, scheme, nonce, botId, bodyHash } = facts;
  const signalId = facts.signalId ?? (nonce === undefined ? undefined : signalIdOfNonce(nonce));
  if (signalId === undefined) {
    const drawnId = draw();
    // With the account: one bot may have an alert address for each of two.
    const body = { scheme: 'body', value: hashOf(JSON.stringify([botId ?? null, accountId, bodyHash])) };
    // Not under the signal: a repetition draws another id before it learns of this one.
    return { ids: idsOf(tenantId, accountId, drawnId), keys: claimKeys({ tenantId, nonce: body }), drawn: true };
  }
  const keys = claimKeys({
    tenantId,
    nonce: nonce === undefined ? undefined : { scheme, value: nonce },
    signal: { accountId, signalId },
  });
  return { ids: idsOf(tenantId, accountId, signalId), keys, drawn: false };
}

/** SHA-256 as base64url. */
export function hashOf(content: Uint8Array | string): string {
  return hash('sha256', content, 'base64url');
}

function idsOf(tenantId: string, accountId: string, signalId: string): ClaimedIds {
  return { webhookId: signalEventId(tenantId, accountId, signalId), signalId };
}
