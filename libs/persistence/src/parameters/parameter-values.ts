import pg from 'pg';
import { withBinaryArrays } from './binary-arrays.js';

/** A parameter in the form in which it is sent: bytes are binary, text is text. */
export type ParameterValue = Buffer | string | null;

const { prepareValue } = (pg as unknown as { utils: { prepareValue(value: unknown): ParameterValue } }).utils;

/**
 * The values of a statement as they are sent, arrays as `withBinaryArrays` has them and all else as `pg` does, so that
 * sending them cannot fail.
 * @param text constant, because what it casts its parameters to is remembered
 * @throws TypeError, RangeError or SyntaxError for a value that cannot be sent
 */
export function parameterValues(text: string, values: readonly unknown[]): ParameterValue[] {
  return withBinaryArrays(text, values).map(prepareValue);
}
