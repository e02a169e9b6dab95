import type { IncomingHttpHeaders } from 'node:http';
import type { WebhookReceived } from '@tickwire/contracts';
import { ProblemError } from '@tickwire/problem-details';

export type SchemeName = WebhookReceived['scheme'];

/** A request before anything about it is believed. */
export interface UnprovenRequest {
  headers: IncomingHttpHeaders;
  /** The bytes as they came. */
  body: Buffer;
  /** What the body says of itself; it only picks candidate secrets. */
  claims: { tenantId?: string; botId?: string };
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
}

/** One way to prove who sends. */
export interface Scheme {
  readonly name: SchemeName;
  /** The headers of this request that hold a credential of this scheme, lower case. */
  credentials(headers: IncomingHttpHeaders): string[];
  /**
   * Judges the credential that `credentials` found.
   * @throws ProblemError 401, the same whatever part of the credential is wrong; 403 for one that holds and does not allow this
   * @throws TransientError while the directory cannot be read
   */
  prove(request: UnprovenRequest): Promise<Proof>;
}

/**
 * Proves a request by the one credential that it carries.
 * @throws ProblemError AMBIGUOUS_CREDENTIALS for two, UNAUTHENTICATED for none; and what the scheme throws
 */
export async function authenticate(schemes: readonly Scheme[], request: UnprovenRequest): Promise<Proof> {
  let count = 0;
  let chosen: Scheme | undefined;
  let authorizationRead = false;
  for (const scheme of schemes) {
    const headers = scheme.credentials(request.headers);
    if (headers.length === 0) continue;
    count += headers.length;
    chosen = scheme;
    authorizationRead ||= headers.includes('authorization');
  }
  // A credential that no scheme here knows is one all the same.
  if (request.headers.authorization !== undefined && !authorizationRead) count += 1;
  if (count > 1) throw new ProblemError('AMBIGUOUS_CREDENTIALS', 'Send one credential, not several.');
  if (chosen === undefined) {
    throw new ProblemError(
      'UNAUTHENTICATED',
      'Sign the request (webhook-id, webhook-timestamp, webhook-signature) or send an API key.',
    );
  }
  return chosen.prove(request);
}

/** The one answer to every credential that does not hold. */
export function notAuthenticated(): ProblemError {
  return new ProblemError('BAD_SIGNATURE', 'The credential does not fit this request.');
}
