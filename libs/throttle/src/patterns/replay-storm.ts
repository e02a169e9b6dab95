import type { ReplayStormFinding, Subject } from './finding.js';
import { StormCounter } from './storm-counter.js';
import type { StormSettings } from './storm-counter.js';

/** A sender's retries of one request are a handful; a captured request that is sent over and over is not. */
export const NONCE_REPLAY_STORM: Readonly<StormSettings> = {
  threshold: 10,
  windowMs: 60_000,
  coolDownMs: 900_000,
  maxSubjects: 10_000,
};
/** Over all nonces: a fifth of the default rate. A short queue that is repeated after an outage stays below it. */
export const TENANT_REPLAY_STORM: Readonly<StormSettings> = {
  threshold: 200,
  windowMs: 60_000,
  coolDownMs: 900_000,
  maxSubjects: 10_000,
};

/** Many repetitions of one request, or of many requests of one tenant. Each was answered from its claim again. */
export class ReplayStorm {
  readonly #perNonce: StormCounter;
  readonly #perTenant: StormCounter;

  constructor(settings: { perNonce?: Partial<StormSettings>; perTenant?: Partial<StormSettings> } = {}) {
    this.#perNonce = new StormCounter({ ...NONCE_REPLAY_STORM, ...settings.perNonce });
    this.#perTenant = new StormCounter({ ...TENANT_REPLAY_STORM, ...settings.perTenant });
  }

  /** Tenants and nonces remembered now. */
  get size(): number {
    return this.#perNonce.size + this.#perTenant.size;
  }

  /**
   * @param replay an authenticated request that had been accepted before
   * @param nowMs  unix ms
   * @returns at most one finding per subject and cool-down; where tenant and nonce both storm, the tenant's, which
   *   is the wider one
   */
  observe(replay: { tenantId: string; nonce: string }, nowMs: number): ReplayStormFinding | undefined {
    const { tenantId, nonce } = replay;
    const ofNonce = toFinding(this.#perNonce, { kind: 'nonce', tenantId, id: nonce }, nowMs);
    const ofTenant = toFinding(this.#perTenant, { kind: 'tenant', tenantId, id: tenantId }, nowMs);
    return ofTenant ?? ofNonce;
  }
}

function toFinding(counter: StormCounter, subject: Subject, nowMs: number): ReplayStormFinding | undefined {
  const evidence = counter.observe(subject, nowMs);
  return evidence && { pattern: 'replay_storm', subject, evidence, startedAtMs: evidence.firstAtMs };
}
