import fc from 'fast-check';
import type { Subject } from './finding.js';
import { ReplayStorm } from './replay-storm.js';
import { SignatureFailureStorm } from './signature-failure-storm.js';

const source = (id: string, tenantId = 't'): Subject => ({ kind: 'source', tenantId, id });
const settings = { threshold: 5, windowMs: 1_000, coolDownMs: 10_000, maxSubjects: 100 };

/** Observes one subject at each time. @returns the times at which something was found */
function foundAt(storm: SignatureFailureStorm, timesMs: readonly number[], subject = source('203.0.113.9')): number[] {
  return timesMs.filter((atMs) => storm.observe(subject, atMs) !== undefined);
}

describe('SignatureFailureStorm', () => {
  it('finds the failure that makes it a storm, with what was counted', () => {
    const storm = new SignatureFailureStorm(settings);
    const findings = [100, 200, 300, 400, 1_100].map((atMs) => storm.observe(source('203.0.113.9'), atMs));
    expect(findings.slice(0, 4)).toEqual([undefined, undefined, undefined, undefined]);
    expect(findings[4]).toEqual({
      pattern: 'signature_failure_storm',
      subject: { kind: 'source', tenantId: 't', id: '203.0.113.9' },
      evidence: { count: 5, threshold: 5, windowMs: 1_000, firstAtMs: 100, lastAtMs: 1_100 },
      startedAtMs: 100,
    });
  });

  it('finds nothing in failures that are too far apart, however many', () => {
    const times = Array.from({ length: 500 }, (_, index) => index * 251);
    expect(foundAt(new SignatureFailureStorm(settings), times)).toEqual([]);
  });

  it('finds exactly the storms that counting every window finds', () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 600 }), { maxLength: 80 });
    fc.assert(
      fc.property(gaps, fc.integer({ min: 1, max: 8 }), (gaps, threshold) => {
        let nowMs = 0;
        const times = gaps.map((gapMs) => (nowMs += gapMs));
        let quietUntilMs = 0;
        const expected = times.filter((atMs, index) => {
          const inWindow = times.slice(0, index + 1).filter((earlierMs) => atMs - earlierMs <= 1_000).length;
          if (inWindow < threshold || atMs < quietUntilMs) return false;
          quietUntilMs = atMs + 2_000;
          return true;
        });
        const storm = new SignatureFailureStorm({ threshold, windowMs: 1_000, coolDownMs: 2_000 });
        expect(foundAt(storm, times)).toEqual(expected);
      }),
    );
  });

  it('says it once in a cool-down, and then how much the storm has grown', () => {
    const storm = new SignatureFailureStorm(settings);
    const times = Array.from({ length: 150 }, (_, index) => index * 100);
    const findings = times.flatMap((atMs) => storm.observe(source('a'), atMs) ?? []);
    expect(findings.map(({ evidence }) => [evidence.count, evidence.lastAtMs])).toEqual([
      [5, 400],
      [105, 10_400],
    ]);
    expect(findings[1]!.startedAtMs).toBe(0);
  });

  it('counts each subject for itself: by its kind, its tenant and its id', () => {
    const storm = new SignatureFailureStorm({ ...settings, threshold: 2 });
    const subjects: Subject[] = [
      source('x'),
      source('x', 'other tenant'),
      source('y'),
      { kind: 'bot', tenantId: 't', id: 'x' },
      { kind: 'tenant', tenantId: 't', id: 't' },
    ];
    expect(subjects.map((subject) => storm.observe(subject, 0))).toEqual(subjects.map(() => undefined));
    expect(subjects.map((subject) => storm.observe(subject, 1)?.subject)).toEqual(subjects);
  });

  it('remembers no more subjects than it may, the quietest being forgotten first', () => {
    const storm = new SignatureFailureStorm({ ...settings, threshold: 2, maxSubjects: 10 });
    const persistent = [storm.observe(source('persistent'), 0)];
    for (let index = 0; index < 1_000; index++) {
      storm.observe(source(`passing ${index}`), index);
      if (index % 5 === 0) persistent.push(storm.observe(source('persistent'), index));
      expect(storm.size).toBeLessThanOrEqual(10);
    }
    // Found once: had it been forgotten, its cool-down would have been, too.
    expect(persistent.filter((finding) => finding !== undefined)).toHaveLength(1);
    expect(storm.observe(source('passing 0'), 1_000)).toBeUndefined();
  });

  it('forgets subjects that have been quiet', () => {
    const storm = new SignatureFailureStorm(settings);
    for (let index = 0; index < 50; index++) storm.observe(source(`passing ${index}`), index);
    storm.observe(source('later'), 10_100);
    expect(storm.size).toBe(1);
  });

  it('is not misled by a clock that is set back', () => {
    const storm = new SignatureFailureStorm(settings);
    expect(foundAt(storm, [5_000, 5_100, 4_900, 4_950, 5_200])).toEqual([5_200]);
    const back = new SignatureFailureStorm(settings);
    const [finding] = [5_000, 4_900, 4_800, 4_700, 4_600].flatMap((atMs) => back.observe(source('a'), atMs) ?? []);
    expect(finding?.evidence).toMatchObject({ count: 5, firstAtMs: 5_000, lastAtMs: 5_000 });
    const far = new SignatureFailureStorm(settings);
    expect(foundAt(far, [9e9, 9e9, 9e9, 9e9, 1_000, 1_100, 1_200, 1_300, 1_400])).toEqual([1_400]);
  });

  it.each([{ threshold: 0 }, { windowMs: 0 }, { coolDownMs: NaN }, { maxSubjects: 0.5 }])('refuses %p', (wrong) => {
    expect(() => new SignatureFailureStorm(wrong)).toThrow(RangeError);
  });
});

describe('ReplayStorm', () => {
  const replays = (storm: ReplayStorm, count: number, nonce: (index: number) => string, fromMs = 0) =>
    Array.from({ length: count }, (_, index) =>
      storm.observe({ tenantId: 't', nonce: nonce(index) }, fromMs + index),
    ).filter((finding) => finding !== undefined);

  it('finds the same request sent over and over', () => {
    const findings = replays(new ReplayStorm(), 50, () => 'n-1');
    expect(findings).toEqual([
      {
        pattern: 'replay_storm',
        subject: { kind: 'nonce', tenantId: 't', id: 'n-1' },
        evidence: { count: 10, threshold: 10, windowMs: 60_000, firstAtMs: 0, lastAtMs: 9 },
        startedAtMs: 0,
      },
    ]);
  });

  it('finds many requests of a tenant sent again, each a few times', () => {
    const findings = replays(new ReplayStorm(), 300, (index) => `n-${index % 100}`);
    expect(findings.map(({ subject, evidence }) => [subject, evidence.count])).toEqual([
      [{ kind: 'tenant', tenantId: 't', id: 't' }, 200],
    ]);
  });

  it('does not take a sender that retries a few requests for one', () => {
    expect(replays(new ReplayStorm(), 150, (index) => `n-${index % 30}`)).toEqual([]);
  });

  it('names the tenant where both storm, and keeps quiet about each for its own time', () => {
    const storm = new ReplayStorm({ perNonce: { threshold: 3 }, perTenant: { threshold: 3, coolDownMs: 100 } });
    const kinds = replays(storm, 120, () => 'n-1').map(({ subject }) => subject.kind);
    expect(kinds).toEqual(['tenant', 'tenant']);
  });
});
