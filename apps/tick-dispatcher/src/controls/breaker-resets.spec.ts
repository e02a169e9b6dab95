import { judgeReset, MOST_RESETS_AN_HOUR, parseResets, remember, type BreakerReset } from './breaker-resets.js';

const HOUR_MS = 3_600_000;
const at = (atMs: number): BreakerReset => ({ controlId: `c${atMs}`, atMs });
const grant = (granted: BreakerReset[], wish: BreakerReset) =>
  judgeReset(granted, wish) === 'granted' ? remember(granted, wish) : granted;

describe('breaker resets', () => {
  it('are granted six times within an hour, and again when the first is an hour old', () => {
    const six = [0, 1, 2, 3, 4, 5].map(at).reduce(grant, []);
    expect(six).toHaveLength(MOST_RESETS_AN_HOUR);
    expect(judgeReset(six, at(HOUR_MS - 1))).toBe('refused');
    expect(judgeReset(six, at(HOUR_MS))).toBe('granted');
    expect(remember(six, at(HOUR_MS)).map(({ atMs }) => atMs)).toEqual([1, 2, 3, 4, 5, HOUR_MS]);
  });

  it('are granted once for each wish, and counted whichever order they come in', () => {
    const later = grant([], at(10));
    expect(judgeReset(later, at(10))).toBe('repeated');
    const both = grant(later, at(5));
    expect(both).toHaveLength(2);
  });

  it('come back from what is stored, and something else is none', () => {
    expect(parseResets({ phase: 'closed', resets: [at(1), { atMs: 'x' }, null] })).toEqual([at(1)]);
    for (const stored of [null, 7, {}, { resets: 'x' }]) expect(parseResets(stored)).toEqual([]);
  });
});
