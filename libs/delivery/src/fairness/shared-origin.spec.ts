import { setImmediate as turn } from 'node:timers/promises';
import { OriginLimiter, type OriginLimiterSettings } from './origin-limiter.js';

const HOST = 'https://bots.example.com';

/** Endpoints of one host, of which some hang until they are told to answer. */
class Host {
  nowMs = 0;
  readonly begun: string[] = [];
  private readonly hung = new Map<string, () => void>();
  readonly limiter: OriginLimiter;

  constructor(settings: OriginLimiterSettings) {
    this.limiter = new OriginLimiter({ now: () => this.nowMs, ...settings });
  }

  hangs(endpointKey: string, origin = HOST): void {
    const task = () =>
      new Promise<void>((resolve) => {
        this.begun.push(endpointKey);
        this.hung.set(endpointKey, resolve);
      });
    void this.limiter.run(origin, task, { endpointKey });
  }

  answers(endpointKey: string, origin = HOST): Promise<void> {
    const task = () => {
      this.begun.push(endpointKey);
      return Promise.resolve();
    };
    return this.limiter.run(origin, task, { endpointKey });
  }

  /** Those that hang end, each after so long, and so do those that begin in their places. */
  async endAll(afterMs: number): Promise<void> {
    while (this.hung.size > 0) {
      this.nowMs += afterMs;
      for (const [key, end] of [...this.hung]) {
        this.hung.delete(key);
        end();
      }
      await turn();
    }
  }
}

describe('endpoints that share an origin', () => {
  it('cannot be kept out by those that hung the last time, however many: these hold half of it', async () => {
    const host = new Host({ maxPerOrigin: 8 });
    const bad = Array.from({ length: 20 }, (_, i) => `bad${i}`);
    for (const key of bad) host.hangs(key);
    expect(host.limiter.inFlightAt(HOST)).toBe(8); // the first wave: nobody knows better yet
    await host.endAll(5_000);
    await host.answers('good'); // the origin as a whole is not slow
    for (const key of bad) host.hangs(key);
    expect(host.limiter.inFlightAt(HOST)).toBe(4);
    for (let i = 0; i < 50; i += 1) await host.answers(`good${i}`);
    expect(host.limiter.stats()).toMatchObject({ inFlight: 4, slowInFlight: 4, waiting: 16 });
    await host.endAll(0);
    expect(host.limiter.stats()).toEqual({ inFlight: 0, slowInFlight: 0, waiting: 0, origins: 0 });
  });

  it('get back into the quick line with their first answer in time', async () => {
    const host = new Host({ maxPerOrigin: 4 });
    for (const key of ['a', 'b', 'c']) host.hangs(key);
    await host.endAll(5_000);
    await host.answers('good');
    for (const key of ['a', 'b', 'c']) host.hangs(key);
    expect(host.limiter.stats()).toMatchObject({ inFlight: 2, slowInFlight: 2 });
    await host.endAll(0);
    for (const key of ['a', 'b', 'c']) host.hangs(key);
    expect(host.limiter.stats()).toMatchObject({ inFlight: 3, slowInFlight: 0 });
    await host.endAll(0);
  });

  it('are not taken for slow with one that hangs while they answer', async () => {
    const host = new Host({ maxInFlight: 4, maxPerOrigin: 4 });
    host.hangs('bad');
    host.nowMs += 100;
    await host.answers('good');
    await host.endAll(5_000);
    const elsewhere = ['https://one.example.com', 'https://two.example.com'];
    for (const origin of elsewhere) host.hangs(`${origin}/bad`, origin);
    await host.endAll(5_000);
    for (const origin of elsewhere) host.hangs(`${origin}/bad`, origin);
    expect(host.limiter.stats()).toMatchObject({ slowInFlight: 2 }); // all that slow ones may hold together
    await host.answers('good');
    expect(host.begun.at(-1)).toBe('good');
    await host.endAll(0);
  });

  it('wait for a first wave that hangs until it is overdue, not until its deadline', async () => {
    const host = new Host({ maxPerOrigin: 3, maxOverduePerOrigin: 3, slowAfterMs: 10, now: () => performance.now() });
    for (let i = 0; i < 3; i += 1) host.hangs(`bad${i}`);
    const good = host.answers('good');
    expect(host.begun).not.toContain('good');
    await good; // nobody ended
    while (host.limiter.stats().slowInFlight < 3) await turn(); // each has its own 10 ms
    expect(host.limiter.stats()).toMatchObject({ inFlight: 3, slowInFlight: 3 });
    // Another wave fills the places again; of what hangs, no more than `maxOverduePerOrigin` is set apart.
    for (let i = 3; i < 8; i += 1) host.hangs(`bad${i}`);
    while (host.limiter.inFlightAt(HOST) < 6) await turn();
    expect(host.limiter.stats()).toMatchObject({ inFlight: 6, slowInFlight: 3, waiting: 2 });
    await host.endAll(0);
    expect(host.limiter.stats()).toEqual({ inFlight: 0, slowInFlight: 0, waiting: 0, origins: 0 });
  });

  it('take turns with slow ones, which wait for their own part only', async () => {
    const host = new Host({ maxPerOrigin: 2 });
    host.hangs('slow');
    await host.endAll(5_000);
    await host.answers('good');
    host.hangs('x');
    host.hangs('y');
    host.hangs('slow');
    expect(host.begun.slice(-2)).toEqual(['x', 'y']); // no room: two are the origin's part
    await host.endAll(0);
    expect(host.begun.at(-1)).toBe('slow');
  });
});
