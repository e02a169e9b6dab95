import { createHash } from 'node:crypto';
import { hashApiKey, parseApiKey, type ApiKey } from '@tickwire/credentials';
import { toTransient } from '@tickwire/persistence';
import { ProblemError } from '@tickwire/problem-details';
import { digestsEqual } from '@tickwire/signing';
import type { Pool } from 'pg';
import { LastUses, UNRECORDED } from './last-uses.js';
import type { Principal } from './principal.js';

const ADMIN_PREFIX = 'tw_admin_';

interface KeyRow {
  id: `key_${string}`;
  tenant_id: string;
  agent_id: string | null;
  scopes: string[];
  expired: boolean;
  tenant_status: string;
  unrecorded: boolean;
}

export interface AuthenticatorSettings {
  adminToken: string;
  /** At least 16 bytes. */
  pepper: Uint8Array;
}

/**
 * Turns a credential's text into who is asking. Keys are looked up in the database at each request: this app owns the
 * rows, and a key that was revoked here must not work a moment longer.
 */
export class Authenticator {
  private readonly adminDigest: Buffer;
  private readonly lastUses: LastUses;

  constructor(
    private readonly pool: Pool,
    private readonly settings: AuthenticatorSettings,
  ) {
    this.adminDigest = sha256(settings.adminToken);
    this.lastUses = new LastUses(pool);
  }

  /**
   * @throws ProblemError UNAUTHENTICATED for anything unknown, revoked or expired, TENANT_INACTIVE
   * @throws TransientError while the database is away
   */
  async authenticate(text: string): Promise<Principal> {
    // Digests have one length, so the comparison takes the same time for every text.
    if (text.startsWith(ADMIN_PREFIX) && digestsEqual(sha256(text), this.adminDigest)) return { kind: 'admin' };
    const key = parseApiKey(text);
    if (key === undefined || key.kind === 'admin') throw unknownCredential();
    const row = await this.find(key);
    if (row === undefined || row.expired) throw unknownCredential();
    if (row.unrecorded) this.lastUses.record(row.id);
    if (row.tenant_status !== 'active') {
      throw new ProblemError('TENANT_INACTIVE', 'The tenant of this credential is not active.');
    }
    const { id: keyId, tenant_id: tenantId, agent_id: agentId, scopes } = row;
    return agentId === null ? { kind: 'tenant', tenantId, keyId, scopes } : { kind: 'agent', tenantId, keyId, agentId };
  }

  /** Resolves when what is being noted of past requests is written, or was given up. */
  settled(): Promise<void> {
    return this.lastUses.settled();
  }

  private async find(key: ApiKey): Promise<KeyRow | undefined> {
    try {
      const { rows } = await this.pool.query<KeyRow>({
        name: 'api-key',
        text: `SELECT k."id", k."tenant_id", k."agent_id", k."scopes", t."status" AS "tenant_status",
                      coalesce(k."expires_at" <= now(), false) AS "expired", ${UNRECORDED} AS "unrecorded"
                 FROM "api_key" k JOIN "tenant" t ON t."id" = k."tenant_id"
                WHERE k."hash" = $1 AND k."revoked_at" IS NULL`,
        values: [hashApiKey(key, this.settings.pepper)],
      });
      return rows[0];
    } catch (error) {
      throw toTransient(error);
    }
  }
}

function unknownCredential(): ProblemError {
  return new ProblemError('UNAUTHENTICATED', 'The credential is unknown, revoked or expired.');
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
