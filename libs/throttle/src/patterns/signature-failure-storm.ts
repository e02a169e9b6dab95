import type { SignatureFailureStormFinding, Subject } from './finding.js';
import { StormCounter } from './storm-counter.js';
import type { StormSettings } from './storm-counter.js';

/** A sender that is rolling out a new secret fails some dozens of times; guessing and probing go on. */
export const SIGNATURE_FAILURE_STORM: Readonly<StormSettings> = {
  threshold: 20,
  windowMs: 60_000,
  coolDownMs: 900_000,
  maxSubjects: 10_000,
};

/**
 * Many requests whose signature does not hold, for one candidate tenant or bot, or from one source address.
 * Only tenants and bots that exist should be observed: invented ones would crowd the others out of the memory.
 */
export class SignatureFailureStorm {
  readonly #counter: StormCounter;

  constructor(settings: Partial<StormSettings> = {}) {
    this.#counter = new StormCounter({ ...SIGNATURE_FAILURE_STORM, ...settings });
  }

  /** Subjects remembered now. */
  get size(): number {
    return this.#counter.size;
  }

  /**
   * To be called once for each subject of the failed request.
   * @param nowMs unix ms
   * @returns at most one finding per subject and cool-down
   */
  observe(subject: Subject, nowMs: number): SignatureFailureStormFinding | undefined {
    const evidence = this.#counter.observe(subject, nowMs);
    return evidence && { pattern: 'signature_failure_storm', subject, evidence, startedAtMs: evidence.firstAtMs };
  }
}
