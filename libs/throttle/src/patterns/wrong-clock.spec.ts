import type { Subject } from './finding.js';
import { WrongClock } from './wrong-clock.js';

const bot: Subject = { kind: 'bot', tenantId: 't', id: 'b' };
const TOLERANCE_MS = 300_000;

/** Observes requests a second apart. @returns what was found */
function found(clock: WrongClock, skewsMs: readonly number[], { fromMs = 0, toleranceMs = TOLERANCE_MS } = {}) {
  return skewsMs.flatMap((skewMs, index) => clock.observe(bot, { skewMs, toleranceMs }, fromMs + index * 1_000) ?? []);
}

describe('WrongClock', () => {
  it('finds a clock that is behind, and tells by how much', () => {
    expect(found(new WrongClock(), [-400_200, -400_900, -400_000, -404_000, -400_100])).toEqual([
      {
        pattern: 'wrong_clock',
        subject: bot,
        evidence: {
          skewMs: -400_200,
          minSkewMs: -404_000,
          maxSkewMs: -400_000,
          toleranceMs: TOLERANCE_MS,
          count: 5,
          windowMs: 3_600_000,
          firstAtMs: 0,
          lastAtMs: 4_000,
        },
        startedAtMs: 0,
      },
    ]);
  });

  it('finds one that is ahead and still accepted, before it leaves the window', () => {
    const [finding] = found(new WrongClock(), [240_000, 240_001, 240_002, 240_003, 240_004]);
    expect(finding?.evidence.skewMs).toBe(240_002);
    expect(found(new WrongClock(), Array(50).fill(239_999))).toEqual([]);
  });

  it('takes the mean of the middle two of an even number', () => {
    const [finding] = found(new WrongClock({ requests: 4 }), [300_000, 300_001, 300_004, 300_009]);
    expect(finding?.evidence.skewMs).toBe(300_003);
  });

  it.each([
    ['on both sides', [300_000, -300_000, 300_000, -300_000, 300_000, -300_000, 300_000]],
    ['that vary, as those of a queue worked off late', [-310_000, -330_000, -350_000, -370_000, -390_000, -410_000]],
    ['with one in time among them', [400_000, 400_000, 400_000, 400_000, 0, 400_000, 400_000, 400_000, 400_000]],
  ])('finds nothing in differences %s', (_, skewsMs) => {
    expect(found(new WrongClock(), skewsMs)).toEqual([]);
  });

  it('finds nothing in differences to both sides of a tolerance as small as the spread', () => {
    expect(found(new WrongClock(), [3_500, -3_500, 3_500, -3_500, 3_500, -3_500], { toleranceMs: 4_000 })).toEqual([]);
  });

  it('begins again with the request that differs', () => {
    const findings = found(new WrongClock(), [-900_000, 400_000, 400_000, 400_000, 400_000, 400_000]);
    expect(findings.map(({ startedAtMs }) => startedAtMs)).toEqual([1_000]);
  });

  it('needs its requests within the window', () => {
    const clock = new WrongClock({ windowMs: 3_999 });
    expect(found(clock, Array(20).fill(400_000))).toEqual([]);
    expect(found(new WrongClock({ windowMs: 4_000 }), Array(5).fill(400_000))).toHaveLength(1);
  });

  it('measures by the tolerance of each sender', () => {
    expect(found(new WrongClock(), Array(5).fill(60_000), { toleranceMs: 60_000 })).toHaveLength(1);
    expect(found(new WrongClock(), Array(5).fill(60_000))).toEqual([]);
  });

  it('says it once in a cool-down', () => {
    const clock = new WrongClock({ coolDownMs: 10_000 });
    const findings = found(clock, Array(25).fill(400_000));
    expect(findings.map(({ evidence }) => [evidence.lastAtMs, evidence.count])).toEqual([
      [4_000, 5],
      [14_000, 5],
      [24_000, 5],
    ]);
  });

  it('remembers no more subjects than it may', () => {
    const clock = new WrongClock({ maxSubjects: 10 });
    for (let index = 0; index < 100; index++) {
      clock.observe({ ...bot, id: `b ${index}` }, { skewMs: 400_000, toleranceMs: TOLERANCE_MS }, index);
    }
    expect(clock.size).toBe(10);
  });

  it.each([{ requests: 0 }, { edge: 0 }, { edge: 1.1 }, { spreadMs: -1 }])('refuses %p', (wrong) => {
    expect(() => new WrongClock(wrong)).toThrow(RangeError);
  });

  it('refuses a request without a time', () => {
    expect(() => found(new WrongClock(), [NaN])).toThrow(RangeError);
  });
});
