import type { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { startRedis } from '@tickwire/testing';
import type { Redis } from 'ioredis';
import { connectRedis } from './connect-redis.js';
import { GatheredScript } from './gathered-script.js';

/** Counts its calls under each of its keys; fails on demand, after it has written. */
const COUNT = `
local counts = {}
for index, key in ipairs(KEYS) do counts[index] = redis.call('INCRBY', key, ARGV[1]) end
if ARGV[2] == 'fail' then redis.call('NO-SUCH-COMMAND') end
if ARGV[2] == 'throw' then error('as asked') end
return counts
`;

const server = await startRedis();
const describeWithRedis = server === undefined ? describe.skip : describe;

describeWithRedis('a gathered script', () => {
  let redis: Redis;

  beforeEach(async () => {
    redis = connectRedis(server!.url, 20_000, () => undefined);
    if (redis.status !== 'ready') await new Promise<void>((resolve) => void redis.once('ready', () => resolve()));
    await redis.flushall();
    await redis.call('CONFIG', 'RESETSTAT');
  });

  afterEach(() => {
    jest.useRealTimers();
    redis.disconnect();
  });
  afterAll(() => server?.stop());

  /** Calls of scripts that the server has seen. */
  async function commands(): Promise<number> {
    const stats = String(await redis.info('commandstats'));
    return [...stats.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)].reduce((sum, [, calls]) => sum + Number(calls), 0);
  }

  it('sends the calls of one turn as one command, and gives each its own reply, in the order of the calls', async () => {
    const script = new GatheredScript(redis, 'specCount', COUNT);
    const replies = await Promise.all([
      script.run(['a'], 1),
      script.run(['a', 'b'], 2),
      script.run(['b'], 3),
      script.run([], 4),
    ]);
    expect(replies).toEqual([[1], [3, 2], [5], []]);
    expect(await commands()).toBe(1);
    expect(await script.run(['a'], 1)).toEqual([4]);
    expect(await commands()).toBe(2);
  });

  it('sends what came meanwhile once the answer is there, and before that where the server takes long', async () => {
    const script = new GatheredScript(redis, 'specCount', COUNT);
    await script.run(['a'], 1);
    await redis.call('CONFIG', 'RESETSTAT');
    await redis.call('CLIENT', 'PAUSE', 300);
    // Real ones would run out where the machine stalls for some milliseconds.
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'performance', 'Date'] });
    const answered: string[] = [];
    const run = async (key: string): Promise<void> => {
      await script.run([key], 1);
      answered.push(key);
    };
    const first = run('a');
    await turn();
    const written = redis.stream.bytesWritten;
    const later = [run('b')];
    await turn();
    later.push(run('c'));
    // Both are still here: they wait for the first one.
    expect(redis.stream.bytesWritten).toBe(written);
    jest.advanceTimersByTime(5);
    expect(redis.stream.bytesWritten).toBeGreaterThan(written);
    expect(answered).toEqual([]);
    await Promise.all([first, ...later]);
    expect(await commands()).toBe(2);
  });

  it('sends scripts of one client in one write', async () => {
    const scripts = ['specCount', 'specCountToo'].map((name) => new GatheredScript(redis, name, COUNT));
    await Promise.all(scripts.map((script) => script.run(['a'], 1)));
    const writes = jest.spyOn(redis.stream as Socket & { _writev: NonNullable<Socket['_writev']> }, '_writev');
    await Promise.all(scripts.map((script) => script.run(['a'], 1)));
    expect(writes).toHaveBeenCalledTimes(1);
    expect(writes.mock.calls[0]![0]).toHaveLength(2);
  });

  it('lets a call that fails in the script fail alone', async () => {
    const script = new GatheredScript(redis, 'specCount', COUNT);
    const outcomes = await Promise.allSettled([
      script.run(['a'], 1),
      script.run(['a'], 1, 'fail'),
      script.run(['a'], 1, 'throw'),
      script.run(['a'], 1),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
    expect((outcomes[2] as PromiseRejectedResult).reason).toMatchObject({
      message: expect.stringContaining('as asked'),
    });
    expect((outcomes[3] as PromiseFulfilledResult<number[]>).value).toEqual([4]);
  });

  it('splits what would hold the server up, and loses no call', async () => {
    const script = new GatheredScript(redis, 'specCount', COUNT);
    const replies = await Promise.all(Array.from({ length: 150 }, () => script.run(['a'], 1)));
    expect(replies).toEqual(Array.from({ length: 150 }, (_, index) => [index + 1]));
    expect(await commands()).toBe(3);
  });

  it('fails every call at once where there is no connection', async () => {
    const script = new GatheredScript(redis, 'specCount', COUNT);
    redis.disconnect();
    const outcomes = await Promise.allSettled([script.run(['a'], 1), script.run(['b'], 1)]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });

  it('goes on after the server has forgotten its scripts', async () => {
    const script = new GatheredScript(redis, 'specCount', COUNT);
    await script.run(['a'], 1);
    await redis.script('FLUSH');
    expect(await script.run(['a'], 1)).toEqual([2]);
  });
});
