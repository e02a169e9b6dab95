import fc from 'fast-check';
import { parseTimestamp } from './index.js';

describe('parseTimestamp', () => {
  it('reads unix seconds and ISO 8601 with a zone', () => {
    expect(parseTimestamp('1769851800')).toBe(1_769_851_800_000);
    expect(parseTimestamp('2026-01-31T09:30:00Z')).toBe(1_769_851_800_000);
    expect(parseTimestamp('2026-01-31T10:30:00+01:00')).toBe(1_769_851_800_000);
    expect(parseTimestamp('2026-01-31T04:00:00.5-05:30')).toBe(1_769_851_800_500);
    expect(parseTimestamp('2026-01-31T09:30:00.250999999Z')).toBe(1_769_851_800_250);
    expect(parseTimestamp('2024-02-29T00:00:00Z')).toBe(Date.UTC(2024, 1, 29));
  });

  it('reads back every instant that toISOString writes', () => {
    const dates = fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true });
    fc.assert(fc.property(dates, (date) => expect(parseTimestamp(date.toISOString())).toBe(date.getTime())));
  });

  it.each([
    '',
    'now',
    '2026-01-31',
    '2026-01-31T09:30:00',
    '2026-01-31T09:30Z',
    '2026-01-31 09:30:00Z',
    '2026-01-31t09:30:00z',
    '2026-02-30T00:00:00Z',
    '2025-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-10T00:00:00Z',
    '2026-01-31T24:00:00Z',
    '2026-01-31T23:60:00Z',
    '2026-01-31T23:59:60Z',
    '2026-01-31T09:30:00.Z',
    '2026-01-31T09:30:00+0100',
    '2026-01-31T09:30:00+24:00',
    '2026-01-31T09:30:00Z ',
    '1769851800.5',
    '-1',
    '+1',
    '01',
    '1614265330abc',
    '1e9',
    '0x10',
    ' 1',
    '1\n',
    '1,2',
    '1000000000000',
    '9'.repeat(400),
    '\u0661',
    '\uff11',
    'NaN',
    'Infinity',
    '+012026-01-31T09:30:00Z',
    '2026-01-31T09:30:00Z, 2026-01-31T09:30:00Z',
    '2026-01-31T09:30:00.0000000000Z',
  ])('refuses %j', (text) => {
    expect(parseTimestamp(text)).toBeUndefined();
  });
});
