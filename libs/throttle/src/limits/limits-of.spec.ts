import { DEFAULT_LIMITS, limitsOf, scaleLimits } from './limits-of.js';
import { MAX_BURST, MAX_PER_MINUTE } from './rate-limiter.js';

const keysOf = (tenantId: string, botId?: string, accountId?: string) =>
  limitsOf({ tenantId, botId, accountId }).map(({ key }) => key);

describe('limitsOf', () => {
  it('gives the default limits of everyone whom the request names', () => {
    expect(limitsOf({ tenantId: 't', botId: 'b', accountId: 'a' })).toEqual([
      { key: '{t}:tenant', name: 'tenant', perMinute: 1_000, burst: 200 },
      { key: '{t}:bot:b', name: 'bot', perMinute: 120, burst: 40 },
      { key: '{t}:account:a', name: 'account', perMinute: 60, burst: 20 },
    ]);
    expect(keysOf('t')).toEqual(['{t}:tenant']);
    expect(keysOf('t', undefined, 'a')).toEqual(['{t}:tenant', '{t}:account:a']);
  });

  it('gives different keys to different senders, whatever their ids look like', () => {
    const ids = ['a', 'a:b', '{a}', '}', '', ':tenant', 'b:a', '%7D', 'ä'];
    const keys = ids.flatMap((tenant) => [
      ...keysOf(tenant),
      ...ids.flatMap((id) => [...keysOf(tenant, id).slice(1), ...keysOf(tenant, undefined, id).slice(1)]),
    ]);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('keeps the keys of a tenant under one hash tag', () => {
    for (const tenant of ['}', '{', 'a}b', '{}']) {
      const tags = keysOf(tenant, 'b{x}', '}').map((key) => /\{(.+?)\}/.exec(key)?.[1]);
      expect(new Set(tags)).toEqual(new Set([encodeURIComponent(tenant)]));
    }
  });
});

describe('scaleLimits', () => {
  it('narrows rate and burst, rounded down, to no less than one', () => {
    const scaled = scaleLimits(limitsOf({ tenantId: 't', accountId: 'a' }), 0.015);
    expect(scaled.map(({ perMinute, burst }) => [perMinute, burst])).toEqual([
      [15, 3],
      [1, 1],
    ]);
    expect(DEFAULT_LIMITS.tenant).toEqual({ perMinute: 1_000, burst: 200 });
  });

  it('widens to no more than a limiter takes', () => {
    const [scaled] = scaleLimits(limitsOf({ tenantId: 't' }), 1e9);
    expect(scaled).toMatchObject({ perMinute: MAX_PER_MINUTE, burst: MAX_BURST });
  });

  it.each([0, -1, NaN])('refuses a factor of %p', (factor) => {
    expect(() => scaleLimits([], factor)).toThrow(RangeError);
  });
});
