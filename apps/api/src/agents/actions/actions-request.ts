import { ACTIONS_JSON, MOST_ACTIONS } from '@tickwire/contracts';
import { pointerStep, ProblemError, type FieldProblem } from '@tickwire/problem-details';
import { parseJson } from '@tickwire/runtime';

/** `POST /api/v1/agents/{id}/actions`: actions as in the answer to a callback, under an id of the sender's. */
export interface ActionsRequest {
  /** 1-64 of `[A-Za-z0-9_.:-]`. It stands for these actions: sent again, they act once. */
  clientId: string;
  /** 1-100, each an object with a `type`. What else they hold is for the world to judge, one by one. */
  actions: object[];
}

const CLIENT_ID = /^[A-Za-z0-9_.:-]{1,64}$/;
/** Of an action's type; the longest known one has 13 characters. */
const MOST_TYPE_LENGTH = 64;

/**
 * Reads the request's bytes, strictly: who calls can mend what is wrong, as an agent that answers a callback cannot.
 * @throws ProblemError MALFORMED_JSON; SCHEMA with every wrong field
 */
export function readActionsRequest(bytes: Uint8Array): ActionsRequest {
  const body = parseJson(bytes, ACTIONS_JSON);
  if (!isObject(body)) throw refusal([problem('', 'NOT_AN_OBJECT', 'the body has to be an object')]);
  const { clientId, actions, ...unknown } = body as Record<string, unknown>;
  const errors = [
    ...clientIdProblems(clientId),
    ...actionsProblems(actions),
    ...Object.keys(unknown).map((name) => problem(pointerStep(name), 'UNKNOWN_FIELD', 'this field is not known here')),
  ];
  if (errors.length > 0) throw refusal(errors);
  return { clientId: clientId as string, actions: actions as object[] };
}

function clientIdProblems(clientId: unknown): FieldProblem[] {
  if (typeof clientId === 'string' && CLIENT_ID.test(clientId)) return [];
  return [problem('/clientId', 'MATCHES', 'has to be 1 to 64 characters of A-Z, a-z, 0-9 and _.:-')];
}

function actionsProblems(actions: unknown): FieldProblem[] {
  if (!Array.isArray(actions)) return [problem('/actions', 'IS_ARRAY', 'has to be a list')];
  if (actions.length === 0) return [problem('/actions', 'ARRAY_MIN_SIZE', 'has to hold an action')];
  if (actions.length > MOST_ACTIONS) {
    return [
      problem('/actions', 'ARRAY_MAX_SIZE', `holds ${actions.length} actions; at most ${MOST_ACTIONS} are taken`),
    ];
  }
  return actions.flatMap((action: unknown, index) => actionProblems(action, `/actions/${index}`));
}

function actionProblems(action: unknown, pointer: string): FieldProblem[] {
  if (!isObject(action)) return [problem(pointer, 'NOT_AN_OBJECT', 'an action has to be an object')];
  const type = Object.hasOwn(action, 'type') ? (action as { type: unknown }).type : undefined;
  if (typeof type === 'string' && type !== '' && type.length <= MOST_TYPE_LENGTH) return [];
  return [
    problem(`${pointer}/type`, 'IS_STRING', `has to be a text of 1 to ${MOST_TYPE_LENGTH} characters, such as BUY`),
  ];
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function problem(pointer: string, code: string, detail: string): FieldProblem {
  return { pointer, code, detail };
}

function refusal(errors: readonly FieldProblem[]): ProblemError {
  const [first] = errors;
  return new ProblemError('SCHEMA', `${first!.pointer}: ${first!.detail}`.replace(/^: /, ''), { errors });
}
