import { schemaOf, SignalRequest, type WebhookReceived } from '@tickwire/contracts';
import type { FieldProblem } from '@tickwire/problem-details';
import { Ajv, type ErrorObject } from 'ajv';
import { canonicalAmount, type AmountRefusal } from './canonical-amount.js';
import { pointerTo } from './pointer-to.js';
import { textOf } from './scan-fields.js';

/** The members of a signal that are amounts. */
export const AMOUNT_FIELDS = ['quantity', 'price', 'stopLoss', 'takeProfit'] as const;
/** Members whose text is the sender's own; those not here are held to a pattern or a list. */
const FREE_TEXT_FIELDS = ['tenantId', 'accountId', 'botId', 'strategyName', 'timestamp'] as const;

/** A signal as it was sent, its amounts as canonical decimal strings. */
export type Signal = Omit<SignalRequest, (typeof AMOUNT_FIELDS)[number]> &
  Pick<WebhookReceived, (typeof AMOUNT_FIELDS)[number]>;

// allErrors: a sender fixes all of a body's faults at once. What it may cost is bounded by the body's size and keys.
const validate = new Ajv({ allErrors: true, strict: false, allowUnionTypes: true }).compile<SignalRequest>({
  ...schemaOf(SignalRequest),
  additionalProperties: false,
});

/**
 * Checks a parsed body against the contract of a signal; unknown members are refused by name.
 * @param body  as parsed
 * @param raw   the JSON text of its amounts as they were written, see `scanFields`
 * @returns the signal, or every fault of the body, field by field
 */
export function readSignal(
  body: unknown,
  raw: ReadonlyMap<string, string>,
): { signal: Signal } | { errors: FieldProblem[] } {
  if (!validate(body)) return { errors: fieldProblems(validate.errors ?? []) };
  const errors: FieldProblem[] = [];
  for (const field of FREE_TEXT_FIELDS) {
    const text = body[field];
    if (text !== undefined && !isStorable(text)) {
      errors.push({ pointer: `/${field}`, code: 'INVALID', detail: 'must not hold NUL or half of a surrogate pair' });
    }
  }
  const amounts: Record<string, string> = {};
  for (const field of AMOUNT_FIELDS) {
    if (body[field] === undefined) continue;
    const written = raw.get(field) ?? '';
    const text = textOf(written);
    const read = canonicalAmount(text ?? written, text === undefined ? 'number' : 'string');
    if ('amount' in read) amounts[field] = read.amount;
    else errors.push({ pointer: `/${field}`, code: read.refusal, detail: AMOUNT_REFUSALS[read.refusal] });
  }
  return errors.length > 0 ? { errors } : { signal: { ...body, ...amounts } as Signal };
}

/** Whether Postgres can hold the text: not with NUL, not with half of a surrogate pair. */
export function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

const AMOUNT_REFUSALS: Record<AmountRefusal, string> = {
  NOT_A_NUMBER: 'must be a number above zero, or such a number as a string',
  OUT_OF_RANGE: 'must have at most 24 digits before the point and 12 behind it',
  INEXACT_NUMBER: 'has more than 15 significant digits, which JSON numbers may lose: send it as a string',
};

/** One problem for each place: an amount that is neither number nor string is one fault, not two. */
function fieldProblems(errors: readonly ErrorObject[]): FieldProblem[] {
  const problems = new Map<string, FieldProblem>();
  for (const error of errors) {
    if (error.schemaPath.includes('/anyOf/')) continue; // the anyOf itself is in the list too
    const problem = fieldProblem(error);
    if (!problems.has(problem.pointer)) problems.set(problem.pointer, problem);
  }
  return [...problems.values()];
}

function fieldProblem({ keyword, instancePath, params, message }: ErrorObject): FieldProblem {
  const at = (name: unknown): string => `${instancePath}${pointerTo(String(name))}`;
  const facts = params as Record<string, unknown>;
  switch (keyword) {
    case 'required':
      return { pointer: at(facts['missingProperty']), code: 'REQUIRED', detail: 'is required' };
    case 'additionalProperties':
      return { pointer: at(facts['additionalProperty']), code: 'UNKNOWN_FIELD', detail: 'is not a field of a signal' };
    case 'enum':
      return {
        pointer: instancePath,
        code: 'INVALID',
        detail: `must be one of ${(facts['allowedValues'] as string[]).join(', ')}`,
      };
    case 'anyOf':
      return { pointer: instancePath, code: 'INVALID', detail: AMOUNT_REFUSALS.NOT_A_NUMBER };
    default:
      return { pointer: instancePath, code: 'INVALID', detail: (message ?? 'is not valid').slice(0, MAX_DETAIL) };
  }
}

const MAX_DETAIL = 512;
