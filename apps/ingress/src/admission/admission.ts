import type { IncomingHttpHeaders } from 'node:http';
import type { Directory, RestrictionEntry, TenantEntry, TenantSettings } from '@tickwire/directory';
import { ProblemError } from '@tickwire/problem-details';
import { authenticate, type Proof, type Scheme, type UnprovenRequest } from '../schemes/scheme.js';
import type { Suspicions } from '../suspicion/suspicions.js';

/** A request as it reached the door. */
export interface DoorRequest {
  headers: IncomingHttpHeaders;
  /** As they came. */
  body: Buffer;
  /** The sender's network address. */
  source: string;
}

/** A sender who may send now. */
export interface Admitted {
  proof: Proof;
  settings: TenantSettings;
  /** Of the tenant's limits, 1 unless the sender is throttled. */
  limitFactor: number;
}

export interface AdmissionParts {
  schemes: readonly Scheme[];
  directory: Pick<Directory, 'tenant' | 'restrictions'>;
  suspicions: Suspicions;
}

/** Decides who may come in: who proves to be whom, in a way that the tenant allows, and is not shut out at present. */
export class Admission {
  constructor(private readonly parts: AdmissionParts) {}

  /**
   * By the request's one credential.
   * @throws ProblemError 400, 401 or 403. @throws TransientError while the directory cannot be read
   */
  async admit(request: UnprovenRequest, source: string): Promise<Admitted> {
    const { schemes, directory, suspicions } = this.parts;
    const { claims, nowMs } = request;
    let proof: Proof;
    let tenant: TenantEntry | undefined;
    try {
      proof = await authenticate(schemes, request, async (tenantId) => {
        tenant = await directory.tenant(tenantId);
        return tenant?.settings ?? {};
      });
    } catch (error) {
      if (error instanceof ProblemError) suspicions.refused(error, { ...claims, source }, nowMs);
      throw error;
    }
    return this.#admitTo(tenant, proof, source, nowMs);
  }

  /** For a sender that has been proven already. @throws ProblemError TENANT_INACTIVE, QUARANTINED */
  async admitProven(proof: Proof, source: string, nowMs: number): Promise<Admitted> {
    return this.#admitTo(await this.parts.directory.tenant(proof.tenantId), proof, source, nowMs);
  }

  async #admitTo(tenant: TenantEntry | undefined, proof: Proof, source: string, nowMs: number): Promise<Admitted> {
    const { directory, suspicions } = this.parts;
    const { tenantId, botId, clock } = proof;
    if (tenant?.status !== 'active') throw new ProblemError('TENANT_INACTIVE', 'The tenant may not send signals now.');
    const restrictions = await directory.restrictions(tenantId);
    if (clock !== undefined) suspicions.clock({ tenantId, botId, source }, clock, nowMs);
    const limitFactor = judge(restrictions, { tenantId, botId, source, nonce: proof.nonce }, nowMs);
    return { proof, settings: tenant.settings, limitFactor };
  }
}

/** @returns the smallest factor of the throttles that apply. @throws ProblemError QUARANTINED */
function judge(
  restrictions: readonly RestrictionEntry[],
  sender: { tenantId: string; botId?: string; source: string; nonce?: string },
  nowMs: number,
): number {
  let factor = 1;
  const ids = { tenant: sender.tenantId, bot: sender.botId, source: sender.source, nonce: sender.nonce };
  for (const { id, kind, suspectKind, suspectId, until, factor: throttle } of restrictions) {
    if (ids[suspectKind] !== suspectId || until.getTime() <= nowMs) continue;
    if (kind === 'throttle') {
      factor = Math.min(factor, throttle ?? 1);
      continue;
    }
    throw new ProblemError('QUARANTINED', `Until ${until.toISOString()}, unless the tenant releases ${id} before.`, {
      details: { restrictionId: id, until: until.toISOString() },
    });
  }
  return factor;
}
