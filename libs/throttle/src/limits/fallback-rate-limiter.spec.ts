import { once } from 'node:events';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { TransientError } from '@tickwire/errors';
import { startRedis } from '@tickwire/testing';
import { Redis } from 'ioredis';
import { FallbackRateLimiter } from './fallback-rate-limiter.js';
import type { FallbackRateLimiterOptions } from './fallback-rate-limiter.js';
import { InProcessRateLimiter } from './in-process-rate-limiter.js';
import { limit } from './rate-limiter.conformance.js';
import type { Limit, RateLimiter, Verdict } from './rate-limiter.js';
import { RedisRateLimiter } from './redis-rate-limiter.js';

/** Shared limits that answer, fail, or say nothing until told to. */
class SharedLimits implements RateLimiter {
  mode: 'answering' | 'failing' | 'hanging' = 'answering';
  calls = 0;
  readonly #limits = new InProcessRateLimiter();
  readonly #hanging: ((answer: 'late' | Error) => void)[] = [];

  async take(limits: readonly Limit[], cost: number, nowMs: number): Promise<Verdict> {
    this.calls++;
    if (this.mode === 'failing') throw new TransientError('no connection');
    if (this.mode === 'hanging') {
      const answer = await new Promise<'late' | Error>((resolve) => this.#hanging.push(resolve));
      if (answer instanceof Error) throw answer;
    }
    return this.#limits.take(limits, cost, nowMs);
  }

  end(answer: 'late' | Error): void {
    for (const resolve of this.#hanging.splice(0)) resolve(answer);
  }
}

function open(change: Partial<FallbackRateLimiterOptions> = {}) {
  const shared = new SharedLimits();
  const told: boolean[] = [];
  const onFallback = (active: boolean) => void told.push(active);
  // A deadline that nothing reaches unless it hangs: a busy machine must not look like a slow Redis.
  const options = { replicas: 4, deadlineMs: 60_000, failuresToOpen: 3, retryMs: 1_000, onFallback, ...change };
  return { shared, told, limiter: new FallbackRateLimiter(shared, options) };
}

const limits = [limit({ perMinute: 240, burst: 40 })];

describe('FallbackRateLimiter', () => {
  it('gives the verdicts of the shared limits while they answer', async () => {
    const { limiter, shared, told } = open();
    for (let taken = 1; taken <= 40; taken++) {
      expect((await limiter.take(limits, 1, 0)).limits[0]).toMatchObject({ limit: 40, remaining: 40 - taken });
    }
    expect((await limiter.take(limits, 1, 0)).allowed).toBe(false);
    expect([shared.calls, told, limiter.active]).toEqual([41, [], false]);
  });

  it('allows its share of each limit while the shared ones fail: neither all nor nothing', async () => {
    const { limiter, shared } = open();
    shared.mode = 'failing';
    const verdicts: Verdict[] = [];
    for (let request = 0; request < 30; request++) verdicts.push(await limiter.take(limits, 1, 0));
    expect(verdicts.filter(({ allowed }) => allowed)).toHaveLength(10);
    expect(verdicts.at(-1)).toMatchObject({ allowed: false, refusal: { retryAfterMs: 1_000 } });
  });

  it('allows at least one a minute, however many replicas there are', async () => {
    const { limiter, shared } = open({ replicas: 1_000 });
    shared.mode = 'failing';
    expect((await limiter.take(limits, 1, 0)).allowed).toBe(true);
    expect(await limiter.take(limits, 1, 0)).toMatchObject({ refusal: { retryAfterMs: 60_000 } });
  });

  it('lets a batch through that the whole limit holds, though its share does not, at the rate of the share', async () => {
    const { limiter, shared } = open();
    shared.mode = 'failing';
    expect((await limiter.take(limits, 30, 0)).allowed).toBe(true);
    // 60 a minute: the bucket is empty after 30 s.
    expect(await limiter.take(limits, 30, 0)).toMatchObject({ refusal: { neverFits: false, retryAfterMs: 30_000 } });
    expect((await limiter.take(limits, 1, 0)).allowed).toBe(false);
    expect((await limiter.take(limits, 30, 30_000)).allowed).toBe(true);
    expect(await limiter.take(limits, 41, 90_000)).toMatchObject({ refusal: { neverFits: true } });
  });

  it('asks the shared limits no more after a few failures in a row, and says so once', async () => {
    const { limiter, shared, told } = open();
    shared.mode = 'failing';
    for (let request = 0; request < 2; request++) await limiter.take(limits, 1, 0);
    shared.mode = 'answering';
    await limiter.take(limits, 1, 0);
    expect(told).toEqual([]);
    shared.mode = 'failing';
    for (let request = 0; request < 50; request++) await limiter.take(limits, 1, 999);
    expect([shared.calls, told, limiter.active]).toEqual([6, [true], true]);
  });

  it('sends one request at a time to see whether they are back, and goes back when it is answered', async () => {
    const { limiter, shared, told } = open({ failuresToOpen: 1 });
    shared.mode = 'failing';
    await limiter.take(limits, 1, 0);
    await limiter.take(limits, 1, 1_000);
    await limiter.take(limits, 1, 1_999);
    expect(shared.calls).toBe(2);
    shared.mode = 'hanging';
    const probe = limiter.take(limits, 1, 2_000);
    await limiter.take(limits, 1, 2_001);
    await limiter.take(limits, 1, 9_000);
    expect([shared.calls, told]).toEqual([3, [true]]);
    shared.end('late');
    expect((await probe).limits[0]).toMatchObject({ limit: 40, remaining: 39 });
    shared.mode = 'answering';
    expect((await limiter.take(limits, 1, 9_001)).limits[0]!.limit).toBe(40);
    expect([told, limiter.active]).toEqual([[true, false], false]);
  });

  it('remembers what it has given away itself: flickering limits do not fill its share again', async () => {
    const { limiter, shared } = open({ failuresToOpen: 1 });
    let allowed = 0;
    for (let flicker = 0; flicker < 5; flicker++) {
      shared.mode = 'failing';
      for (let request = 0; request < 20; request++) {
        if ((await limiter.take(limits, 1, flicker)).allowed) allowed++;
      }
      shared.mode = 'answering';
      await limiter.take(limits, 1, 1_000 + flicker);
      expect(limiter.active).toBe(false);
    }
    expect(allowed).toBe(10);
  });

  it('waits for nobody who says nothing: each waiting request is decided here, and later ones do not wait', async () => {
    const { limiter, shared, told } = open({ deadlineMs: 10 });
    shared.mode = 'hanging';
    const verdicts = await Promise.all(Array.from({ length: 12 }, () => limiter.take(limits, 1, 0)));
    expect(verdicts.filter(({ allowed }) => allowed)).toHaveLength(10);
    for (let request = 0; request < 20; request++) await limiter.take(limits, 1, 500);
    expect([shared.calls, told]).toEqual([12, [true]]);
    // What comes after all is dropped: a failure is nobody's, a verdict does not end the fallback.
    shared.end(new TransientError('at last'));
    await sleep(1);
    expect(limiter.active).toBe(true);
  });

  it('takes an answer that arrived during a stall of its own process', async () => {
    const arrived = new Int32Array(new SharedArrayBuffer(4));
    const answering = new Worker(
      `const { parentPort, workerData } = require('node:worker_threads');
       parentPort.on('message', () => {
         parentPort.postMessage('answer');
         Atomics.store(workerData, 0, 1);
         Atomics.notify(workerData, 0);
       });
       parentPort.postMessage('ready');`,
      { eval: true, workerData: arrived },
    );
    try {
      await once(answering, 'message');
      const own = new InProcessRateLimiter();
      const shared: RateLimiter = {
        async take(limits, cost, nowMs) {
          answering.postMessage('take');
          await once(answering, 'message');
          return own.take(limits, cost, nowMs);
        },
      };
      const limiter = new FallbackRateLimiter(shared, { replicas: 4, deadlineMs: 20, failuresToOpen: 1 });
      await nextTurn(); // from here timers are looked at first, and messages after them
      const verdict = limiter.take(limits, 1, 0);
      Atomics.wait(arrived, 0, 0); // the answer has come, and this thread has not read it
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 40); // past the deadline
      expect((await verdict).limits[0]!.limit).toBe(40);
      expect(limiter.active).toBe(false);
    } finally {
      await answering.terminate();
    }
  });

  it('tries again after its clock was set back', async () => {
    const { limiter, shared } = open({ failuresToOpen: 1 });
    shared.mode = 'failing';
    await limiter.take(limits, 1, 3_600_000);
    shared.mode = 'answering';
    await limiter.take(limits, 1, 1_000);
    expect(limiter.active).toBe(false);
  });

  it('does not fail with the metric that it tells', async () => {
    const { limiter, shared } = open({
      failuresToOpen: 1,
      onFallback: () => {
        throw new Error('no metric');
      },
    });
    shared.mode = 'failing';
    expect((await limiter.take(limits, 1, 0)).allowed).toBe(true);
  });

  it('refuses a bug of its caller before anybody is asked', async () => {
    const { limiter, shared } = open();
    await expect(limiter.take(limits, 0, 0)).rejects.toThrow(RangeError);
    expect(shared.calls).toBe(0);
    expect(() => open({ replicas: 0 })).toThrow('replicas');
  });
});

const server = await startRedis();
const itWithRedis = server === undefined ? it.skip : it;
afterAll(() => server?.stop());

itWithRedis('decides on its own while a real Redis hangs, and with Redis when it goes on', async () => {
  const redis = new Redis(server!.url, { enableOfflineQueue: false, disconnectTimeout: 100 });
  redis.on('error', () => undefined);
  try {
    await once(redis, 'ready');
    const told: boolean[] = [];
    const shared = new RedisRateLimiter(redis);
    const options = { replicas: 4, deadlineMs: 500, failuresToOpen: 2, retryMs: 1 };
    const limiter = new FallbackRateLimiter(shared, { ...options, onFallback: (active) => void told.push(active) });
    process.kill(server!.pid, 'SIGSTOP');
    const hung = await Promise.all([limiter.take(limits, 1, 0), limiter.take(limits, 1, 0)]);
    expect(hung.map((verdict) => verdict.limits[0]!.limit)).toEqual([10, 10]);
    expect(told).toEqual([true]);
    process.kill(server!.pid, 'SIGCONT');
    for (let nowMs = 1; limiter.active; nowMs++) await limiter.take(limits, 1, nowMs);
    expect((await limiter.take(limits, 1, 0)).limits[0]!.limit).toBe(40);
    expect(told).toEqual([true, false]);
  } finally {
    redis.disconnect();
  }
});
