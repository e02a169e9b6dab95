import { DECIMAL } from '@tickwire/contracts';
import fc from 'fast-check';
import { canonicalAmount } from './canonical-amount.js';

/** The exact value of a decimal text as integer * 10^-scale, by another way than the code takes. */
function exactly(text: string, scale: number): bigint | undefined {
  const [mantissa = '', exponent = '0'] = text.toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const power = scale + Number(exponent) - fraction.length;
  const digits = BigInt(whole + fraction);
  if (power >= 0) return digits * 10n ** BigInt(power);
  const divisor = 10n ** BigInt(-power);
  return digits % divisor === 0n ? digits / divisor : undefined;
}

const digits = (min: number, max: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: min, maxLength: max });
const exponent = fc.oneof(
  fc.constant(''),
  fc.tuple(fc.constantFrom('e', 'E'), fc.constantFrom('', '+', '-'), fc.nat(99)).map((parts) => parts.join('')),
);
const numeric = fc.tuple(digits(1, 24), fc.option(digits(1, 24), { nil: undefined }), exponent);
const SCALE = 200;

describe('canonicalAmount', () => {
  it.each([
    ['10', '10'],
    ['10.50', '10.5'],
    ['007', '7'],
    ['0.1', '0.1'],
    ['1e3', '1000'],
    ['1.5E+2', '150'],
    ['25e-1', '2.5'],
    ['1e-12', '0.000000000001'],
    ['1e23', `1${'0'.repeat(23)}`],
    ['0.000', '0'],
    ['-0', '0'],
    ['-1.20', '-1.2'],
  ])('writes %s as %s', (text, amount) => {
    expect(canonicalAmount(text, 'string')).toEqual({ amount });
    expect(canonicalAmount(text, 'number')).toEqual({ amount });
  });

  it.each([
    ['1e24', 'OUT_OF_RANGE'],
    ['1e-13', 'OUT_OF_RANGE'],
    ['1e999999999999', 'OUT_OF_RANGE'],
    ['1e-999999999999', 'OUT_OF_RANGE'],
    [`0.${'0'.repeat(300)}1e301`, 'OUT_OF_RANGE'],
    ['', 'NOT_A_NUMBER'],
    ['+1', 'NOT_A_NUMBER'],
    [' 1', 'NOT_A_NUMBER'],
    ['.5', 'NOT_A_NUMBER'],
    ['0x10', 'NOT_A_NUMBER'],
    ['Infinity', 'NOT_A_NUMBER'],
  ])('refuses %s as %s', (text, refusal) => {
    expect(canonicalAmount(text, 'string')).toEqual({ refusal });
  });

  it('takes sixteen significant digits from a string only', () => {
    expect(canonicalAmount('0.1234567890123456', 'number')).toEqual({ refusal: 'INEXACT_NUMBER' });
    expect(canonicalAmount('9007199254740993', 'number')).toEqual({ refusal: 'INEXACT_NUMBER' });
    expect(canonicalAmount('9007199254740993', 'string')).toEqual({ amount: '9007199254740993' });
    expect(canonicalAmount('123456789012345000000', 'number')).toEqual({ amount: '123456789012345000000' });
  });

  it('keeps the value of every numeric string exactly, or refuses it for its range', () => {
    fc.assert(
      fc.property(numeric, ([whole, fraction, power]) => {
        const text = whole + (fraction === undefined ? '' : `.${fraction}`) + power;
        const value = exactly(text, SCALE)!;
        const fits = value < 10n ** BigInt(SCALE + 24) && value % 10n ** BigInt(SCALE - 12) === 0n;
        const read = canonicalAmount(text, 'string');
        if (!fits) return expect(read).toEqual({ refusal: 'OUT_OF_RANGE' });
        const { amount } = read as { amount: string };
        expect(amount).toMatch(DECIMAL);
        expect(exactly(amount, SCALE)).toBe(value);
        // One spelling for each value.
        expect(amount).not.toMatch(/\.\d*0$/);
        expect(canonicalAmount(amount, 'string')).toEqual({ amount });
      }),
      { numRuns: 2_000 },
    );
  });

  it('gives a number that JSON wrote the value that JSON reads', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e23, noNaN: true }), (value) => {
        const read = canonicalAmount(JSON.stringify(value), 'number');
        if ('amount' in read) expect(Number(read.amount)).toBe(value);
      }),
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 999_999_999_999_999 }),
        fc.integer({ min: 0, max: 12 }),
        (units, places) => {
          const value = units / 10 ** places;
          const read = canonicalAmount(String(value), 'number') as { amount: string };
          expect(Number(read.amount)).toBe(value);
        },
      ),
    );
  });
});
