import { performance } from 'node:perf_hooks';
import type { Cancellation } from '../callbacks/cancellation.js';
import { OriginLane } from './lanes.js';
import type { EndpointLane, Job } from './lanes.js';
import { SlowReceivers } from './slow-receivers.js';
import { WaitingLine } from './waiting-line.js';

export interface OriginLimiterSettings {
  /** Tasks at work at a time, over all origins. Default 1024. */
  maxInFlight?: number;
  /** At one origin. Default 32, the connections a `CallbackClient` opens to one. */
  maxPerOrigin?: number;
  /** For one endpoint of an origin. Default: `maxPerOrigin`. */
  maxPerEndpoint?: number;
  /**
   * Tasks at one origin that are at work for longer than `slowAfterMs` and give their place to others, beyond
   * `maxPerOrigin`: what is in flight at an origin is at most the sum of both. Default 0: they keep their places.
   */
  maxOverduePerOrigin?: number;
  /** Waiting tasks of one origin beyond which `run` rejects with `LimiterFull`. Default 10 000. */
  maxWaitingPerOrigin?: number;
  /** An origin or an endpoint whose last task took longer is slow until one takes less. Default 1 s. */
  slowAfterMs?: number;
  /**
   * The part of `maxInFlight` that all slow ones may hold together, and of `maxPerOrigin` that an origin's slow endpoints
   * may, 0 to 1. Default one half.
   */
  slowShare?: number;
  /** Monotonic milliseconds; for tests. */
  now?: () => number;
}

export interface RunOptions {
  /** Who shares the origin's part with others; default: the origin itself. */
  endpointKey?: string;
  /** Takes the task out of the line, rejecting with the signal's reason. A task that has begun is its own affair. */
  signal?: AbortSignal | undefined;
  /** The same at a fraction of the cost, rejecting with `Cancelled`. */
  cancellation?: Cancellation | undefined;
}

/** The task was taken out of the line before its turn came. */
export class Cancelled extends Error {
  readonly code = 'CANCELLED';

  constructor() {
    super('given up before its turn came');
  }
}

/** Too many tasks wait for one origin. */
export class LimiterFull extends Error {
  readonly code = 'LIMITER_FULL';

  constructor(originKey: string) {
    super(`too many requests wait for ${originKey}`);
  }
}

/**
 * Bounds what is in flight, in all and per origin and endpoint, and shares it out fairly: origins take turns, and the
 * endpoints of an origin take turns within it, whatever the length of their lines.
 *
 * A receiver that hangs fills its own part and waits in its own line. Once known, the slow ones hold `slowShare` of the
 * whole and of their origin, and no more: the rest stays with those that answer, at a shared origin too. The first wave
 * is not held back; where `maxOverduePerOrigin` allows, it costs others at its origin `slowAfterMs`, not its deadline.
 */
export class OriginLimiter {
  private readonly maxInFlight: number;
  private readonly maxPerOrigin: number;
  private readonly maxPerEndpoint: number;
  private readonly maxOverdue: number;
  private readonly maxWaitingPerOrigin: number;
  private readonly slowAfterMs: number;
  private readonly maxSlow: number;
  private readonly maxSlowPerOrigin: number;
  private readonly now: () => number;

  private readonly origins = new Map<string, OriginLane>();
  private readonly slow: SlowReceivers;
  /** Origins that could begin a task of a quick endpoint, in turn. */
  private readonly quickTurn = new WaitingLine<OriginLane>();
  /** Of a slow one. */
  private readonly slowTurn = new WaitingLine<OriginLane>();
  private slowHasTurn = false;
  private inFlight = 0;
  private slowInFlight = 0;
  private waiting = 0;

