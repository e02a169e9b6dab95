import { performance } from 'node:perf_hooks';
import { EndpointLane, OriginLane } from './lanes.js';
import type { Job } from './lanes.js';
import { WaitingLine } from './waiting-line.js';

export interface OriginLimiterSettings {
  /** Tasks at work at a time, over all origins. Default 1024. */
  maxInFlight?: number;
  /** At one origin. Default 32, the connections a `CallbackClient` opens to one. */
  maxPerOrigin?: number;
  /** For one endpoint of an origin. Default: `maxPerOrigin`. */
  maxPerEndpoint?: number;
  /** Waiting tasks of one origin beyond which `run` rejects with `LimiterFull`. Default 10 000. */
  maxWaitingPerOrigin?: number;
  /** An origin whose last task took longer is slow until one takes less. Default 1 s. */
  slowAfterMs?: number;
  /** The part of `maxInFlight` that all slow origins may hold together, 0 to 1. Default one half. */
  slowShare?: number;
  /** Monotonic milliseconds; for tests. */
  now?: () => number;
}

export interface RunOptions {
  /** Who shares the origin's part with others; default: the origin itself. */
  endpointKey?: string;
  /** Takes the task out of the line, rejecting with the signal's reason. A task that has begun is its own affair. */
  signal?: AbortSignal | undefined;
}

/** Too many tasks wait for one origin. */
export class LimiterFull extends Error {
  readonly code = 'LIMITER_FULL';

  constructor(originKey: string) {
    super(`too many requests wait for ${originKey}`);
  }
}

const MAX_REMEMBERED_SLOW = 10_000;

/**
 * Bounds what is in flight, in all and per origin and endpoint, and shares it out fairly: origins take turns, and the
 * endpoints of an origin take turns within it, whatever the length of their lines. A receiver that hangs therefore
 * fills its own part and waits in its own line. Many receivers that hang can fill `slowShare` and no more: the rest
 * stays with origins that answer. (An origin is known to be slow once it has been; the first wave is not held back.)
 */
export class OriginLimiter {
  private readonly maxInFlight: number;
  private readonly maxPerOrigin: number;
  private readonly maxPerEndpoint: number;
  private readonly maxWaitingPerOrigin: number;
  private readonly slowAfterMs: number;
  private readonly maxSlow: number;
  private readonly now: () => number;

  private readonly origins = new Map<string, OriginLane>();
  /** Oldest first; outlives the lanes, which exist only while they have tasks. */
  private readonly slowKeys = new Set<string>();
  /** Origins that could begin a task, in turn. */
  private readonly readyFast = new WaitingLine<OriginLane>();
  private readonly readySlow = new WaitingLine<OriginLane>();
  private slowHasTurn = false;
  private inFlight = 0;
  private slowInFlight = 0;
  private waiting = 0;

  /** @throws RangeError for a bound below one */
  constructor(settings: OriginLimiterSettings = {}) {
    this.maxInFlight = atLeastOne('maxInFlight', settings.maxInFlight ?? 1_024);
    this.maxPerOrigin = atLeastOne('maxPerOrigin', settings.maxPerOrigin ?? 32);
    this.maxPerEndpoint = atLeastOne('maxPerEndpoint', settings.maxPerEndpoint ?? this.maxPerOrigin);
    this.maxWaitingPerOrigin = atLeastOne('maxWaitingPerOrigin', settings.maxWaitingPerOrigin ?? 10_000);
    this.slowAfterMs = settings.slowAfterMs ?? 1_000;
    this.maxSlow = Math.max(1, Math.floor(this.maxInFlight * (settings.slowShare ?? 0.5)));
    this.now = settings.now ?? (() => performance.now());
  }

  /**
   * Runs `task` when its turn comes; at once where there is room.
   *
   * @returns what the task returns; rejects with what it throws, with `LimiterFull`, or with the signal's reason
   */
  run<T>(originKey: string, task: () => Promise<T>, { endpointKey, signal }: RunOptions = {}): Promise<T> {
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    const origin = this.originLane(originKey);
    if (origin.waiting >= this.maxWaitingPerOrigin) return Promise.reject(new LimiterFull(originKey));
    const endpoint = origin.endpointLane(endpointKey ?? originKey);
    return new Promise<T>((resolve, reject) => {
      const job: Job = { task, resolve: resolve as (value: unknown) => void, reject, cancelled: false };
      if (signal) this.cancelOn(signal, job, origin);
      endpoint.line.push(job);
      origin.waiting += 1;
      this.waiting += 1;
      origin.offer(endpoint, this.maxPerEndpoint);
      this.offer(origin);
      this.startWhatFits();
    });
  }

