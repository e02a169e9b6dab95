import type { IncomingHttpHeaders } from 'node:http';
import type { WebhookReceived } from '@tickwire/contracts';
import { ProblemError } from '@tickwire/problem-details';
import { checkReplayWindow } from '@tickwire/signing';
import { allowAll, requireAllowed, windowOf, type PolicyOf } from './scheme-policy.js';

/** What `webhook.received` may say of how a signal proved itself. */
export type SchemeName = WebhookReceived['scheme'];

/** A request before anything about it is believed. */
export interface UnprovenRequest {
  headers: IncomingHttpHeaders;
  /** The bytes as they came. */
  body: Buffer;
  /**
   * What the body says of itself. The ids only pick candidate secrets; `timestamp`, the text of that member, is looked
   * at once the signature over it holds.
   */
  claims: { tenantId?: string; botId?: string; timestamp?: string };
  /** The door's clock, ms since the epoch. */
  nowMs: number;
}

/** Who sent the request, proven. */
export interface Proof {
  scheme: SchemeName;
  tenantId: string;
  /** Present where a bot's own secret signed: the signal has to be this bot's. */
  botId?: string;
  /** What the sender uses once, where the scheme carries such a thing beside the signalId. */
  nonce?: string;
  /** Where a time was signed. */
  clock?: ClockReading;
}

/** How far the sender's clock is from ours, and how far it may be, ms. Positive: ahead. */
export interface ClockReading {
  skewMs: number;
  toleranceMs: number;
}

/** What a scheme finds: the credential holds. Whether the tenant accepts it, and now, `authenticate` judges. */
export interface Proven extends Proof {
  /** The signed time, where the scheme has one. */
  signed?: SignedTime;
}

export interface SignedTime {
  /** ms since the epoch. */
  atMs: number;
  /** How far it may lie in the past or in the future, ms, where the tenant's policy does not say. */
  toleranceMs: number;
}

/** One way to prove who sends. */
export interface Scheme {
  readonly name: SchemeName;
  /** The headers of this request that hold a credential of this scheme, lower case. */
  credentials(headers: IncomingHttpHeaders): string[];
  /**
   * Judges the credential that `credentials` found, but not the age of what was signed.
   * @throws ProblemError 401, the same whatever part of the credential is wrong; 403 for one that holds and does not allow this
   * @throws TransientError while the directory cannot be read
   */
  prove(request: UnprovenRequest): Promise<Proven>;
}

/**
 * Proves a request by the one credential that it carries. Only when that holds, the tenant's policy is read: before, it
 * would be a stranger's question, and an unknown tenant would take longer than a wrong signature.
 * @throws ProblemError AMBIGUOUS_CREDENTIALS for two, UNAUTHENTICATED for none, FORBIDDEN for a scheme that the tenant
 *   does not allow, STALE_TIMESTAMP for a signed time outside its window; and what the scheme throws
 */
export async function authenticate(
  schemes: readonly Scheme[],
  request: UnprovenRequest,
  policyOf: PolicyOf = allowAll,
): Promise<Proof> {
  const { signed, ...proof } = await chooseScheme(schemes, request).prove(request);
  const policy = await policyOf(proof.tenantId);
  requireAllowed(policy, proof.scheme);
  if (signed === undefined) return proof;
  const toleranceMs = windowOf(policy, proof.scheme, signed.toleranceMs);
  requireFresh(signed, toleranceMs, request.nowMs);
  return { ...proof, clock: { skewMs: signed.atMs - request.nowMs, toleranceMs } };
}

/** The one answer to every credential that does not hold. */
export function notAuthenticated(): ProblemError {
  return new ProblemError('BAD_SIGNATURE', 'The credential does not fit this request.');
}

/** @returns the text of a header that came once, else the empty text, which no scheme accepts */
export function textHeader(headers: IncomingHttpHeaders, name: string): string {
  const value = headers[name];
  return typeof value === 'string' ? value : '';
}

function chooseScheme(schemes: readonly Scheme[], { headers }: UnprovenRequest): Scheme {
  let count = 0;
  let chosen: Scheme | undefined;
  let authorizationRead = false;
  for (const scheme of schemes) {
    const found = scheme.credentials(headers);
    if (found.length === 0) continue;
    count += found.length;
    chosen = scheme;
    authorizationRead ||= found.includes('authorization');
  }
  // A credential that no scheme here knows is one all the same.
  if (headers.authorization !== undefined && !authorizationRead) count += 1;
  if (count > 1) throw new ProblemError('AMBIGUOUS_CREDENTIALS', 'Send one credential, not several.');
  if (chosen === undefined) {
    throw new ProblemError(
      'UNAUTHENTICATED',
      'Sign the request (webhook-id, webhook-timestamp, webhook-signature; or a hex signature) or send an API key.',
    );
  }
  return chosen;
}

function requireFresh({ atMs }: SignedTime, toleranceMs: number, nowMs: number): void {
  const stale = checkReplayWindow(atMs, { nowMs, toleranceMs });
  if (stale === undefined) return;
  const { skewMs } = stale;
  throw new ProblemError('STALE_TIMESTAMP', `The clocks differ by ${skewMs} ms; ${toleranceMs} ms are accepted.`, {
    details: { skewMs, toleranceMs },
  });
}
