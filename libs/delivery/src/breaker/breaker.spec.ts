import fc from 'fast-check';
import { BREAKER_SETTINGS, CLOSED_BREAKER, breakerStep, canSend, parseBreaker } from './breaker.js';
import type { BreakerEvent, BreakerState } from './breaker.js';

const OPEN_MS = 60_000;
const steps = (from: BreakerState, nowMs: number, ...events: BreakerEvent[]): BreakerState =>
  events.reduce((state, event) => breakerStep(state, event, nowMs), from);
const failures = (count: number): BreakerEvent[] => Array<BreakerEvent>(count).fill('failed');

const opened = steps(CLOSED_BREAKER, 1_000, ...failures(5));
const probing = steps(opened, 1_000 + OPEN_MS, 'sent');

describe('breaker', () => {
  it('has the thresholds of the specification', () => {
    expect(BREAKER_SETTINGS).toEqual({ failureThreshold: 5, openMs: 60_000, successThreshold: 2 });
  });

  it('opens at the fifth consecutive failed delivery, not before', () => {
    expect(steps(CLOSED_BREAKER, 1_000, ...failures(4))).toEqual({ phase: 'closed', consecutiveFailures: 4 });
    expect(opened).toEqual({ phase: 'open', openedAtMs: 1_000 });
  });

  it('starts counting again after a success', () => {
    const state = steps(CLOSED_BREAKER, 1, ...failures(4), 'succeeded', ...failures(4));
    expect(state).toEqual({ phase: 'closed', consecutiveFailures: 4 });
  });

  it('lets nothing through for 60 s, then one probe', () => {
    expect(canSend(opened, 1_000)).toBe(false);
    expect(canSend(opened, 1_000 + OPEN_MS - 1)).toBe(false);
    expect(canSend(opened, 1_000 + OPEN_MS)).toBe(true);
    expect(probing).toEqual({ phase: 'half_open', successes: 0, probeSentAtMs: 61_000 });
    expect(canSend(probing, 61_001)).toBe(false);
  });

  it('closes after two successful probes, one after the other', () => {
    const first = steps(probing, 61_100, 'succeeded');
    expect(first).toEqual({ phase: 'half_open', successes: 1, probeSentAtMs: null });
    expect(canSend(first, 61_100)).toBe(true);
    const second = steps(first, 62_000, 'sent');
    expect(canSend(second, 62_000)).toBe(false);
    expect(steps(second, 62_100, 'succeeded')).toEqual(CLOSED_BREAKER);
  });

  it.each([[[]], [['succeeded', 'sent']]] as BreakerEvent[][][])(
    'opens for another 60 s when a probe fails after %p',
    (before) => {
      const state = steps(probing, 62_000, ...before, 'failed');
      expect(state).toEqual({ phase: 'open', openedAtMs: 62_000 });
      expect(canSend(state, 62_000 + OPEN_MS - 1)).toBe(false);
    },
  );

  it('lets another probe go when one ended without a verdict', () => {
    const state = steps(probing, 61_500, 'abandoned');
    expect(state).toEqual({ phase: 'half_open', successes: 0, probeSentAtMs: null });
    expect(canSend(state, 61_500)).toBe(true);
  });

  it('does not wait for ever for a probe whose sender died', () => {
    expect(canSend(probing, 61_000 + OPEN_MS - 1)).toBe(false);
    expect(canSend(probing, 61_000 + OPEN_MS)).toBe(true);
    expect(steps(probing, 61_000 + OPEN_MS, 'sent')).toMatchObject({ probeSentAtMs: 121_000 });
  });

  it.each([
    ['open', opened],
    ['half-open', probing],
    ['closed with failures', steps(CLOSED_BREAKER, 1, 'failed')],
  ])('is closed at once by a reset while %s', (_phase, state) => {
    expect(steps(state, 2_000, 'reset')).toEqual(CLOSED_BREAKER);
  });

  it('keeps its state, the very object, through what changes nothing', () => {
    for (const event of ['succeeded', 'failed', 'abandoned', 'sent'] as const) {
      expect(breakerStep(opened, event, 2_000)).toBe(opened);
    }
    expect(breakerStep(probing, 'sent', 61_001)).toBe(probing);
    const waiting = steps(probing, 61_100, 'succeeded');
    for (const event of ['succeeded', 'failed', 'abandoned'] as const) {
      expect(breakerStep(waiting, event, 61_200)).toBe(waiting);
    }
    for (const event of ['sent', 'succeeded', 'abandoned', 'reset'] as const) {
      expect(breakerStep(CLOSED_BREAKER, event, 1)).toBe(CLOSED_BREAKER);
    }
  });

  it('takes other settings', () => {
    const strict = { failureThreshold: 1, openMs: 10, successThreshold: 1 };
    const open = breakerStep(CLOSED_BREAKER, 'failed', 0, strict);
    expect(canSend(open, 10, strict)).toBe(true);
    expect(breakerStep(breakerStep(open, 'sent', 10, strict), 'succeeded', 11, strict)).toEqual(CLOSED_BREAKER);
  });

  it.each([
    null,
    'open',
    {},
    { phase: 'ajar' },
    { phase: 'closed' },
    { phase: 'closed', consecutiveFailures: -1 },
    { phase: 'open', openedAtMs: '1' },
    { phase: 'half_open', successes: 1 },
    { phase: 'half_open', successes: 0.5, probeSentAtMs: null },
  ])('does not read %p as a state', (stored) => {
    expect(() => parseBreaker(stored)).toThrow(TypeError);
  });

  /** The specification told in another way: from the whole history of deliveries instead of a state. */
  class Model {
    private results: boolean[] = [];
    private openedAt: number | undefined;
    private probes: boolean[] = [];
    private probeAt: number | undefined;

    mayBegin(now: number): boolean {
      if (this.openedAt === undefined) return true;
      if (this.probeAt !== undefined) return now >= this.probeAt + OPEN_MS;
      return this.probes.length > 0 || now >= this.openedAt + OPEN_MS;
    }
    begin(now: number): void {
      if (this.openedAt !== undefined) this.probeAt = now;
    }
    end(ok: boolean, now: number): void {
      if (this.openedAt === undefined) {
        this.results.push(ok);
        if (this.results.slice(-5).filter((result) => !result).length === 5) this.open(now);
        return;
      }
      this.probeAt = undefined;
      if (!ok) return this.open(now);
      this.probes.push(ok);
      if (this.probes.length === 2) this.close();
    }
    close(): void {
      this.results = [];
      this.probes = [];
      this.openedAt = undefined;
      this.probeAt = undefined;
    }
    private open(now: number): void {
      this.close();
      this.openedAt = now;
    }
  }

  it('agrees with a model that reads the history, through storage and back', () => {
    const delivery = fc.record({
      pauseMs: fc.oneof(fc.integer({ min: 0, max: 2_000 }), fc.constantFrom(59_999, 60_000, 60_001)),
      takesMs: fc.integer({ min: 0, max: 30_000 }),
      ends: fc.constantFrom('ok', 'bad', 'bad', 'bad', 'lost', 'reset'),
    });
    fc.assert(
      fc.property(fc.array(delivery, { minLength: 20, maxLength: 80 }), (deliveries) => {
        const model = new Model();
        let state: BreakerState = CLOSED_BREAKER;
        let now = 0;
        const step = (event: BreakerEvent): void => {
          state = parseBreaker(JSON.parse(JSON.stringify(breakerStep(state, event, now))));
        };
        for (const { pauseMs, takesMs, ends } of deliveries) {
          now += pauseMs;
          expect(canSend(state, now)).toBe(model.mayBegin(now));
          if (ends === 'reset') {
            model.close();
            step('reset');
          } else if (canSend(state, now)) {
            model.begin(now);
            step('sent');
            if (ends === 'lost') continue;
            now += takesMs;
            model.end(ends === 'ok', now);
            step(ends === 'ok' ? 'succeeded' : 'failed');
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});
