import { TransientError } from '@tickwire/errors';
import { startRedis } from '@tickwire/testing';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { InProcessRateLimiter } from './in-process-rate-limiter.js';
import { limitsOf } from './limits-of.js';
import { describeRateLimiter, limit, requests } from './rate-limiter.conformance.js';
import type { Limit } from './rate-limiter.js';
import { RedisRateLimiter } from './redis-rate-limiter.js';

const MINUTE_MS = 60_000;
const MINUTE_US = 60_000_000;

describeRateLimiter('InProcessRateLimiter', { runs: 500, open: async () => new InProcessRateLimiter() });

describe('InProcessRateLimiter', () => {
  it('never gives a key more than its burst and its rate, in any span of time', async () => {
    await fc.assert(
      fc.asyncProperty(requests(60), async (sequence) => {
        const limiter = new InProcessRateLimiter();
        const taken = new Map<string, { atUs: number; cost: number; limit: Limit }[]>();
        let nowMs = 0;
        for (const { afterMs, cost, limits } of sequence) {
          nowMs += afterMs;
          if (!(await limiter.take(limits, cost, nowMs)).allowed) continue;
          for (const limit of limits) {
            const ofKey = taken.get(limit.key) ?? [];
            taken.set(limit.key, [...ofKey, { atUs: Math.floor(nowMs * 1_000), cost, limit }]);
          }
        }
        for (const ofKey of taken.values()) {
          ofKey.forEach((first, from) => {
            let units = 0;
            for (const { atUs, cost, limit } of ofKey.slice(from)) {
              units += cost;
              // Times a minute: both sides are exact.
              expect(units * MINUTE_US).toBeLessThanOrEqual(
                limit.burst * MINUTE_US + limit.perMinute * (atUs - first.atUs),
              );
            }
          });
        }
      }),
    );
  });

  it('decides about a request as if those refused before it had never been sent', async () => {
    await fc.assert(
      fc.asyncProperty(requests(40), async (sequence) => {
        const [all, allowedOnly] = [new InProcessRateLimiter(), new InProcessRateLimiter()];
        let nowMs = 0;
        for (const { afterMs, cost, limits } of sequence) {
          nowMs += afterMs;
          const verdict = await all.take(limits, cost, nowMs);
          if (verdict.allowed) expect(await allowedOnly.take(limits, cost, nowMs)).toEqual(verdict);
        }
      }),
    );
  });

  it('means what it says: remaining fits and no more, and every wait is long enough and not a millisecond longer', async () => {
    await fc.assert(
      fc.asyncProperty(requests(25), async (sequence) => {
        /** A limiter in the state after the whole sequence, whole milliseconds apart. */
        const replayed = async () => {
          const limiter = new InProcessRateLimiter();
          let nowMs = 0;
          for (const { afterMs, cost, limits } of sequence) {
            await limiter.take(limits, cost, (nowMs += Math.ceil(afterMs)));
          }
          return { limiter, nowMs };
        };
        const { cost: verdictCost, limits } = sequence.at(-1) ?? { cost: 1, limits: [limit()] };
        const { limiter, nowMs } = await replayed();
        const verdict = await limiter.take(limits, verdictCost, nowMs);
        for (const [index, { remaining, resetMs, limit: most }] of verdict.limits.entries()) {
          const alone = [limits[index]!];
          const again = async (cost: number, afterMs: number) => {
            const same = await replayed();
            await same.limiter.take(limits, verdictCost, same.nowMs);
            return (await same.limiter.take(alone, cost, same.nowMs + afterMs)).allowed;
          };
          if (remaining > 0) expect(await again(remaining, 0)).toBe(true);
          if (remaining < most) expect(await again(remaining + 1, 0)).toBe(false);
          expect(await again(most, resetMs)).toBe(true);
          if (resetMs > 0) expect(await again(most, resetMs - 1)).toBe(false);
        }
        if (verdict.allowed || verdict.refusal.neverFits) return;
        const { retryAfterMs } = verdict.refusal;
        expect((await limiter.take(limits, verdictCost, nowMs + retryAfterMs - 1)).allowed).toBe(false);
        expect((await limiter.take(limits, verdictCost, nowMs + retryAfterMs)).allowed).toBe(true);
      }),
    );
  });

  it('forgets keys that have rested, without reaching its bound', async () => {
    const limiter = new InProcessRateLimiter();
    for (let index = 0; index < 5_000; index++) {
      // A slow key among them, which stays for an hour, does not hold the others.
      const slow = limit({ key: `slow ${index % 10}`, name: 'bot', perMinute: 1, burst: 60 });
      await limiter.take([limit({ key: `account ${index}`, perMinute: 60 }), slow], 1, index * 1_000);
    }
    expect(limiter.size).toBeLessThan(50);
  });

  it('stays within its bound by forgetting keys that have almost rested, and not those in need', async () => {
    const limiter = new InProcessRateLimiter({ maxKeys: 100 });
    const exhausted = [limit({ key: 'exhausted', perMinute: 1, burst: 1 })];
    await limiter.take(exhausted, 1, 0);
    for (let index = 0; index < 2_000; index++) {
      await limiter.take([limit({ key: `other ${index}`, perMinute: 2, burst: 1 })], 1, index);
      expect(limiter.size).toBeLessThanOrEqual(100);
    }
    expect((await limiter.take(exhausted, 1, 2_000)).allowed).toBe(false);
  });

  it('counts for all limits of a request when it makes room in the middle of it', async () => {
    const limiter = new InProcessRateLimiter({ maxKeys: 16 });
    for (let index = 0; index < 200; index++) {
      const sender = { tenantId: 't', botId: `bot ${index}`, accountId: `account ${index}` };
      const verdict = await limiter.take(limitsOf(sender), 1, 0);
      expect(verdict.limits.slice(1).map(({ remaining }) => remaining)).toEqual([39, 19]);
      expect(verdict.limits[0]!.remaining).toBe(199 - index);
    }
  });
});

