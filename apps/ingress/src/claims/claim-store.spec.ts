import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { TransientError } from '@tickwire/errors';
import { startRedis } from '@tickwire/testing';
import fc from 'fast-check';
import { connectRedis } from '@tickwire/redis';
import type { Redis } from 'ioredis';
import { describeClaimStore } from './claim-store.conformance.js';
import type { ClaimStore, PendingClaim } from './claim-store.js';
import { InProcessClaimStore } from './in-process-claim-store.js';
import { RedisClaimStore } from './redis-claim-store.js';

const MINUTE_MS = 60_000;
const pending: PendingClaim = {
  state: 'pending',
  token: 'owner',
  bodyHash: 'body',
  ids: { webhookId: 'w-1', signalId: 's-1' },
  sinceMs: 1_769_851_800_123,
};
const answer = { status: 202, headers: {}, body: '{}' };

describeClaimStore('InProcessClaimStore', {
  shortMs: 1_000,
  async open(options) {
    let nowMs = 0;
    const store = new InProcessClaimStore({ now: () => nowMs, ...options });
    return { store, replica: store, pass: async (ms) => void (nowMs += ms) };
  },
});

describe('InProcessClaimStore', () => {
  const openBounded = (maxKeys: number) => {
    const clock = { nowMs: 0 };
    return { clock, store: new InProcessClaimStore({ now: () => clock.nowMs, leaseMs: 1_000, maxKeys }) };
  };

  it('stays within its bound by forgetting the oldest answers first', async () => {
    const { store } = openBounded(10);
    for (let index = 0; index < 100; index++) {
      await store.claim([`key ${index}`], pending, MINUTE_MS);
      await store.complete([`key ${index}`], { ...pending, state: 'done', answer }, MINUTE_MS);
      expect(store.size).toBeLessThanOrEqual(10);
    }
    const later = { ...pending, token: 'later' };
    expect((await store.claim(['key 99'], later, MINUTE_MS)).kind).toBe('done-same-body');
    expect((await store.claim(['key 0'], later, MINUTE_MS)).kind).toBe('first');
  });

  it('stays within its bound when answers come for claims that were lost', async () => {
    const { store } = openBounded(3);
    for (const key of ['a', 'b', 'c', 'd', 'e']) {
      await store.complete([key], { ...pending, state: 'done', answer }, MINUTE_MS);
    }
    expect(store.size).toBe(3);
  });

  it('never forgets a live pending claim for room: it refuses the new one, whole', async () => {
    const { store, clock } = openBounded(3);
    for (const key of ['a', 'b']) await store.claim([key], pending, MINUTE_MS);
    const two = ['c', 'd'];
    await expect(store.claim(two, pending, MINUTE_MS)).rejects.toThrow(TransientError);
    expect(store.size).toBe(2);
    const retry = { ...pending, token: 'retry' };
    expect((await store.claim(['a'], retry, MINUTE_MS)).kind).toBe('pending-young');
    clock.nowMs = 1_000;
    expect(await store.takeOver(['a'], pending, 'retry', 2 * MINUTE_MS)).toBeDefined();
    clock.nowMs = MINUTE_MS; // b is over, a is not
    expect(await store.claim(two, pending, MINUTE_MS)).toEqual({ kind: 'first' });
  });

  it('sweeps what has expired while it works, without reaching its bound', async () => {
    const { store, clock } = openBounded(1_000_000);
    for (let index = 0; index < 10_000; index++) {
      clock.nowMs = index * 1_000;
      await store.claim([`key ${index}`], pending, MINUTE_MS);
    }
    expect(store.size).toBeLessThan(100);
  });
});

const server = await startRedis();
const describeWithRedis = server === undefined ? describe.skip : describe;
const clients: Redis[] = [];

/** Generous where only the outcome counts: a busy machine must not turn a slow answer into a failure. */
async function connected(url: string, commandTimeoutMs = 20_000): Promise<Redis> {
  const client = connectRedis(url, commandTimeoutMs, () => undefined);
  clients.push(client);
  await statusOf(client, 'ready');
  return client;
}

afterAll(async () => {
  for (const client of clients) client.disconnect();
  await server?.stop();
});