  /** @throws RangeError for a bound below one */
  constructor(settings: OriginLimiterSettings = {}) {
    const slowShare = settings.slowShare ?? 0.5;
    this.maxInFlight = atLeastOne('maxInFlight', settings.maxInFlight ?? 1_024);
    this.maxPerOrigin = atLeastOne('maxPerOrigin', settings.maxPerOrigin ?? 32);
    this.maxPerEndpoint = atLeastOne('maxPerEndpoint', settings.maxPerEndpoint ?? this.maxPerOrigin);
    this.maxOverdue = settings.maxOverduePerOrigin ?? 0;
    this.maxWaitingPerOrigin = atLeastOne('maxWaitingPerOrigin', settings.maxWaitingPerOrigin ?? 10_000);
    this.slowAfterMs = settings.slowAfterMs ?? 1_000;
    this.maxSlow = Math.max(1, Math.floor(this.maxInFlight * slowShare));
    this.maxSlowPerOrigin = Math.max(1, Math.floor(this.maxPerOrigin * slowShare));
    this.now = settings.now ?? (() => performance.now());
    this.slow = new SlowReceivers(this.slowAfterMs);
  }

  /**
   * Runs `task` when its turn comes; at once where there is room.
   *
   * @returns what the task returns; rejects with what it throws, with `LimiterFull`, `Cancelled`, or the signal's reason
   */
  run<T>(originKey: string, task: () => Promise<T>, options: RunOptions = {}): Promise<T> {
    const { endpointKey, signal, cancellation } = options;
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    if (cancellation?.cancelled) return Promise.reject(new Cancelled());
    const origin = this.originLane(originKey);
    if (origin.waiting >= this.maxWaitingPerOrigin) return Promise.reject(new LimiterFull(originKey));
    const endpoint = origin.endpointLane(endpointKey ?? originKey);
    return new Promise<T>((resolve, reject) => {
      const job: Job = {
        task,
        resolve: resolve as (value: unknown) => void,
        reject,
        begun: false,
        cancelled: false,
        stopListening: undefined,
        beganAtMs: 0,
        slow: false,
        before: undefined,
        after: undefined,
      };
      endpoint.line.push(job);
      origin.waiting += 1;
      this.waiting += 1;
      this.enlist(origin, endpoint);
      this.offer(origin);
      this.startWhatFits();
      if (!job.begun && (signal || cancellation)) this.cancelOn(options, job, origin);
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

  private cancelOn({ signal, cancellation }: RunOptions, job: Job, origin: OriginLane): void {
    const cancel = (reason: Error): void => {
      job.stopListening?.();
      job.cancelled = true; // stays in its line as a husk, passed over when its turn comes
      origin.waiting -= 1;
      this.waiting -= 1;
      job.reject(reason);
    };
    const onAbort = (): void => cancel(signal!.reason as Error);
    const onCancelled = { onCancelled: () => cancel(new Cancelled()) };
    signal?.addEventListener('abort', onAbort);
    cancellation?.attach(onCancelled);
    job.stopListening = () => {
      signal?.removeEventListener('abort', onAbort);
      cancellation?.detach(onCancelled);
    };
  }

  /** Puts an endpoint in its origin's turn, unless it is there, has nothing to do, or has its full part at work. */
  private enlist(origin: OriginLane, endpoint: EndpointLane): void {
    if (endpoint.listed || endpoint.line.length === 0 || endpoint.inFlight >= this.maxPerEndpoint) return;
    endpoint.listed = true;
    origin.kind(this.slow.has(origin, endpoint)).ready.push(endpoint);
  }

  /** Puts an origin in the turns where it has something to do and room for it, unless it is there. */
  private offer(origin: OriginLane): void {
    this.offerKind(origin, false);
    this.offerKind(origin, true);
  }

  private offerKind(origin: OriginLane, slow: boolean): void {
    const kind = origin.kind(slow);
    if (kind.listed || kind.ready.length === 0) return;
    if (this.hasRoom(origin, slow)) {
      kind.listed = true;
      (slow ? this.slowTurn : this.quickTurn).push(origin);
    } else if (!slow) {
      this.watch(origin);
    }
  }

  private hasRoom(origin: OriginLane, slow: boolean): boolean {
    if (origin.inFlight >= this.maxPerOrigin + this.maxOverdue) return false;
    if (!slow) return origin.quick.inFlight < this.maxPerOrigin;
    // Of an origin that is slow as a whole nobody is left to be protected.
    const most = this.slow.hasOrigin(origin) ? this.maxPerOrigin : this.maxSlowPerOrigin;
    return origin.slow.inFlight < most;
  }

  private startWhatFits(): void {
    while (this.inFlight < this.maxInFlight) {
      const slowMayRun = this.slowTurn.length > 0 && this.slowInFlight < this.maxSlow;
      // Both kinds take turns, so that a busy system of quick receivers does not starve the slow ones.
      this.slowHasTurn = slowMayRun && (!this.slowHasTurn || this.quickTurn.length === 0);
      const slow = this.slowHasTurn;
      const origin = (slow ? this.slowTurn : this.quickTurn).shift();
      if (!origin) return;
      origin.kind(slow).listed = false;
      // Tasks that became overdue since it was listed may have taken the room of the slow.
      if (this.hasRoom(origin, slow)) this.startOne(origin, slow);
      this.offer(origin); // to the end of the turn
    }
  }

  private startOne(origin: OriginLane, slow: boolean): void {
    const endpoint = origin.kind(slow).ready.shift();
    if (!endpoint) return;
    endpoint.listed = false;
    if (this.slow.has(origin, endpoint) !== slow) {
      this.enlist(origin, endpoint); // turned out to be of the other kind while it stood in line
      return;
    }
    const job = endpoint.nextJob();
    if (job) {
      job.begun = true;
      job.stopListening?.();
      origin.waiting -= 1;
      this.waiting -= 1;
      endpoint.inFlight += 1;
      this.inFlight += 1;
      this.begin(origin, job, slow);
      void this.work(origin, endpoint, job);
    }
    this.enlist(origin, endpoint);
    this.forgetIfIdle(origin, endpoint);
  }

  private begin(origin: OriginLane, job: Job, slow: boolean): void {
    job.beganAtMs = this.now();
    job.slow = slow;
    origin.kind(slow).inFlight += 1;
    if (slow) this.slowInFlight += 1;
    else origin.running.push(job);
  }

  private async work(origin: OriginLane, endpoint: EndpointLane, job: Job): Promise<void> {
    try {
      job.resolve(await job.task());
    } catch (error) {
      job.reject(error);
    }
    if (this.slow.judge(origin, endpoint, job.beganAtMs, this.now())) this.regroup(origin);
    origin.kind(job.slow).inFlight -= 1;
    if (job.slow) this.slowInFlight -= 1;
    else origin.running.remove(job);
    endpoint.inFlight -= 1;
    this.inFlight -= 1;
    this.enlist(origin, endpoint);
    this.offer(origin);
    this.forgetIfIdle(origin, endpoint);
    this.startWhatFits();
  }

  /** Somebody is no longer slow: those that wait as such need not. */
  private regroup(origin: OriginLane): void {
    const { ready } = origin.slow;
    for (let left = ready.length; left > 0; left -= 1) {
      const endpoint = ready.shift()!;
      endpoint.listed = false;
      this.enlist(origin, endpoint);
    }
  }

  /** The origin's places are taken and somebody waits: looks again when the oldest task at work is overdue. */
  private watch(origin: OriginLane): void {
    if (origin.alarm !== undefined || origin.slow.inFlight >= this.maxOverdue) return;
    const oldest = origin.running.first;
    if (!oldest) return;
    const leftMs = oldest.beganAtMs + this.slowAfterMs - this.now();
    origin.alarm = setTimeout(() => this.setOverdueApart(origin), Math.max(0, Math.ceil(leftMs)) + 1).unref();
  }

  private setOverdueApart(origin: OriginLane): void {
    origin.alarm = undefined;
    for (let oldest = origin.running.first; oldest; oldest = origin.running.first) {
      const overdue = this.now() - oldest.beganAtMs > this.slowAfterMs;
      if (!overdue || origin.slow.inFlight >= this.maxOverdue) break;
      origin.running.remove(oldest);
      oldest.slow = true;
      origin.quick.inFlight -= 1;
      origin.slow.inFlight += 1;
      this.slowInFlight += 1;
    }
    this.offer(origin);
    this.startWhatFits();
  }

  private forgetIfIdle(origin: OriginLane, endpoint: EndpointLane): void {
    if (endpoint.isIdle) origin.endpoints.delete(endpoint.key);
    if (origin.inFlight > 0 || origin.endpoints.size > 0) return;
    clearTimeout(origin.alarm);
    this.origins.delete(origin.key);
  }
}

function atLeastOne(name: string, bound: number): number {
  if (!(bound >= 1)) throw new RangeError(`${name} must be at least 1`);
  return bound;
}
