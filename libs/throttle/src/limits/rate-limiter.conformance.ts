import fc from 'fast-check';
import { toVerdict, UNIT } from './bucket.js';
import { limitsOf } from './limits-of.js';
import { MAX_BURST, MAX_PER_MINUTE } from './rate-limiter.js';
import type { Limit, LimitName, RateLimiter, Verdict } from './rate-limiter.js';

/** What the suite needs to know of an adapter. */
export interface RateLimiterHarness {
  /** Opens a limiter with nothing taken, whose time is `nowMs`. */
  open(): Promise<RateLimiter>;
  /** Sequences of requests tried for each property. */
  runs: number;
}

/** One request of a random sequence: the time that passed before it, its cost, and its limits. */
export interface Request {
  afterMs: number;
  cost: number;
  limits: Limit[];
}

const START_MS = 1_795_000_000_000;

export function limit(change: Partial<Limit> = {}): Limit {
  return { key: 'tenant', name: 'tenant', perMinute: 60, burst: 5, ...change };
}

/** Requests on up to three keys with rates that do not divide a minute, most of them close together. */
export function requests(maxLength: number): fc.Arbitrary<Request[]> {
  const names: LimitName[] = ['tenant', 'bot', 'account'];
  const rates = fc.record({
    perMinute: fc.constantFrom(1, 7, 60, 999, 70_001, 59_999_999),
    burst: fc.integer({ min: 1, max: 9 }),
  });
  const microsecondsMs = fc.integer({ min: 1, max: 9 }).map((us) => us / 1_000);
  const afterMs = fc.oneof(
    fc.constant(0),
    fc.integer({ min: 1, max: 1_500 }),
    microsecondsMs,
    fc.constantFrom(59_999, 3_600_000),
  );
  return fc.tuple(rates, rates, rates).chain((settings) => {
    const known = names.map((name, index) => ({ key: `key of ${name}`, name, ...settings[index]! }));
    const limits = fc.subarray(known, { minLength: 1 });
    return fc.array(fc.record({ afterMs, cost: fc.integer({ min: 1, max: 10 }), limits }), { maxLength });
  });
}

/**
 * The same algorithm in its other form, virtual scheduling, in exact arithmetic: per key the theoretical arrival time,
 * in units of a microsecond over `perMinute`.
 */
export function oracle(): (limits: readonly Limit[], cost: number, nowMs: number) => Verdict {
  const arrivals = new Map<string, bigint>();
  return (limits, cost, nowMs) => {
    const nowUs = BigInt(Math.floor(nowMs * 1_000));
    const ahead = limits.map(({ key, perMinute }) => {
      const now = nowUs * BigInt(perMinute);
      const arrival = arrivals.get(key) ?? now;
      return arrival > now ? arrival - now : 0n;
    });
    const step = BigInt(cost) * BigInt(UNIT);
    const allowed = limits.every(({ burst }, index) => ahead[index]! + step <= BigInt(burst) * BigInt(UNIT));
    if (!allowed) return toVerdict(false, limits, ahead.map(Number), cost);
    limits.forEach(({ key, perMinute }, index) => arrivals.set(key, nowUs * BigInt(perMinute) + ahead[index]! + step));
    return toVerdict(
      true,
      limits,
      ahead.map((level) => Number(level + step)),
      cost,
    );
  };
}

