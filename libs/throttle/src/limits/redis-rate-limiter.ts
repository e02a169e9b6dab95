import { TransientError } from '@tickwire/errors';
import { GatheredScript } from '@tickwire/redis';
import type { Redis } from 'ioredis';
import { toVerdict } from './bucket.js';
import { TAKE_SCRIPT } from './rate-limiter.lua.js';
import { assertTake } from './rate-limiter.js';
import type { Limit, RateLimiter, Verdict } from './rate-limiter.js';

export interface RedisRateLimiterOptions {
  /**
   * Whose time counts. `server`, the default: replicas need not agree on the time; with their own clocks, one that
   * is ten seconds ahead would have every other find the time set back, and each turn between them would give ten
   * seconds of allowance away. `caller` takes `nowMs`: for a single caller that replays or simulates time.
   */
  clock?: 'server' | 'caller';
}

const KEY_PREFIX = 'limit:';

/** Limits in Redis, shared by every replica: one call of a script a request, whatever the number of limits; see `GatheredScript`. */
export class RedisRateLimiter implements RateLimiter {
  readonly #take: GatheredScript;
  readonly #clock: 'server' | 'caller';

  /**
   * @param redis see `connectRedis`; closed by whoever opened it
   */
  constructor(redis: Redis, { clock = 'server' }: RedisRateLimiterOptions = {}) {
    this.#take = new GatheredScript(redis, 'tickwireTake', TAKE_SCRIPT);
    this.#clock = clock;
  }

  async take(limits: readonly Limit[], cost: number, nowMs: number): Promise<Verdict> {
    assertTake(limits, cost, nowMs);
    const keys = limits.map(({ key }) => KEY_PREFIX + key);
    const time = this.#clock === 'server' ? 'server' : Math.floor(nowMs * 1_000);
    const numbers = limits.flatMap(({ perMinute, burst }) => [perMinute, burst]);
    const [allowed, ...levels] = await this.#run(keys, [time, cost, ...numbers]);
    return toVerdict(allowed === 1, limits, levels, cost);
  }

  /** Whatever Redis failed with, the outcome is unknown and the same call may succeed later. */
  async #run(keys: string[], args: (string | number)[]): Promise<[0 | 1, ...number[]]> {
    try {
      return (await this.#take.run(keys, ...args)) as [0 | 1, ...number[]];
    } catch (cause) {
      throw new TransientError(`The limits in Redis did not answer: ${(cause as Error).message}`, { cause });
    }
  }
}
