import { OWN_ID } from '@tickwire/contracts';
import { ProblemError } from '@tickwire/problem-details';

/** The one form of lists: newest first, `nextCursor` null on the last page. */
export interface Page<T> {
  data: T[];
  nextCursor: string | null;
}

/** @param rows one more than `limit`, if there are as many */
export function pageOf<R, T = R>(
  rows: readonly R[],
  limit: number,
  cursorOf: (last: R) => string,
  toItem: (row: R) => T = (row) => row as unknown as T,
): Page<T> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    data: shown.map(toItem),
    nextCursor: rows.length > limit && last !== undefined ? cursorOf(last) : null,
  };
}

/** Rows with ids of ours sort by time, so the last id is the cursor. @returns null for the first page */
export function idCursor(cursor: string | undefined): string | null {
  if (cursor !== undefined && !OWN_ID.test(cursor)) throw badCursor();
  return cursor ?? null;
}

/** A place in rows that sort by time, then id. */
export interface TimeCursor {
  at: Date;
  id: string;
}

export function writeTimeCursor({ at, id }: TimeCursor): string {
  return Buffer.from(JSON.stringify([at.getTime(), id])).toString('base64url');
}

/** @param idPattern keeps a made-up id from failing in the database */
export function readTimeCursor(cursor: string | undefined, idPattern: RegExp): TimeCursor | undefined {
  if (cursor === undefined) return undefined;
  const parts = readJsonCursor(cursor);
  const [ms, id] = Array.isArray(parts) ? (parts as unknown[]) : [];
  if (typeof ms !== 'number' || Number.isNaN(new Date(ms).getTime()) || typeof id !== 'string' || !idPattern.test(id)) {
    throw badCursor();
  }
  return { at: new Date(ms), id };
}

export function readJsonCursor(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as unknown;
  } catch {
    throw badCursor();
  }
}

export function badCursor(): ProblemError {
  return new ProblemError('SCHEMA', 'Use nextCursor of the page before as it is.', {
    errors: [{ pointer: '/cursor', code: 'INVALID_CURSOR', detail: 'not a cursor of this list' }],
  });
}
