import type { StormEvidence, Subject } from './finding.js';
import { assertCount, SubjectMemory } from './subject-memory.js';

export interface StormSettings {
  /** So many occurrences within `windowMs` make a storm. */
  threshold: number;
  windowMs: number;
  /** After a finding nothing more is said of the subject for so long. */
  coolDownMs: number;
  /** Subjects remembered at most. */
  maxSubjects: number;
}

interface StormMemory {
  /** Times of the newest occurrences, at most `threshold` of them, as a ring: exact, whatever the window slides over. */
  readonly recentMs: number[];
  /** Where the oldest of a full ring is, and the next one goes. */
  oldest: number;
  storm: { count: number; startedAtMs: number } | undefined;
  quietUntilMs: number;
}

/** Finds subjects with which something happens too often. */
export class StormCounter {
  readonly #settings: StormSettings;
  readonly #subjects: SubjectMemory<StormMemory>;

  constructor(settings: StormSettings) {
    const { threshold, windowMs, coolDownMs, maxSubjects } = settings;
    assertCount('threshold', threshold);
    assertCount('windowMs', windowMs);
    assertCount('coolDownMs', coolDownMs);
    this.#settings = { threshold, windowMs, coolDownMs, maxSubjects };
    this.#subjects = new SubjectMemory<StormMemory>({
      fresh: () => ({ recentMs: [], oldest: 0, storm: undefined, quietUntilMs: -Infinity }),
      quietMs: Math.max(windowMs, coolDownMs),
      maxSubjects,
    });
  }

  get size(): number {
    return this.#subjects.size;
  }

  /** @returns what was counted, when it is a storm and the subject's cool-down is over */
  observe(subject: Subject, nowMs: number): StormEvidence | undefined {
    const { threshold, windowMs, coolDownMs } = this.#settings;
    const { memory, atMs } = this.#subjects.observe(subject, nowMs);
    memory.recentMs[memory.oldest] = atMs;
    memory.oldest = (memory.oldest + 1) % threshold;
    const firstAtMs = memory.recentMs.length < threshold ? undefined : memory.recentMs[memory.oldest]!;
    if (firstAtMs === undefined || atMs - firstAtMs > windowMs) {
      memory.storm = undefined;
      return undefined;
    }
    memory.storm ??= { count: threshold - 1, startedAtMs: firstAtMs };
    memory.storm.count++;
    if (atMs < memory.quietUntilMs) return undefined;
    memory.quietUntilMs = atMs + coolDownMs;
    const { count, startedAtMs } = memory.storm;
    return { count, threshold, windowMs, firstAtMs: startedAtMs, lastAtMs: atMs };
  }
}