const server = await startRedis();
const describeWithRedis = server === undefined ? describe.skip : describe;
const clients: Redis[] = [];

function connect(url: string): Redis {
  // With a queue: whether a call waits for the connection is not what these tests are about.
  const redis = new Redis(url, { maxRetriesPerRequest: 0, disconnectTimeout: 100 });
  redis.on('error', () => undefined);
  clients.push(redis);
  return redis;
}

afterAll(async () => {
  for (const client of clients) client.disconnect();
  await server?.stop();
});

describeWithRedis('over a real Redis', () => {
  const redis = server === undefined ? undefined! : connect(server.url);

  describeRateLimiter('RedisRateLimiter', {
    runs: 60,
    async open() {
      await redis.flushall();
      return new RedisRateLimiter(redis, { clock: 'caller' });
    },
  });

  it('shares its limits among replicas, by the time of Redis whatever theirs is', async () => {
    await redis.flushall();
    const replicas = [new RedisRateLimiter(redis), new RedisRateLimiter(connect(server!.url))];
    const limits = [limit({ perMinute: 1, burst: 10 })];
    const verdicts = await Promise.all(
      Array.from({ length: 30 }, (_, index) => replicas[index % 2]!.take(limits, 1, index % 2 ? 0 : 4e12)),
    );
    expect(verdicts.filter(({ allowed }) => allowed)).toHaveLength(10);
    const { resetMs } = (await replicas[0]!.take(limits, 1, 0)).limits[0]!;
    expect(resetMs).toBeGreaterThan(8 * MINUTE_MS);
    expect(resetMs).toBeLessThanOrEqual(10 * MINUTE_MS);
  });

  it('sends one command a request, and none but by its hash once the server knows it', async () => {
    await redis.flushall();
    const limiter = new RedisRateLimiter(redis);
    const limits = limitsOf({ tenantId: 't', botId: 'b', accountId: 'a' });
    await limiter.take(limits, 1, 0);
    await redis.config('RESETSTAT');
    for (let count = 0; count < 5; count++) await limiter.take(limits, 1, 0);
    const stats = await redis.info('commandstats');
    expect(stats).toContain('cmdstat_evalsha:calls=5');
    expect(stats).not.toContain('cmdstat_eval:');
  });

  it('works on after the server has forgotten its scripts', async () => {
    await redis.flushall();
    const limiter = new RedisRateLimiter(redis);
    const limits = [limit({ perMinute: 1, burst: 2 })];
    await limiter.take(limits, 1, 0);
    await redis.script('FLUSH');
    expect((await limiter.take(limits, 1, 0)).limits[0]!.remaining).toBe(0);
  });

  it('leaves keys of one hash tag, which end a minute after they say nothing any more', async () => {
    await redis.flushall();
    const limits = limitsOf({ tenantId: 'a{b}', botId: 'b', accountId: 'a' });
    await new RedisRateLimiter(redis).take(limits, 10, 0);
    const keys = (await redis.keys('*')).sort();
    expect(keys).toEqual(['account:a', 'bot:b', 'tenant'].map((key) => `limit:{a%7Bb%7D}:${key}`));
    const lives = await Promise.all(keys.map((key) => redis.pttl(key)));
    // 10 of 60, 120 and 1,000 a minute.
    [10_000, 5_000, 600].forEach((emptyMs, index) => {
      expect(lives[index]).toBeGreaterThan(0);
      expect(lives[index]).toBeLessThanOrEqual(emptyMs + MINUTE_MS);
    });
  });

  it('writes nothing for a refused request', async () => {
    await redis.flushall();
    const limits = [limit(), limit({ key: 'a', name: 'account', burst: 1 })];
    expect((await new RedisRateLimiter(redis).take(limits, 2, 0)).allowed).toBe(false);
    expect(await redis.dbsize()).toBe(0);
  });

  it('fails with TransientError when Redis is gone, and at once for a bug of its caller', async () => {
    const own = (await startRedis())!;
    const limiter = new RedisRateLimiter(connect(own.url));
    await limiter.take([limit()], 1, 0);
    await own.stop();
    await expect(limiter.take([limit()], 1, 0)).rejects.toThrow(TransientError);
    await expect(limiter.take([], 1, 0)).rejects.toThrow(RangeError);
  });
});
