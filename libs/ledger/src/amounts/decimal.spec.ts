import fc from 'fast-check';
import { formatDecimal, parseDecimal } from './decimal.js';

const decimals = fc.integer({ min: 0, max: 18 });
const amount = fc.bigInt({ min: -(10n ** 37n), max: 10n ** 37n });

describe('parseDecimal', () => {
  it.each([
    ['150.50', 2, 15050n],
    ['0', 2, 0n],
    ['-0.05', 2, -5n],
    ['-0', 2, 0n],
    ['-0.000', 2, 0n],
    ['1.500', 1, 15n],
    ['100', 0, 100n],
    ['1e2', 2, 10000n],
    ['1.25E+1', 1, 125n],
    ['2500e-3', 1, 25n],
    ['0e999999999', 0, 0n],
    ['99999999999999999999.999999999999999999', 18, 99999999999999999999999999999999999999n],
    [150.5, 2, 15050n],
    [1e-7, 8, 10n],
    [1e21, 0, 10n ** 21n],
    [-0, 2, 0n],
    [Number.MAX_SAFE_INTEGER, 0, 9007199254740991n],
  ])('reads %j at %i decimals as an exact integer', (value, places, expected) => {
    expect(parseDecimal(value, places)).toBe(expected);
  });

  it.each([
    ['150.505', 2],
    ['0.1', 0],
    ['1e-3', 2],
    ['1e-999999999999999999999', 18],
    [0.1 + 0.2, 2],
    [1e-9, 8],
  ])('refuses the digits of %j that %i decimals cannot hold, and never rounds them', (value, places) => {
    expect(parseDecimal(value, places)).toBe('TOO_PRECISE');
  });

  it('refuses a JSON number whose digits a double may have lost, but reads the same amount from a string', () => {
    expect(parseDecimal(1234567890123.4567, 4)).toBe('TOO_PRECISE');
    expect(parseDecimal('1234567890123.4567', 4)).toBe(12345678901234567n);
    expect(parseDecimal(9007199254740994, 0)).toBe('TOO_PRECISE');
  });

  it.each([
    '',
    ' ',
    ' 1',
    '1 ',
    '1\n',
    '+1',
    '.5',
    '5.',
    '01',
    '-',
    '--1',
    '1e',
    '1e1.5',
    '1,5',
    '1_000',
    '0x10',
    'NaN',
  ])('refuses %j, which is not a JSON number', (text) => {
    expect(parseDecimal(text, 2)).toBe('INVALID');
  });

  it.each([NaN, Infinity, -Infinity, '-Infinity', '１２', '0b1', '1n', '١'])('refuses %p', (value) => {
    expect(parseDecimal(value, 2)).toBe('INVALID');
  });

  it('refuses amounts beyond 38 digits without computing them', () => {
    expect(parseDecimal('1e37', 0)).toBe(10n ** 37n);
    expect(parseDecimal('1e38', 0)).toBe('INVALID');
    expect(parseDecimal('1e999999999', 2)).toBe('INVALID');
    expect(parseDecimal(`1e${'9'.repeat(100)}`, 2)).toBe('INVALID');
    expect(parseDecimal('9'.repeat(60_000), 2)).toBe('INVALID');
  });

  it('agrees with JSON about which short texts are numbers', () => {
    const text = fc.string({ unit: fc.constantFrom(...'0123456789.-+eE x'), maxLength: 6 });
    fc.assert(
      fc.property(text, (candidate) => {
        expect(parseDecimal(candidate, 18) !== 'INVALID').toBe(isSmallJsonNumber(candidate));
      }),
      { numRuns: 2_000 },
    );
  });

  it('throws when the caller asks for an impossible number of decimals', () => {
    for (const places of [-1, 19, 1.5, NaN]) expect(() => parseDecimal('1', places)).toThrow('decimals');
  });
});

describe('formatDecimal', () => {
  it.each([
    [15050n, 2, '150.5'],
    [15000n, 2, '150'],
    [-5n, 2, '-0.05'],
    [0n, 8, '0'],
    [-0, 2, '0'],
    [100, 0, '100'],
    [10n ** 30n, 2, `1${'0'.repeat(28)}`],
  ])('writes %p at %i decimals as %s', (value, places, expected) => {
    expect(formatDecimal(value, places)).toBe(expected);
  });

  it('throws on a number that is not an integer', () => {
    for (const value of [1.5, NaN, 2 ** 53]) expect(() => formatDecimal(value, 2)).toThrow('integer');
  });
});

describe('parseDecimal and formatDecimal', () => {
  it('give every integer back', () => {
    fc.assert(
      fc.property(amount, decimals, (value, places) => {
        expect(parseDecimal(formatDecimal(value, places), places)).toBe(value);
      }),
    );
  });

  it('give the same canonical text for every way of writing an amount', () => {
    fc.assert(
      fc.property(amount, fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 9 }), (value, places, shift) => {
        const canonical = formatDecimal(value, places);
        const padded = `${canonical}${canonical.includes('.') ? '' : '.'}${'0'.repeat(shift)}`.replace(/\.$/, '');
        const scientific = `${formatDecimal(value, places + shift)}e${shift}`;
        for (const text of [padded, scientific]) expect(parseDecimal(text, places)).toBe(value);
        expect(canonical).toMatch(/^(0|-?(0\.\d*[1-9]|[1-9]\d*(\.\d*[1-9])?))$/);
      }),
    );
  });

  it('read a JSON number as the decimal a sender of up to 15 digits wrote', () => {
    const written = fc.bigInt({ min: -(10n ** 15n) + 1n, max: 10n ** 15n - 1n });
    fc.assert(
      fc.property(written, fc.integer({ min: 0, max: 8 }), (value, places) => {
        const parsed: unknown = JSON.parse(formatDecimal(value, places));
        expect(parseDecimal(parsed as number, places)).toBe(value);
      }),
    );
  });
});

function isSmallJsonNumber(text: string): boolean {
  if (text !== text.trim()) return false;
  try {
    // Larger ones are refused for their 38 digits, which is another rule.
    return typeof JSON.parse(text) === 'number' && Math.abs(Number(text)) < 1e20;
  } catch {
    return false;
  }
}
