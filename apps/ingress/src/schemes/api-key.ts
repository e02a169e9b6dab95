import type { IncomingHttpHeaders } from 'node:http';
import { hashApiKey, parseApiKey } from '@tickwire/credentials';
import type { ApiKeyEntry } from '@tickwire/directory';
import { ProblemError } from '@tickwire/problem-details';
import { idempotencyKey } from './idempotency-key.js';
import { notAuthenticated, type Proof, type Scheme, type UnprovenRequest } from './scheme.js';

/** What a key has to allow. */
const SCOPE = 'signals:write';
const BEARER_KEY = /^bearer +(tw_\S+)$/i;

export interface ApiKeyRows {
  apiKey(hash: string): Promise<ApiKeyEntry | undefined>;
}

/**
 * A tenant's API key, as `Authorization: Bearer tw_…` or `X-API-Key`. The nonce is `Idempotency-Key`, where there is
 * one. Only the key's hash is known here; it is looked up, so that no comparison of secrets takes place.
 */
export class ApiKeyScheme implements Scheme {
  readonly name = 'api-key';

  /** @param pepper at least 16 bytes, the same in every process */
  constructor(
    private readonly keys: ApiKeyRows,
    private readonly pepper: Uint8Array,
  ) {}

  credentials(headers: IncomingHttpHeaders): string[] {
    const found: string[] = [];
    if (BEARER_KEY.test(headers.authorization ?? '')) found.push('authorization');
    if (headers['x-api-key'] !== undefined) found.push('x-api-key');
    return found;
  }

  async prove({ headers, nowMs }: UnprovenRequest): Promise<Proof> {
    const given = BEARER_KEY.exec(headers.authorization ?? '')?.[1] ?? headers['x-api-key'];
    const key = typeof given === 'string' ? parseApiKey(given) : undefined;
    // Garbage and the keys of agents and operators never reach the database.
    if (key?.kind !== 'live' && key?.kind !== 'test') throw notAuthenticated();
    const entry = await this.keys.apiKey(hashApiKey(key, this.pepper));
    if (entry === undefined || entry.tenantId === null) throw notAuthenticated();
    if (entry.expiresAt !== null && entry.expiresAt.getTime() <= nowMs) throw notAuthenticated();
    if (!entry.scopes.includes(SCOPE)) throw new ProblemError('FORBIDDEN', `The key lacks the scope ${SCOPE}.`);
    const nonce = idempotencyKey(headers);
    return { scheme: this.name, tenantId: entry.tenantId, ...(nonce === undefined ? {} : { nonce }) };
  }
}
