import { ProblemError } from '@tickwire/problem-details';
import sjson from 'secure-json-parse';

export interface JsonLimits {
  /** Nested arrays and objects. Default 16. */
  maxDepth?: number;
  /** Object keys in the whole document. Default 200. */
  maxKeys?: number;
  /** Takes `__proto__` and `constructor` for names like any other: for callers that copy nothing and name unknown members. */
  anyNames?: boolean;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const OPENING_BRACKET = 0x5b;
const CLOSING_BRACKET = 0x5d;
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Parses a JSON body from its bytes, strictly UTF-8 (a byte order mark is skipped). Of duplicate keys the last counts,
 * as everywhere in JavaScript. Documents with a `__proto__` key, or a `constructor` with a `prototype`, are refused:
 * nobody sends them in good faith (unless `anyNames`). Depth and keys are counted before anything is built.
 *
 * @throws ProblemError MALFORMED_JSON
 */
export function parseJson(bytes: Uint8Array, limits: JsonLimits = {}): unknown {
  if (bytes.length === 0) throw malformed('The body is empty');
  checkShape(bytes, limits.maxDepth ?? 16, limits.maxKeys ?? 200);
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    throw malformed('The body is not UTF-8');
  }
  try {
    if (limits.anyNames) return JSON.parse(text.startsWith('\ufeff') ? text.slice(1) : text) as unknown;
    return sjson.parse(text, undefined, { protoAction: 'error', constructorAction: 'error' }) as unknown;
  } catch (error) {
    const { message } = error as Error;
    if (message.includes('forbidden prototype property'))
      throw malformed('A key named __proto__ or constructor is not accepted');
    const position = /at position (\d+)/.exec(message)?.[1];
    throw malformed(
      position === undefined ? 'The body ends too early' : `The body is not JSON at position ${position}`,
    );
  }
}

/** One pass over the bytes; in UTF-8 no part of a longer character looks like one of these. */
function checkShape(bytes: Uint8Array, maxDepth: number, maxKeys: number): void {
  let depth = 0;
  let keys = 0;
  let inString = false;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] as number;
    if (inString) {
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) {
      inString = true;
    } else if (byte === OPENING_BRACE || byte === OPENING_BRACKET) {
      depth += 1;
      if (depth > maxDepth) throw malformed(`The body is nested deeper than ${maxDepth} levels`);
    } else if (byte === CLOSING_BRACE || byte === CLOSING_BRACKET) {
      depth -= 1;
    } else if (byte === COLON) {
      keys += 1;
      if (keys > maxKeys) throw malformed(`The body has more than ${maxKeys} keys`);
    }
  }
}

function malformed(detail: string): ProblemError {
  return new ProblemError('MALFORMED_JSON', detail);
}
