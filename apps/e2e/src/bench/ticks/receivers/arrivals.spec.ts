import { Arrivals } from './arrivals.js';
import { callbackAgent, callbackUrl, hangingOf, hangs } from './callback-address.js';

describe('arrivals', () => {
  const arrivals = (): Arrivals => new Arrivals({ agents: 2, firstTick: 10, ticks: 3 });

  it('keep when each callback came first, and count whom a tick has reached', () => {
    const kept = arrivals();
    kept.take(0, 11, 100);
    kept.take(1, 11, 200);
    kept.take(1, 12, 300);
    expect([10, 11, 12].map((tick) => kept.reached(tick))).toEqual([0, 2, 1]);
    expect([...kept.toData().receivedAtMs]).toEqual([NaN, 100, NaN, NaN, 200, 300]);
  });

  it('take a callback once: a retry counts apart', () => {
    const kept = arrivals();
    expect(kept.take(0, 10, 100)).toBe(0);
    expect(kept.take(0, 10, 200)).toBe(-1);
    expect(kept.toData()).toMatchObject({ repeated: 1 });
    expect(kept.receivedAtMs[0]).toBe(100);
    expect(kept.reached(10)).toBe(1);
  });

  it('count only agents that are asked about, and keep the times of all', () => {
    const kept = new Arrivals({ agents: 2, firstTick: 10, ticks: 1 }, (agent) => agent === 1);
    kept.take(0, 10, 100);
    expect(kept.reached(10)).toBe(0);
    kept.take(1, 10, 200);
    expect(kept.reached(10)).toBe(1);
    expect([...kept.receivedAtMs]).toEqual([100, 200]);
  });

  it('count each shard for itself', () => {
    const kept = new Arrivals({ agents: 4, shardOf: [0, 1, 1, 0], firstTick: 10, ticks: 2 });
    for (const agent of [0, 2, 3]) kept.take(agent, 11, 100);
    expect([kept.reached(11, 0), kept.reached(11, 1)]).toEqual([2, 1]);
    for (const tick of [9, 10, 12]) expect([kept.reached(tick, 0), kept.reached(tick, 1)]).toEqual([0, 0]);
  });

  it.each([
    [0, 9],
    [0, 13],
    [2, 10],
    [NaN, 10],
    [0, NaN],
  ])('leave out agent %p of tick %p, which belongs to no callback of the stretch', (agent, tick) => {
    const kept = arrivals();
    expect(kept.take(agent, tick, 100)).toBe(-1);
    expect(kept.toData().repeated).toBe(0);
    expect([...kept.receivedAtMs].every(Number.isNaN)).toBe(true);
  });
});

describe('the address of a callback', () => {
  it('names its agent, and deals agents out over the origins', () => {
    const urls = [0, 1, 2].map((agent) => new URL(callbackUrl(['http://a', 'http://b'], agent)));
    expect(urls.map(({ host }) => host)).toEqual(['a', 'b', 'a']);
    expect(urls.map(({ pathname }) => callbackAgent(pathname))).toEqual([0, 1, 2]);
    expect(callbackAgent('/')).toBeNaN();
  });

  it.each([5, 7, 200, 1_000])('says how many of %i agents hang', (agents) => {
    expect(Array.from({ length: agents }, (_, agent) => agent).filter(hangs)).toHaveLength(hangingOf(agents));
  });
});
