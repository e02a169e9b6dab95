import { ValidationPipe } from '@nestjs/common';
import type { ArgumentMetadata, PipeTransform } from '@nestjs/common';
import { pointerStep, ProblemError, type FieldProblem } from '@tickwire/problem-details';
import type { ValidationError } from 'class-validator';

const COMMON = { transform: true, whitelist: true, stopAtFirstError: true, exceptionFactory: refusal } as const;

/**
 * Checks bodies and queries against their classes. Unknown fields of a body are refused by name; unknown query
 * parameters are ignored, since proxies and trackers add their own.
 */
export class BodyPipe implements PipeTransform {
  private readonly bodies = new ValidationPipe({ ...COMMON, forbidNonWhitelisted: true });
  private readonly queries = new ValidationPipe(COMMON);

  async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    if (metadata.type === 'query') return this.queries.transform(value, metadata) as Promise<unknown>;
    if (metadata.type !== 'body') return value;
    if (value !== undefined && (typeof value !== 'object' || value === null || Array.isArray(value))) {
      throw new ProblemError('SCHEMA', 'Send a JSON object.', {
        errors: [{ pointer: '', code: 'NOT_AN_OBJECT', detail: 'the body has to be an object' }],
      });
    }
    return this.bodies.transform(value ?? {}, metadata) as Promise<unknown>;
  }
}

/** One wrong field of a body that its class cannot judge alone. */
export function fieldRefused(field: string, code: string, detail: string): ProblemError {
  const pointer = `/${field}`;
  return new ProblemError('SCHEMA', `${pointer}: ${detail}`, { errors: [{ pointer, code, detail }] });
}

function refusal(errors: ValidationError[]): ProblemError {
  const problems = errors.flatMap((error) => problemsOf(error, ''));
  const [first] = problems;
  return new ProblemError(
    'SCHEMA',
    first ? `${first.pointer}: ${first.detail}` : 'The request does not fit its schema.',
    {
      errors: problems,
    },
  );
}

function problemsOf(error: ValidationError, parent: string): FieldProblem[] {
  const pointer = parent + pointerStep(error.property);
  const own = Object.entries(error.constraints ?? {}).map(([rule, detail]) =>
    rule === 'whitelistValidation'
      ? { pointer, code: 'UNKNOWN_FIELD', detail: 'this field is not known here' }
      : { pointer, code: upperSnake(rule), detail },
  );
  return [...own, ...(error.children ?? []).flatMap((child) => problemsOf(child, pointer))];
}

/** `isString` becomes `IS_STRING`. */
function upperSnake(rule: string): string {
  return rule.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}
