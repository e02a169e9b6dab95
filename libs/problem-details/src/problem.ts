import { problemKind } from './catalogue.js';

export const PROBLEM_JSON = 'application/problem+json';

/** One fault of a body. */
export interface FieldProblem {
  /** JSON pointer (RFC 6901) to the field; empty for the whole body. */
  pointer: string;
  /** Upper snake case. */
  code: string;
  /** For people. */
  detail: string;
}

export interface ProblemInput {
  code: string;
  /** Default: the catalogue's. */
  status?: number;
  /** Default: the catalogue's. */
  title?: string;
  /** What happened this time, and what the caller can do about it. */
  detail?: string;
  errors?: readonly FieldProblem[];
  requestId?: string;
  /** Further facts, as members beside the standard ones; they cannot replace those. */
  extra?: Readonly<Record<string, unknown>>;
}

/** The body of an RFC 9457 answer. */
export interface ProblemDetails {
  type: string;
  title: string;
  status: number;
  code: string;
  detail?: string;
  requestId?: string;
  errors?: readonly FieldProblem[];
  [extension: string]: unknown;
}

/** Builds the body of an `application/problem+json` answer. Pure; members that are undefined are left out. */
export function problem(input: ProblemInput): ProblemDetails {
  const kind = problemKind(input.code);
  return {
    ...input.extra,
    type: `urn:tickwire:problem:${input.code.toLowerCase().replaceAll('_', '-')}`,
    title: input.title ?? kind.title,
    status: input.status ?? kind.status,
    code: input.code,
    ...(input.detail === undefined ? {} : { detail: input.detail }),
    ...(input.requestId === undefined ? {} : { requestId: input.requestId }),
    ...(input.errors === undefined || input.errors.length === 0 ? {} : { errors: input.errors }),
  };
}
