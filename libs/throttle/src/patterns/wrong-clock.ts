import type { ClockEvidence, Subject, WrongClockFinding } from './finding.js';
import { assertCount, SubjectMemory } from './subject-memory.js';

export interface WrongClockSettings {
  /** So many signed requests in a row have to agree. */
  requests: number;
  /** From this part of the tolerance on, a difference is near the edge or outside; above 0, at most 1. */
  edge: number;
  /** Their differences lie within so many ms. A queue that is worked off late shows differences that vary. */
  spreadMs: number;
  /** They all came within so many ms. */
  windowMs: number;
  /** After a finding nothing more is said of the subject for so long. */
  coolDownMs: number;
  /** Subjects remembered at most. */
  maxSubjects: number;
}

export const WRONG_CLOCK: Readonly<WrongClockSettings> = {
  requests: 5,
  edge: 0.8,
  spreadMs: 10_000,
  windowMs: 3_600_000,
  coolDownMs: 3_600_000,
  maxSubjects: 10_000,
};

interface SkewSample {
  skewMs: number;
  atMs: number;
}

interface ClockMemory {
  /** Requests in a row that agree, oldest first, at most `requests`. */
  agreeing: SkewSample[];
  quietUntilMs: number;
}

/**
 * A sender whose clock is off: its signed requests in a row lie outside the accepted window, or near its edge, all on
 * the same side and by about the same time. One request that does not agree starts the row again.
 */
export class WrongClock {
  readonly #settings: WrongClockSettings;
  readonly #subjects: SubjectMemory<ClockMemory>;

  constructor(settings: Partial<WrongClockSettings> = {}) {
    this.#settings = { ...WRONG_CLOCK, ...settings };
    const { requests, edge, spreadMs, windowMs, coolDownMs, maxSubjects } = this.#settings;
    for (const [name, value] of Object.entries({ requests, spreadMs, windowMs, coolDownMs })) assertCount(name, value);
    if (!(edge > 0 && edge <= 1)) throw new RangeError('edge must be above 0 and at most 1');
    this.#subjects = new SubjectMemory<ClockMemory>({
      fresh: () => ({ agreeing: [], quietUntilMs: -Infinity }),
      quietMs: Math.max(windowMs, coolDownMs),
      maxSubjects,
    });
  }

  /** Subjects remembered now. */
  get size(): number {
    return this.#subjects.size;
  }

  /**
   * To be called for every request whose signature holds, refused for its time or not: those in time break the row.
   * @param subject the tenant, or its bot where bots have clocks of their own
   * @param clock   `skewMs`: the request's timestamp minus our time, positive when the sender is ahead;
   *   `toleranceMs`: how much of it is accepted, either way
   * @param nowMs   unix ms
   * @returns at most one finding per subject and cool-down
   */
  observe(
    subject: Subject,
    { skewMs, toleranceMs }: { skewMs: number; toleranceMs: number },
    nowMs: number,
  ): WrongClockFinding | undefined {
    if (!Number.isFinite(skewMs) || !(toleranceMs > 0)) throw new RangeError('skewMs and toleranceMs must be times');
    const { requests, edge, windowMs, coolDownMs } = this.#settings;
    const { memory, atMs } = this.#subjects.observe(subject, nowMs);
    if (Math.abs(skewMs) < toleranceMs * edge) {
      memory.agreeing = [];
      return undefined;
    }
    const sample = { skewMs, atMs };
    const row = [...memory.agreeing, sample].slice(-requests).filter((earlier) => atMs - earlier.atMs <= windowMs);
    memory.agreeing = this.#agree(row) ? row : [sample];
    if (memory.agreeing.length < requests || atMs < memory.quietUntilMs) return undefined;
    memory.quietUntilMs = atMs + coolDownMs;
    const evidence = toEvidence(memory.agreeing, toleranceMs, windowMs);
    return { pattern: 'wrong_clock', subject, evidence, startedAtMs: evidence.firstAtMs };
  }

  #agree(row: readonly SkewSample[]): boolean {
    const skews = row.map(({ skewMs }) => skewMs);
    const [min, max] = [Math.min(...skews), Math.max(...skews)];
    return Math.sign(min) === Math.sign(max) && max - min <= this.#settings.spreadMs;
  }
}

function toEvidence(row: readonly SkewSample[], toleranceMs: number, windowMs: number): ClockEvidence {
  const skews = row.map(({ skewMs }) => skewMs).sort((one, other) => one - other);
  const middle = (skews.length - 1) / 2;
  return {
    skewMs: Math.round((skews[Math.floor(middle)]! + skews[Math.ceil(middle)]!) / 2),
    minSkewMs: skews[0]!,
    maxSkewMs: skews.at(-1)!,
    toleranceMs,
    count: row.length,
    windowMs,
    firstAtMs: row[0]!.atMs,
    lastAtMs: row.at(-1)!.atMs,
  };
}
