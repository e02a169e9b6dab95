import { setImmediate as nextTurn } from 'node:timers/promises';
import { TransientError } from '@tickwire/errors';
import { InProcessRateLimiter } from './in-process-rate-limiter.js';
import { scaleLimits } from './limits-of.js';
import { assertTake } from './rate-limiter.js';
import type { Limit, RateLimiter, Verdict } from './rate-limiter.js';

export interface FallbackRateLimiterOptions {
  /** How many replicas the load is expected to spread over: each allows its share while it is on its own. */
  replicas: number;
  /** How long a request waits for the shared limits. */
  deadlineMs?: number;
  /** Failures in a row after which the shared limits are left alone. */
  failuresToOpen?: number;
  /** How long they are left alone before one request tries them again. */
  retryMs?: number;
  /** Keys remembered on its own; see `InProcessRateLimiter`. */
  maxKeys?: number;
  /** Told when this replica begins (with the failure) and ends to decide on its own: for the metric and the log. */
  onFallback?: (active: boolean, cause?: unknown) => void;
}

/**
 * Shared limits, and this replica's share of them while those are out of reach: the door is never open and never
 * stopped. A request that finds the shared limits failing or slow is decided here; after a few such failures only
 * one request at a time asks for them, once in `retryMs`, until one is answered.
 */
export class FallbackRateLimiter implements RateLimiter {
  readonly #shared: RateLimiter;
  readonly #own: InProcessRateLimiter;
  readonly #share: number;
  readonly #deadlineMs: number;
  readonly #failuresToOpen: number;
  readonly #retryMs: number;
  readonly #onFallback: (active: boolean, cause?: unknown) => void;
  #failures = 0;
  /** Set while the shared limits are left alone: when they failed last. */
  #failedAtMs: number | undefined;
  #probing = false;

  /** @param shared usually a `RedisRateLimiter` */
  constructor(shared: RateLimiter, options: FallbackRateLimiterOptions) {
    const { replicas, deadlineMs = 100, failuresToOpen = 3, retryMs = 1_000, maxKeys, onFallback } = options;
    for (const [name, value] of Object.entries({ replicas, deadlineMs, failuresToOpen, retryMs })) {
      if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`${name} must be a positive integer`);
    }
    this.#shared = shared;
    this.#own = new InProcessRateLimiter({ maxKeys });
    this.#share = 1 / replicas;
    this.#deadlineMs = deadlineMs;
    this.#failuresToOpen = failuresToOpen;
    this.#retryMs = retryMs;
    this.#onFallback = onFallback ?? (() => undefined);
  }

  /** Whether this replica decides on its own. */
  get active(): boolean {
    return this.#failedAtMs !== undefined;
  }

  /**
   * Answers whatever happens to the shared limits. Units that a late answer took there stay taken: a request is
   * counted twice rather than not at all.
   * @param nowMs unix ms of this replica; also tells when to try the shared limits again
   * @throws RangeError for a caller's bug, as in `RateLimiter`; nothing else
   */
  async take(limits: readonly Limit[], cost: number, nowMs: number): Promise<Verdict> {
    assertTake(limits, cost, nowMs);
    if (!this.#mayAsk(nowMs)) return this.#takeOwn(limits, cost, nowMs);
    const probe = this.active;
    if (probe) this.#probing = true;
    try {
      const verdict = await withDeadline(this.#shared.take(limits, cost, nowMs), this.#deadlineMs);
      this.#answered(probe);
      return verdict;
    } catch (cause) {
      this.#failed(probe, nowMs, cause);
      return this.#takeOwn(limits, cost, nowMs);
    }
  }

  #mayAsk(nowMs: number): boolean {
    if (this.#failedAtMs === undefined) return true;
    if (this.#probing) return false;
    const sinceMs = nowMs - this.#failedAtMs;
    return sinceMs >= this.#retryMs || sinceMs < 0; // negative: the clock was set back
  }

  #answered(probe: boolean): void {
    if (probe) {
      this.#probing = false;
      this.#failedAtMs = undefined;
      this.#tell(false);
    }
    // An answer to a request from before the fallback does not end it, the probe does.
    if (!this.active) this.#failures = 0;
  }

  #failed(probe: boolean, nowMs: number, cause: unknown): void {
    if (probe) {
      this.#probing = false;
      this.#failedAtMs = nowMs;
      return;
    }
    if (this.active || ++this.#failures < this.#failuresToOpen) return;
    this.#failedAtMs = nowMs;
    this.#tell(true, cause);
  }

  /**
   * The share's burst is raised to the cost where the whole burst would hold it. Otherwise a batch that is well within
   * its limit would be refused for as long as Redis is away; so it waits for an empty bucket, and the rate holds.
   */
  #takeOwn(limits: readonly Limit[], cost: number, nowMs: number): Promise<Verdict> {
    const share = scaleLimits(limits, this.#share).map((own, index) => ({
      ...own,
      burst: Math.max(own.burst, Math.min(cost, limits[index]!.burst)),
    }));
    return this.#own.take(share, cost, nowMs);
  }

  #tell(active: boolean, cause?: unknown): void {
    try {
      this.#onFallback(active, cause);
    } catch {
      // A metric that fails is no reason to stop the door.
    }
  }
}

/** @throws TransientError when the answer is not there in time; whatever it brings later is dropped */
async function withDeadline<T>(answer: Promise<T>, deadlineMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      // After a stall of this process the timer is due before the answer that has long arrived is read: let it be read.
      void nextTurn().then(() => reject(new TransientError(`The shared limits took more than ${deadlineMs} ms`)));
    }, deadlineMs);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
