import { SYMBOL } from '@tickwire/contracts';
import { pointerStep, ProblemError, type FieldProblem } from '@tickwire/problem-details';

/** The sender's symbol -> ours. */
export type SymbolMap = Record<string, string>;

/** Below the keys that a body may have altogether. */
const MOST_SYMBOLS = 150;
const LONGEST_NAME = 64;

/** @throws ProblemError SCHEMA, naming each wrong entry */
export function readSymbolMap(given: Readonly<Record<string, unknown>>): SymbolMap {
  const entries = Object.entries(given);
  const errors: FieldProblem[] = [];
  if (entries.length > MOST_SYMBOLS) {
    errors.push({ pointer: '/symbolMap', code: 'TOO_MANY', detail: `at most ${MOST_SYMBOLS} symbols` });
  } else {
    for (const [written, symbol] of entries) {
      const pointer = `/symbolMap${pointerStep(written.slice(0, LONGEST_NAME))}`;
      if (written === '' || written.length > LONGEST_NAME) {
        errors.push({ pointer, code: 'INVALID_NAME', detail: `has to be 1 to ${LONGEST_NAME} characters long` });
      } else if (typeof symbol !== 'string' || !SYMBOL.test(symbol)) {
        errors.push({ pointer, code: 'INVALID_SYMBOL', detail: 'has to be a symbol: A-Z, 0-9, dots and dashes' });
      }
    }
  }
  if (errors.length > 0) throw new ProblemError('SCHEMA', 'The symbol map cannot be used.', { errors });
  return given as SymbolMap;
}
