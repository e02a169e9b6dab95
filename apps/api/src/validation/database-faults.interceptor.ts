import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { toTransient } from '@tickwire/persistence';
import { ProblemError } from '@tickwire/problem-details';
import { catchError, throwError, type Observable } from 'rxjs';

/** A NUL in text, in a text column and in jsonb. */
const NUL_IN_TEXT = new Set(['22021', '22P05']);
const INVALID_TEXT = '22P02';

/** A database that is away becomes 503; a text that no database takes is the caller's fault, not ours. */
export class DatabaseFaultsInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(
      catchError((error: unknown) => {
        if (isUnstorable(error)) {
          return throwError(
            () => new ProblemError('SCHEMA', 'U+0000 and halves of surrogate pairs are not accepted in texts.'),
          );
        }
        return throwError(() => toTransient(error));
      }),
    );
  }
}

function isUnstorable(error: unknown): boolean {
  const { code, detail } = (error ?? {}) as { code?: unknown; detail?: unknown };
  return NUL_IN_TEXT.has(String(code)) || (code === INVALID_TEXT && /surrogate/.test(String(detail)));
}
