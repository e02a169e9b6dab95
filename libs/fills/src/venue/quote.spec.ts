import { assertQuote, isFreshQuote } from './quote.js';

describe('assertQuote', () => {
  it('accepts a locked market and displayed lots of nothing', () => {
    expect(() => assertQuote({ bidSteps: 5, askSteps: 5, bidLots: 0, askLots: 0, volumeLots: 0 })).not.toThrow();
  });

  it.each([
    { bidSteps: 6, askSteps: 5 },
    { bidSteps: 0, askSteps: 5 },
    { bidSteps: 1.5, askSteps: 5 },
    { bidSteps: 1, askSteps: 2 ** 53 },
    { bidSteps: 1, askSteps: 2, askLots: -1 },
    { bidSteps: 1, askSteps: 2, volumeLots: 0.5 },
  ])('throws on %j', (quote) => {
    expect(() => assertQuote(quote)).toThrow();
  });
});

describe('isFreshQuote', () => {
  const age = (ageMs: number, stepMs: number, clock: 'running' | 'held' = 'running') =>
    isFreshQuote({ quotedAtMs: 1_000_000, nowMs: 1_000_000 + ageMs, stepMs, clock });

  it('is three seconds long for a fast source and three steps long for a slow one', () => {
    expect([age(3_000, 100), age(3_001, 100)]).toEqual([true, false]);
    expect([age(180_000, 60_000), age(180_001, 60_000)]).toEqual([true, false]);
  });

  it('does not end while the world is paused or stepped', () => {
    expect(age(1e9, 1_000, 'held')).toBe(true);
  });
});
