import type { Subject } from './finding.js';

interface Remembered<T> {
  memory: T;
  /** The latest time at which the subject was observed, unix ms. */
  lastAtMs: number;
}

/**
 * What a detector remembers of each subject, least recently observed first. Subjects that have been quiet for long
 * enough to say nothing any more are forgotten, and beyond `maxSubjects` the quietest ones are, early: they may then
 * be found later, or again within their cool-down. No timer is needed.
 */
export class SubjectMemory<T> {
  readonly #subjects = new Map<string, Remembered<T>>();
  readonly #fresh: () => T;
  readonly #quietMs: number;
  readonly #maxSubjects: number;

  constructor({ fresh, quietMs, maxSubjects }: { fresh: () => T; quietMs: number; maxSubjects: number }) {
    assertCount('maxSubjects', maxSubjects);
    this.#fresh = fresh;
    this.#quietMs = quietMs;
    this.#maxSubjects = maxSubjects;
  }

  get size(): number {
    return this.#subjects.size;
  }

  /**
   * @returns the subject's memory, to be changed in place, and the time to use: a clock that was set back stands
   *   still for the subject until it has caught up, at most for the time of its memory
   */
  observe(subject: Subject, nowMs: number): { memory: T; atMs: number } {
    if (!Number.isFinite(nowMs)) throw new RangeError('nowMs must be a time');
    this.#forgetQuiet(nowMs);
    const key = JSON.stringify([subject.kind, subject.tenantId, subject.id]);
    const known = this.#subjects.get(key);
    const setBack = known !== undefined && known.lastAtMs - nowMs > this.#quietMs;
    const remembered = known === undefined || setBack ? { memory: this.#fresh(), lastAtMs: nowMs } : known;
    remembered.lastAtMs = Math.max(remembered.lastAtMs, nowMs);
    this.#subjects.delete(key); // so that it moves to the end of the order
    this.#subjects.set(key, remembered);
    if (this.#subjects.size > this.#maxSubjects) this.#forgetFirst();
    return { memory: remembered.memory, atMs: remembered.lastAtMs };
  }

  #forgetQuiet(nowMs: number): void {
    for (const [key, { lastAtMs }] of this.#subjects) {
      if (nowMs - lastAtMs <= this.#quietMs) return;
      this.#subjects.delete(key);
    }
  }

  #forgetFirst(): void {
    const [first] = this.#subjects.keys();
    if (first !== undefined) this.#subjects.delete(first);
  }
}

/** @throws RangeError unless it is a positive integer */
export function assertCount(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`${name} must be a positive integer`);
}
