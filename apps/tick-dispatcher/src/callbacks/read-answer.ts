import { ACTIONS_JSON, MOST_ACTIONS } from '@tickwire/contracts';
import { parseJson } from '@tickwire/runtime';

export interface TickAnswerRead {
  /** As they came, at most 100. */
  actions: unknown[];
  /** How many there were, if more. */
  truncated?: number;
  /** Why there are no actions, where the answer was not one. Holds nothing that the agent wrote. */
  error?: string;
}

/** The answer of an agent that does nothing, as JavaScript and as Python write it: most are one of the two. */
const NO_ACTIONS = Buffer.from('{"actions":[]}');
const NO_ACTIONS_SPACED = Buffer.from('{"actions": []}');

/** What an agent answered with a 2xx. Whatever it is, the callback has been delivered. */
export function readAnswer(status: number, body: Uint8Array): TickAnswerRead {
  if (body.length === 0) return { actions: [], error: `HTTP ${status} without a body` };
  // 1 us; to parse it takes 5, on caches that other work has had.
  if (NO_ACTIONS.equals(body) || NO_ACTIONS_SPACED.equals(body)) return { actions: [] };
  let answer: unknown;
  try {
    answer = parseJson(body, ACTIONS_JSON);
  } catch {
    return {
      actions: [],
      error: `HTTP ${status}, no valid JSON (UTF-8, at most ${ACTIONS_JSON.maxDepth} levels deep)`,
    };
  }
  const actions: unknown =
    typeof answer === 'object' && answer !== null && 'actions' in answer ? answer.actions : undefined;
  if (!Array.isArray(actions)) return { actions: [], error: `HTTP ${status}, no list of actions in the body` };
  if (actions.length <= MOST_ACTIONS) return { actions };
  return { actions: actions.slice(0, MOST_ACTIONS), truncated: actions.length };
}
