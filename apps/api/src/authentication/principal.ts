import type { FastifyRequest } from 'fastify';
import type { Actor } from '../audit/author.js';

type KeyId = Extract<Actor, `key_${string}`>;

/** What a tenant's API key may be good for. */
export const SCOPES = ['signals:write', 'read', 'manage'] as const;
export type Scope = (typeof SCOPES)[number];

/** Who is asking, as the credential says; nothing in path, query or body can change it. */
export type Principal =
  | { kind: 'admin' }
  | { kind: 'tenant'; tenantId: string; keyId: KeyId; scopes: readonly string[] }
  | { kind: 'agent'; tenantId: string; keyId: KeyId; agentId: string }
  /** The bearer of a status URL; the route verifies the token for its one signal. */
  | { kind: 'status-token'; token: string };

export type PrincipalRequest = FastifyRequest & { principal?: Principal };