describeWithRedis('over a real Redis', () => {
  describeClaimStore('RedisClaimStore', {
    shortMs: 100,
    async open(options) {
      const [redis, other] = [await connected(server!.url), await connected(server!.url)];
      await redis.flushall();
      const replica = new RedisClaimStore(other, options);
      return { store: new RedisClaimStore(redis, options), replica, pass: async (ms) => void (await sleep(ms + 20)) };
    },
  });

  it('gives the same outcomes as the store in process, whatever is asked in whatever order', async () => {
    const redis = await connected(server!.url);
    const keys = fc.subarray(['a', 'b', 'c'], { minLength: 1 });
    const claim = fc.record({ token: fc.constantFrom('t1', 't2'), bodyHash: fc.constantFrom('body', 'other') });
    const method = fc.constantFrom('claim', 'claim', 'takeOver', 'complete', 'release');
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(method, keys, claim), { maxLength: 12 }), async (calls) => {
        await redis.flushall();
        const stores = [new RedisClaimStore(redis), new InProcessClaimStore({ now: () => 0 })];
        for (const [method, keys, change] of calls) {
          const own = { ...pending, ...change };
          const ask = async (store: ClaimStore) => {
            if (method === 'claim') return { ...(await store.claim(keys, own, MINUTE_MS)), leaseLeftMs: undefined };
            if (method === 'takeOver') return store.takeOver(keys, own, `${own.token}, again`, MINUTE_MS);
            if (method === 'release') return store.release(keys, own);
            const { bodyHash, ids } = own;
            return store.complete(keys, { state: 'done', bodyHash, ids, sinceMs: 0, answer }, MINUTE_MS);
          };
          const [overRedis, inProcess] = await Promise.all(stores.map(ask));
          expect(overRedis).toEqual(inProcess);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('leaves no key without an end of its life', async () => {
    const redis = await connected(server!.url);
    await redis.flushall();
    const store = new RedisClaimStore(redis);
    await store.claim(['a', 'b'], pending, MINUTE_MS);
    await store.complete(['b', 'c'], { ...pending, state: 'done', answer }, 2 * MINUTE_MS);
    const keys = await redis.keys('*');
    expect(keys.sort()).toEqual(['claim:a', 'claim:b', 'claim:c']);
    for (const key of keys) expect(await redis.pttl(key)).toBeGreaterThan(0);
    expect(await redis.hgetall('claim:b')).not.toHaveProperty('token');
  });

  it('works on after the server has forgotten its scripts', async () => {
    const redis = await connected(server!.url);
    const store = new RedisClaimStore(redis);
    await store.claim(['scripts'], pending, MINUTE_MS);
    await redis.script('FLUSH');
    expect((await store.claim(['scripts'], { ...pending, token: 'x' }, MINUTE_MS)).kind).toBe('pending-young');
  });

  it('fails with TransientError when Redis hangs, and works again when it goes on', async () => {
    const own = (await startRedis())!;
    try {
      const store = new RedisClaimStore(await connected(own.url, 200));
      process.kill(own.pid, 'SIGSTOP');
      await expect(store.claim(['a'], pending, MINUTE_MS)).rejects.toThrow(TransientError);
      process.kill(own.pid, 'SIGCONT');
      // What timed out may have landed; the repeated call is the first one all the same.
      expect(await eventually(() => store.claim(['a'], pending, MINUTE_MS))).toEqual({ kind: 'first' });
    } finally {
      await own.stop();
    }
  });

  it('fails a call that is under way when the connection breaks, instead of sending it again later', async () => {
    const own = (await startRedis())!;
    const redis = await connected(own.url);
    process.kill(own.pid, 'SIGSTOP');
    let failure: unknown;
    const claim = new RedisClaimStore(redis).claim(['a'], pending, MINUTE_MS).catch((error: unknown) => {
      failure = error;
    });
    // Before the client tries to connect again, the call has ended.
    await Promise.all([statusOf(redis, 'reconnecting').then(() => turnOfEvents()), own.stop()]);
    expect(failure).toBeInstanceOf(TransientError);
    await claim;
  });

  it('fails every call at once while the server accepts connections and says nothing', async () => {
    const silent = createServer();
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const redis = connectRedis(`redis://127.0.0.1:${(silent.address() as AddressInfo).port}`, 300, () => undefined);
    clients.push(redis);
    const [socket] = (await once(silent, 'connection')) as [Socket];
    const error: unknown = await new RedisClaimStore(redis)
      .claim(['a'], pending, MINUTE_MS)
      .catch((error: unknown) => error);
    expect(error).toBeInstanceOf(TransientError);
    expect((error as Error).message).not.toContain('timed out');
    redis.disconnect();
    socket.destroy();
    silent.close();
  });

  it('fails every call at once with TransientError while there is no connection', async () => {
    const own = (await startRedis())!;
    const redis = await connected(own.url);
    const store = new RedisClaimStore(redis);
    await Promise.all([statusOf(redis, 'close'), own.stop()]);
    const done = { ...pending, state: 'done' as const, answer };
    for (const call of [
      () => store.claim(['a'], pending, MINUTE_MS),
      () => store.takeOver(['a'], pending, 't', MINUTE_MS),
      () => store.complete(['a'], done, MINUTE_MS),
      () => store.release(['a'], pending),
    ]) {
      const error: unknown = await call().catch((error: unknown) => error);
      expect(error).toBeInstanceOf(TransientError);
      // Not by its timeout: without a connection nothing is sent and nothing is waited for.
      expect((error as Error).message).not.toContain('timed out');
    }
  });
});

/** Waits for a status of the client. `once` of node:events would reject on the errors that come before it. */
const statusOf = (redis: Redis, status: 'ready' | 'close' | 'reconnecting') =>
  new Promise<void>((resolve) => redis.once(status, () => resolve()));
const turnOfEvents = () => new Promise((resolve) => setImmediate(resolve));

/** Repeats a call while it fails with TransientError, as the sender of a request would. */
async function eventually<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!TransientError.is(error)) throw error;
      await sleep(20);
    }
  }
}