  stats(): { inFlight: number; waiting: number; origins: number; slowInFlight: number } {
    return {
      inFlight: this.inFlight,
      waiting: this.waiting,
      origins: this.origins.size,
      slowInFlight: this.slowInFlight,
    };
  }

  /** Tasks at work at one origin. */
  inFlightAt(originKey: string): number {
    return this.origins.get(originKey)?.inFlight ?? 0;
  }

  private originLane(key: string): OriginLane {
    let lane = this.origins.get(key);
    if (!lane) {
      lane = new OriginLane(key);
      this.origins.set(key, lane);
    }
    return lane;
  }

  private cancelOn(signal: AbortSignal, job: Job, origin: OriginLane): void {
    const cancel = (): void => {
      job.cancelled = true; // stays in its line as a husk, passed over when its turn comes
      origin.waiting -= 1;
      this.waiting -= 1;
      job.reject(signal.reason as Error);
    };
    signal.addEventListener('abort', cancel, { once: true });
    job.stopListening = () => signal.removeEventListener('abort', cancel);
  }

  /** Puts an origin in the turn, unless it is there, has nothing to do, or has its full part at work. */
  private offer(origin: OriginLane): void {
    if (origin.listed || origin.ready.length === 0 || origin.inFlight >= this.maxPerOrigin) return;
    origin.listed = true;
    (this.slowKeys.has(origin.key) ? this.readySlow : this.readyFast).push(origin);
  }

  private startWhatFits(): void {
    while (this.inFlight < this.maxInFlight) {
      const origin = this.nextOrigin();
      if (!origin) return;
      origin.listed = false;
      this.startOne(origin);
      this.offer(origin); // to the end of the turn
    }
  }

  private nextOrigin(): OriginLane | undefined {
    for (;;) {
      const slowMayRun = this.readySlow.length > 0 && this.slowInFlight < this.maxSlow;
      // Both kinds take turns, so that a busy system of fast origins does not starve the slow ones.
      this.slowHasTurn = slowMayRun && (!this.slowHasTurn || this.readyFast.length === 0);
      if (this.slowHasTurn) return this.readySlow.shift();
      const origin = this.readyFast.shift();
      if (!origin || !this.slowKeys.has(origin.key)) return origin;
      this.readySlow.push(origin); // turned out to be slow while it stood in line
    }
  }

  private startOne(origin: OriginLane): void {
    const endpoint = origin.ready.shift();
    if (!endpoint) return;
    endpoint.listed = false;
    const job = endpoint.nextJob();
    if (job) {
      job.stopListening?.();
      origin.waiting -= 1;
      this.waiting -= 1;
      origin.inFlight += 1;
      endpoint.inFlight += 1;
      this.inFlight += 1;
      const slow = this.slowKeys.has(origin.key);
      if (slow) this.slowInFlight += 1;
      void this.work(origin, endpoint, job, slow);
    }
    origin.offer(endpoint, this.maxPerEndpoint);
    this.forgetIfIdle(origin, endpoint);
  }

  private async work(origin: OriginLane, endpoint: EndpointLane, job: Job, countedSlow: boolean): Promise<void> {
    const beganAtMs = this.now();
    try {
      job.resolve(await job.task());
    } catch (error) {
      job.reject(error);
    }
    this.judgeSpeed(origin.key, this.now() - beganAtMs);
    origin.inFlight -= 1;
    endpoint.inFlight -= 1;
    this.inFlight -= 1;
    if (countedSlow) this.slowInFlight -= 1;
    origin.offer(endpoint, this.maxPerEndpoint);
    this.offer(origin);
    this.forgetIfIdle(origin, endpoint);
    this.startWhatFits();
  }

  private judgeSpeed(originKey: string, tookMs: number): void {
    if (tookMs <= this.slowAfterMs) {
      if (this.slowKeys.size > 0) this.slowKeys.delete(originKey);
      return;
    }
    this.slowKeys.add(originKey);
    if (this.slowKeys.size <= MAX_REMEMBERED_SLOW) return;
    const [oldest] = this.slowKeys;
    if (oldest !== undefined) this.slowKeys.delete(oldest);
  }

  private forgetIfIdle(origin: OriginLane, endpoint: EndpointLane): void {
    if (endpoint.isIdle) origin.endpoints.delete(endpoint.key);
    if (origin.inFlight === 0 && origin.endpoints.size === 0) this.origins.delete(origin.key);
  }
}

function atLeastOne(name: string, bound: number): number {
  if (!(bound >= 1)) throw new RangeError(`${name} must be at least 1`);
  return bound;
}
