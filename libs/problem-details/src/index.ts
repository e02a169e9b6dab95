export { PROBLEMS, codeOfStatus, isProblemCode, problemKind } from './catalogue.js';
export type { ProblemCode, ProblemKind } from './catalogue.js';
export { pointerStep } from './pointer.js';
export { PROBLEM_JSON, problem } from './problem.js';
export type { FieldProblem, ProblemDetails, ProblemInput } from './problem.js';
export { ProblemError } from './problem-error.js';
export { problemAnswer } from './problem-answer.js';
export type { ProblemAnswer } from './problem-answer.js';
export { ProblemFilter, sendProblem } from './problem-filter.js';