/** What every rate limiter promises, whatever it is made of. */
export function describeRateLimiter(name: string, { open, runs }: RateLimiterHarness): void {
  describe(`${name} as a rate limiter`, () => {
    it('allows the burst at once, refuses the next, and gives back one unit at a time', async () => {
      const limiter = await open();
      const limits = [limit({ perMinute: 60, burst: 3 })];
      const remaining: number[] = [];
      for (let taken = 0; taken < 3; taken++) {
        const verdict = await limiter.take(limits, 1, START_MS);
        remaining.push(verdict.limits[0]!.remaining);
      }
      expect(remaining).toEqual([2, 1, 0]);
      expect(await limiter.take(limits, 1, START_MS)).toEqual({
        allowed: false,
        limits: [{ name: 'tenant', limit: 3, windowMs: 3_000, remaining: 0, resetMs: 3_000 }],
        refusal: { name: 'tenant', neverFits: false, retryAfterMs: 1_000 },
      });
      expect((await limiter.take(limits, 1, START_MS + 999)).allowed).toBe(false);
      expect((await limiter.take(limits, 1, START_MS + 1_000)).allowed).toBe(true);
      expect((await limiter.take(limits, 1, START_MS + 1_000)).allowed).toBe(false);
    });

    it('takes nothing from the tenant and the bot when the account refuses', async () => {
      const limiter = await open();
      const settings = { tenant: { perMinute: 60, burst: 10 }, bot: { perMinute: 60, burst: 10 } };
      const account = { perMinute: 60, burst: 2 };
      const sender = { tenantId: 't', botId: 'b', accountId: 'a' };
      const limits = limitsOf(sender, { ...settings, account });
      await limiter.take(limits, 2, START_MS);
      for (let refused = 0; refused < 20; refused++) {
        const verdict = await limiter.take(limits, 1, START_MS);
        expect(verdict).toMatchObject({ allowed: false, refusal: { name: 'account' } });
        expect(verdict.limits.map(({ remaining }) => remaining)).toEqual([8, 8, 0]);
      }
      const other = await limiter.take(
        limitsOf({ ...sender, accountId: 'other' }, { ...settings, account }),
        1,
        START_MS,
      );
      expect(other.limits.map(({ remaining }) => remaining)).toEqual([7, 7, 1]);
    });

    it('names the limit that makes a request wait longest', async () => {
      const limiter = await open();
      const limits = [
        limit({ key: 't', perMinute: 600, burst: 1 }),
        limit({ key: 'b', name: 'bot', perMinute: 6, burst: 1 }),
        limit({ key: 'a', name: 'account', perMinute: 60, burst: 1 }),
      ];
      await limiter.take(limits, 1, START_MS);
      const refusal = { name: 'bot', neverFits: false, retryAfterMs: 10_000 };
      expect(await limiter.take(limits, 1, START_MS)).toMatchObject({ allowed: false, refusal });
    });

    it('says that a cost above the burst never fits, and takes nothing for it', async () => {
      const limiter = await open();
      const limits = [limit({ burst: 200 }), limit({ key: 'a', name: 'account', burst: 20 })];
      const refused = await limiter.take(limits, 21, START_MS);
      expect(refused).toMatchObject({ allowed: false, refusal: { name: 'account', neverFits: true } });
      expect((await limiter.take(limits, 20, START_MS)).limits.map(({ remaining }) => remaining)).toEqual([180, 0]);
    });

    it('keeps what was taken when the limit is lowered or raised', async () => {
      const limiter = await open();
      await limiter.take([limit({ perMinute: 60, burst: 10 })], 8, START_MS);
      const lowered = await limiter.take([limit({ perMinute: 30, burst: 5 })], 1, START_MS);
      expect(lowered).toMatchObject({ allowed: false, refusal: { retryAfterMs: 8_000 } });
      expect(lowered.limits[0]).toMatchObject({ limit: 5, remaining: 0, resetMs: 16_000 });
      const raised = await limiter.take([limit({ perMinute: 60, burst: 20 })], 1, START_MS);
      expect(raised.limits[0]!.remaining).toBe(11);
    });

    it('gives nothing for a clock that was set back, and does not stop until it has caught up', async () => {
      const limiter = await open();
      const limits = [limit({ perMinute: 60, burst: 1 })];
      await limiter.take(limits, 1, START_MS);
      const hourBefore = START_MS - 3_600_000;
      expect(await limiter.take(limits, 1, hourBefore)).toMatchObject({ refusal: { retryAfterMs: 1_000 } });
      const lower = [limit({ perMinute: 60, burst: 2 })];
      expect((await limiter.take(lower, 1, hourBefore)).allowed).toBe(true);
      expect((await limiter.take(lower, 1, hourBefore + 1_000)).allowed).toBe(true);
    });

    it('counts exactly at the largest limits and after a rest of years', async () => {
      const limiter = await open();
      const limits = [
        limit({ perMinute: MAX_PER_MINUTE, burst: MAX_BURST }),
        limit({ key: 'slow', perMinute: 1, burst: 1 }),
      ];
      const largest = limits.slice(0, 1);
      expect((await limiter.take(largest, MAX_BURST - 1, START_MS)).limits[0]!.remaining).toBe(1);
      expect((await limiter.take(limits, 1, START_MS)).limits[0]!.remaining).toBe(0);
      expect(await limiter.take(largest, 2, START_MS)).toMatchObject({ allowed: false, refusal: { retryAfterMs: 1 } });
      const later = START_MS + 5 * 365 * 86_400_000;
      expect((await limiter.take(limits, 1, later)).limits[0]!.remaining).toBe(MAX_BURST - 1);
    });

    it.each<[string, readonly Limit[], number]>([
      ['no limit', [], 1],
      ['a cost of nothing', [limit()], 0],
      ['part of a unit', [limit()], 1.5],
      ['one key twice', [limit(), limit({ name: 'bot' })], 1],
      ['a limit of nothing', [limit({ perMinute: 0 })], 1],
      ['a burst beyond exact numbers', [limit({ burst: MAX_BURST + 1 })], 1],
    ])('refuses %s as a bug of its caller', async (_, limits, cost) => {
      await expect((await open()).take(limits, cost, START_MS)).rejects.toThrow(RangeError);
    });

    it('allows no more than fifty concurrent requests may have', async () => {
      const limiter = await open();
      const limits = [limit({ burst: 30 }), limit({ key: 'a', name: 'account', burst: 17 })];
      const verdicts = await Promise.all(Array.from({ length: 50 }, () => limiter.take(limits, 1, START_MS)));
      expect(verdicts.filter(({ allowed }) => allowed)).toHaveLength(17);
    });

    it('decides as exact arithmetic does, for all limits of each request', async () => {
      await fc.assert(
        fc.asyncProperty(requests(40), async (sequence) => {
          const [limiter, expected] = [await open(), oracle()];
          let nowMs = START_MS;
          for (const { afterMs, cost, limits } of sequence) {
            nowMs += afterMs;
            expect(await limiter.take(limits, cost, nowMs)).toEqual(expected(limits, cost, nowMs));
          }
        }),
        { numRuns: runs },
      );
    });
  });
}
