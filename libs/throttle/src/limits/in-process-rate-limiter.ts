import { drained, emptyAfterUs, fits, toVerdict, UNIT } from './bucket.js';
import type { Bucket } from './bucket.js';
import { assertTake } from './rate-limiter.js';
import type { Limit, RateLimiter, Verdict } from './rate-limiter.js';

export interface InProcessRateLimiterOptions {
  /** Keys remembered at most. Beyond it the one that has least to remember is forgotten early. */
  maxKeys?: number;
}

interface HeldBucket extends Bucket {
  /** From here on the key has its whole burst, and remembering it says nothing. */
  emptyAtUs: number;
}

const DEFAULT_MAX_KEYS = 200_000;
/** Keys looked at with each request: more than a request adds, so that empty ones do not pile up. */
const SWEEP_KEYS = 4;
/** Keys among which the one to forget is chosen. */
const EVICTION_SAMPLE = 16;

/**
 * Limits in the memory of one process: for the embedded default, and for a replica whose Redis is away. `take` runs
 * to its end without waiting for anything, which makes it atomic.
 */
export class InProcessRateLimiter implements RateLimiter {
  readonly #buckets = new Map<string, HeldBucket>();
  readonly #maxKeys: number;
  /** Walks over the keys for ever, a few with each request: a map's iterator stays valid while the map changes. */
  #walk: MapIterator<[string, HeldBucket]> = this.#buckets.entries();

  constructor({ maxKeys = DEFAULT_MAX_KEYS }: InProcessRateLimiterOptions = {}) {
    if (!Number.isSafeInteger(maxKeys) || maxKeys < EVICTION_SAMPLE) {
      throw new RangeError(`maxKeys must be at least ${EVICTION_SAMPLE}`);
    }
    this.#maxKeys = maxKeys;
  }

  /** Keys remembered now, those included that have become empty and are not swept yet. */
  get size(): number {
    return this.#buckets.size;
  }

  async take(limits: readonly Limit[], cost: number, nowMs: number): Promise<Verdict> {
    assertTake(limits, cost, nowMs);
    const nowUs = Math.floor(nowMs * 1_000);
    this.#sweep(nowUs);
    const levels = limits.map(({ key, perMinute }) => drained(this.#buckets.get(key), perMinute, nowUs));
    const allowed = limits.every((limit, index) => fits(levels[index]!, cost, limit));
    if (!allowed) return toVerdict(false, limits, levels, cost);
    const raised = levels.map((level) => level + cost * UNIT);
    limits.forEach((limit, index) => this.#write(limit, raised[index]!, nowUs, limits));
    return toVerdict(true, limits, raised, cost);
  }

  #write({ key, perMinute }: Limit, level: number, nowUs: number, current: readonly Limit[]): void {
    const emptyAtUs = nowUs + emptyAfterUs(level, perMinute);
    const bucket = this.#buckets.get(key);
    if (bucket !== undefined) {
      Object.assign(bucket, { level, atUs: nowUs, emptyAtUs });
      return;
    }
    if (this.#buckets.size >= this.#maxKeys) this.#forgetOne(current);
    this.#buckets.set(key, { level, atUs: nowUs, emptyAtUs });
  }

  #sweep(nowUs: number): void {
    for (let looked = 0; looked < SWEEP_KEYS; looked++) {
      const next = this.#next();
      if (next === undefined) return;
      if (next[1].emptyAtUs <= nowUs) this.#buckets.delete(next[0]);
    }
  }

  /** Forgets the key of a sample that would be empty first: it gains least by it. Keys of the request are spared. */
  #forgetOne(current: readonly Limit[]): void {
    let first: [string, HeldBucket] | undefined;
    for (let looked = 0; looked < EVICTION_SAMPLE + current.length; looked++) {
      const next = this.#next();
      if (next === undefined || current.some(({ key }) => key === next[0])) continue;
      if (first === undefined || next[1].emptyAtUs < first[1].emptyAtUs) first = next;
    }
    if (first !== undefined) this.#buckets.delete(first[0]);
  }

  /** @returns undefined where the walk has come to the end; it begins again with the next call */
  #next(): [string, HeldBucket] | undefined {
    const { value, done } = this.#walk.next();
    if (!done) return value;
    this.#walk = this.#buckets.entries();
    return undefined;
  }
}
