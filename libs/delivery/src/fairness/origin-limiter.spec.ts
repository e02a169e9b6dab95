import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { Cancellation } from '../callbacks/cancellation.js';
import { Cancelled, LimiterFull, OriginLimiter } from './origin-limiter.js';

/** Tasks that hang until they are told to end. */
class Tasks {
  readonly begun: string[] = [];
  private readonly enders: { name: string; end: () => void }[] = [];

  hang(name: string): () => Promise<string> {
    return () => {
      this.begun.push(name);
      return new Promise((resolve) => this.enders.push({ name, end: () => resolve(name) }));
    };
  }

  async end(name: string): Promise<void> {
    const index = this.enders.findIndex((ender) => ender.name === name);
    this.enders.splice(index, 1)[0]?.end();
    await turn();
  }

  async endAll(): Promise<void> {
    while (this.enders.length > 0) await this.end(this.enders[0]?.name ?? '');
  }
}

const limiterAt = (clock: { nowMs: number }, settings = {}): OriginLimiter =>
  new OriginLimiter({ now: () => clock.nowMs, ...settings });

describe('OriginLimiter', () => {
  it('runs at once where there is room and hands the result back', async () => {
    const limiter = new OriginLimiter();
    await expect(limiter.run('a', () => Promise.resolve(42))).resolves.toBe(42);
    await expect(limiter.run('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    const throwing = (): Promise<never> => {
      throw new Error('before any promise');
    };
    await expect(limiter.run('a', throwing)).rejects.toThrow('before any promise');
    await turn();
    expect(limiter.stats()).toEqual({ inFlight: 0, waiting: 0, origins: 0, slowInFlight: 0 });
  });

  it('lets an origin that hangs fill only its own part', async () => {
    const tasks = new Tasks();
    const limiter = new OriginLimiter({ maxInFlight: 10, maxPerOrigin: 3 });
    for (let i = 0; i < 100; i += 1) void limiter.run('hung', tasks.hang(`hung${i}`));
    expect(limiter.stats()).toMatchObject({ inFlight: 3, waiting: 97 });
    const healthy = await Promise.all(
      Array.from({ length: 50 }, (_, i) => limiter.run('ok', () => Promise.resolve(i))),
    );
    expect(healthy).toHaveLength(50);
    expect(limiter.inFlightAt('hung')).toBe(3);
    await tasks.endAll();
  });

  it('lets an endpoint that hangs fill only its part of a shared origin', async () => {
    const tasks = new Tasks();
    const limiter = new OriginLimiter({ maxPerOrigin: 4, maxPerEndpoint: 2 });
    for (let i = 0; i < 20; i += 1) void limiter.run('host', tasks.hang(`hung${i}`), { endpointKey: 'bad' });
    expect(limiter.inFlightAt('host')).toBe(2);
    await limiter.run('host', () => Promise.resolve(), { endpointKey: 'good' });
    await tasks.endAll();
  });

  it('bounds an origin however many endpoints it has', async () => {
    const tasks = new Tasks();
    const limiter = new OriginLimiter({ maxPerOrigin: 3, maxPerEndpoint: 1 });
    for (let i = 0; i < 9; i += 1) void limiter.run('host', tasks.hang(`${i}`), { endpointKey: `${i}` });
    expect(limiter.inFlightAt('host')).toBe(3);
    await tasks.endAll();
    expect(tasks.begun).toHaveLength(9);
  });

  it('never has more in flight than it may, over all origins', async () => {
    const tasks = new Tasks();
    const limiter = new OriginLimiter({ maxInFlight: 5, maxPerOrigin: 2 });
    for (let i = 0; i < 20; i += 1) void limiter.run(`origin${i}`, tasks.hang(`${i}`));
    expect(limiter.stats()).toMatchObject({ inFlight: 5, waiting: 15 });
    await tasks.endAll();
    expect(tasks.begun).toHaveLength(20);
    expect(limiter.stats()).toMatchObject({ inFlight: 0, waiting: 0, origins: 0 });
  });

  it('takes origins in turn, and endpoints in turn within an origin', async () => {
    const tasks = new Tasks();
    const limiter = new OriginLimiter({ maxInFlight: 1 });
    void limiter.run('z', tasks.hang('first'));
    for (const n of [1, 2, 3]) void limiter.run('a', tasks.hang(`a/x${n}`), { endpointKey: 'x' });
    void limiter.run('a', tasks.hang('a/y1'), { endpointKey: 'y' });
    void limiter.run('b', tasks.hang('b1'));
    await tasks.endAll();
    expect(tasks.begun).toEqual(['first', 'a/x1', 'b1', 'a/y1', 'a/x2', 'a/x3']);
  });

  it('keeps half of the room free of origins known to be slow, however many they are', async () => {
    const clock = { nowMs: 0 };
    const tasks = new Tasks();
    const limiter = limiterAt(clock, { maxInFlight: 10, maxPerOrigin: 5 });
    for (let i = 0; i < 10; i += 1) void limiter.run(`slow${i}`, tasks.hang('warm-up'));
    clock.nowMs += 5_000;
    await tasks.endAll();
    for (let i = 0; i < 10; i += 1) void limiter.run(`slow${i}`, tasks.hang(`s${i}`));
    expect(limiter.stats()).toMatchObject({ inFlight: 5, slowInFlight: 5, waiting: 5 });
    await Promise.all(Array.from({ length: 20 }, (_, i) => limiter.run(`fast${i}`, () => Promise.resolve())));
    await tasks.endAll();
    expect(limiter.stats()).toMatchObject({ inFlight: 0, slowInFlight: 0, waiting: 0, origins: 0 });
  });

  it('lets a slow origin back in once it answers in time', async () => {
    const clock = { nowMs: 0 };
    const tasks = new Tasks();
    const limiter = limiterAt(clock, { maxInFlight: 2 });
    void limiter.run('a', tasks.hang('late'));
    clock.nowMs += 1_001;
    await tasks.end('late');
    void limiter.run('a', tasks.hang('quick'));
    void limiter.run('a', tasks.hang('held back'));
    expect(tasks.begun).toEqual(['late', 'quick']);
    await tasks.end('quick');
    void limiter.run('a', tasks.hang('beside it'));
    expect(tasks.begun.slice(2)).toEqual(['held back', 'beside it']);
    await tasks.endAll();
  });

  it('does not starve slow origins behind fast ones', async () => {
    const clock = { nowMs: 0 };
    const tasks = new Tasks();
    const limiter = limiterAt(clock, { maxInFlight: 1 });
    void limiter.run('slow', tasks.hang('late'));
    clock.nowMs += 2_000;
    await tasks.end('late');
    void limiter.run('x', tasks.hang('x'));
    for (const n of [1, 2, 3]) void limiter.run(`fast${n}`, tasks.hang(`f${n}`));
    for (const n of [1, 2]) void limiter.run('slow', tasks.hang(`s${n}`));
    clock.nowMs += 0;
    await tasks.endAll();
    expect(tasks.begun.indexOf('s1')).toBeLessThan(tasks.begun.indexOf('f2'));
  });

  it('takes a cancelled task out of the line without running it', async () => {
    const tasks = new Tasks();
    const limiter = new OriginLimiter({ maxPerOrigin: 1 });
    const superseded = new AbortController();
    void limiter.run('a', tasks.hang('1'));
    const waiting = limiter.run('a', tasks.hang('2'), { signal: superseded.signal });
    const behind = limiter.run('a', tasks.hang('3'));
    superseded.abort(new Error('superseded'));
    await expect(waiting).rejects.toThrow('superseded');
    expect(limiter.stats().waiting).toBe(1);
    await tasks.end('1');
    await tasks.end('3');
    await expect(behind).resolves.toBe('3');
    expect(tasks.begun).toEqual(['1', '3']);
    expect(limiter.stats()).toMatchObject({ inFlight: 0, waiting: 0, origins: 0 });
    await expect(limiter.run('a', tasks.hang('4'), { signal: superseded.signal })).rejects.toThrow('superseded');
  });

  it('takes what a cancellation ends out of the line, and lets what has begun go on', async () => {
    const tasks = new Tasks();
    const limiter = new OriginLimiter({ maxPerOrigin: 1 });
    const cancellation = new Cancellation();
    const begun = limiter.run('a', tasks.hang('1'), { cancellation });
    const waiting = limiter.run('a', tasks.hang('2'), { cancellation });
    const signalled = new AbortController();
    const both = limiter.run('a', tasks.hang('3'), { cancellation, signal: signalled.signal });
    const behind = limiter.run('a', tasks.hang('4'), { cancellation: new Cancellation() });
    signalled.abort(new Error('signalled'));
    await expect(both).rejects.toThrow('signalled');
    cancellation.cancel();
    await expect(waiting).rejects.toThrow(Cancelled);
    await expect(limiter.run('a', tasks.hang('5'), { cancellation })).rejects.toThrow(Cancelled);
    expect(limiter.stats().waiting).toBe(1);
    await tasks.end('1');
    await tasks.end('4');
    await expect(Promise.all([begun, behind])).resolves.toEqual(['1', '4']);
    expect(tasks.begun).toEqual(['1', '4']);
    expect(limiter.stats()).toMatchObject({ inFlight: 0, waiting: 0, origins: 0 });
  });

  it('refuses more than a line can hold', async () => {
    const tasks = new Tasks();
    const limiter = new OriginLimiter({ maxPerOrigin: 1, maxWaitingPerOrigin: 2 });
    for (const n of [1, 2, 3]) void limiter.run('a', tasks.hang(`${n}`));
    await expect(limiter.run('a', tasks.hang('4'))).rejects.toThrow(LimiterFull);
    await tasks.endAll();
  });

  it.each([{ maxInFlight: 0 }, { maxPerOrigin: -1 }, { maxPerEndpoint: NaN }])('refuses settings %p', (settings) => {
    expect(() => new OriginLimiter(settings)).toThrow(RangeError);
  });

  it.each([0, 2])(
    'keeps every bound, runs every task once and forgets idle origins, in any order of events (%d overdue)',
    async (maxOverduePerOrigin) => {
      const submission = fc.record({
        origin: fc.constantFrom('a', 'b', 'c'),
        endpoint: fc.constantFrom('x', 'y'),
        turns: fc.integer({ min: 0, max: 3 }),
        fails: fc.boolean(),
        cancel: fc.boolean(),
        slowMs: fc.constantFrom(0, 0, 2_000),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(submission, { maxLength: 40 }), async (submissions) => {
          const clock = { nowMs: 0 };
          const limiter = limiterAt(clock, { maxInFlight: 4, maxPerOrigin: 3, maxPerEndpoint: 2, maxOverduePerOrigin });
          const active = new Map<string, number>();
          const change = (key: string, by: number): number => {
            const count = (active.get(key) ?? 0) + by;
            active.set(key, count);
            return count;
          };
          let ran = 0;
          const results = submissions.map(({ origin, endpoint, turns, fails, cancel, slowMs }) => {
            const abort = new AbortController();
            const result = limiter.run(
              origin,
              async () => {
                ran += 1;
                expect(change('all', 1)).toBeLessThanOrEqual(4);
                expect(change(origin, 1)).toBeLessThanOrEqual(3 + maxOverduePerOrigin);
                expect(change(origin + endpoint, 1)).toBeLessThanOrEqual(2);
                for (let i = 0; i < turns; i += 1) await turn();
                clock.nowMs += slowMs;
                for (const key of ['all', origin, origin + endpoint]) change(key, -1);
                if (fails) throw new Error('failed');
              },
              { endpointKey: endpoint, signal: abort.signal },
            );
            if (cancel) abort.abort(new Error('cancelled'));
            return result;
          });
          const ends = await Promise.allSettled(results);
          await turn();
          const cancelled = ends.filter(
            (end) => end.status === 'rejected' && (end.reason as Error).message === 'cancelled',
          );
          expect(ran + cancelled.length).toBe(submissions.length);
          const unexpected = ends.filter(
            (end) => end.status === 'rejected' && !['failed', 'cancelled'].includes((end.reason as Error).message),
          );
          expect(unexpected).toEqual([]);
          expect(limiter.stats()).toEqual({ inFlight: 0, waiting: 0, origins: 0, slowInFlight: 0 });
        }),
        { numRuns: 100 },
      );
    },
  );
});
