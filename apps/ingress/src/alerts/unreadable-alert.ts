import type { FieldProblem } from '@tickwire/problem-details';
import type { AlertInput } from './alert-adapter.js';
import { pointerTo } from '../signals/pointer-to.js';
import { TRADINGVIEW_TEMPLATE } from './tradingview-alerts.js';

/** A member whose value is no JSON: a placeholder without quotes that was not filled in, or filled in with nothing. */
const BARE_VALUE = /"([^"\\]{1,100})"[ \t]{0,20}:[ \t]{0,20}(\{\{|-?nan\b|-?infinity\b|na\b|none\b|undefined\b|,|\})/gi;
const CURLY_QUOTES = /[\u201C\u201D\u201E]/;
const MAX_PROBLEMS = 16;
const TEMPLATE = `In TradingView, set the alert's message to ${TRADINGVIEW_TEMPLATE}`;

/**
 * Says what is wrong with a body that is no JSON object, and how to mend the message behind it. A placeholder without
 * quotes is what it mostly comes from: an empty plot gives NaN, and that is no JSON.
 * @returns one problem at least; nothing of the body but names of members, without what they stand in
 */
export function unreadableAlert({ contentType, text, json, fault }: AlertInput): FieldProblem[] {
  if (json !== undefined) return [whole('INVALID', `The message must be one JSON object. ${TEMPLATE}`)];
  if (text.trim() === '') return [whole('NOT_JSON', `The message is empty. ${TEMPLATE}`)];
  if (!text.trimStart().startsWith('{') && !contentType?.toLowerCase().startsWith('application/json')) {
    return [whole('NOT_JSON', `The message is plain text, which is not read. ${TEMPLATE}`)];
  }
  const bare = bareValues(text);
  if (bare.length > 0) return bare;
  const quotes = CURLY_QUOTES.test(text) ? ' It has typographic quotes; JSON knows only the straight one.' : '';
  return [whole('NOT_JSON', `${fault ?? 'The message is not JSON'}.${quotes} ${TEMPLATE}`)];
}

function bareValues(text: string): FieldProblem[] {
  const problems = new Map<string, FieldProblem>();
  for (const [, name = '', value] of text.matchAll(BARE_VALUE)) {
    const pointer = pointerTo(name);
    const filled = value !== '{{';
    const detail = filled
      ? 'has no value that JSON knows: put quotes around the placeholder, and see that it is never empty'
      : 'holds a placeholder that was not filled in: check its spelling, and put quotes around it';
    problems.set(pointer, { pointer, code: filled ? 'NO_VALUE' : 'UNFILLED_PLACEHOLDER', detail });
    if (problems.size === MAX_PROBLEMS) break;
  }
  return [...problems.values()];
}

function whole(code: string, detail: string): FieldProblem {
  return { pointer: '', code, detail };
}
