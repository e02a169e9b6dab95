import { ValidateBy, type ValidationOptions } from 'class-validator';

/** A numeric string: digits, a point, an exponent. No plus sign, no white space, no hex. */
export const DECIMAL_INPUT = /^-?\d{1,24}(\.\d{1,24})?([eE][+-]?\d{1,2})?$/;
/** As {@link DECIMAL_INPUT}, with a digit other than zero before any exponent, and no minus sign. */
export const POSITIVE_DECIMAL_INPUT = /^(?=[^eE]*[1-9])\d{1,24}(\.\d{1,24})?([eE][+-]?\d{1,2})?$/;

/** A JSON number or a numeric string. Its digits are judged later, by the instrument. */
export function IsDecimalInput(rule: { positive: boolean }, options?: ValidationOptions): PropertyDecorator {
  const pattern = rule.positive ? POSITIVE_DECIMAL_INPUT : DECIMAL_INPUT;
  const schema = {
    anyOf: [
      rule.positive ? { type: 'number', exclusiveMinimum: 0 } : { type: 'number' },
      { type: 'string', pattern: pattern.source },
    ],
  };
  return ValidateBy(
    {
      name: 'isDecimalInput',
      constraints: [{ schema }],
      validator: {
        validate: (value: unknown) =>
          typeof value === 'number'
            ? Number.isFinite(value) && (!rule.positive || value > 0)
            : typeof value === 'string' && pattern.test(value),
        defaultMessage: () =>
          `must be ${rule.positive ? 'a number above zero' : 'a number'}, or such a number as a string`,
      },
    },
    options,
  );
}
