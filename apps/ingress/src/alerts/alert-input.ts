import { ProblemError } from '@tickwire/problem-details';
import { parseJson } from '@tickwire/runtime';
import { AMOUNT_FIELDS } from '../signals/read-signal.js';
import { scanFields } from '../signals/scan-fields.js';
import type { AlertBinding, AlertInput } from './alert-adapter.js';
import { TRADERSPOST_AMOUNTS } from './traderspost-alerts.js';
import { TRADINGVIEW_AMOUNTS } from './tradingview-alerts.js';

const AMOUNTS: ReadonlySet<string> = new Set([...AMOUNT_FIELDS, ...TRADINGVIEW_AMOUNTS, ...TRADERSPOST_AMOUNTS]);

/**
 * Prepares an alert for reading. Whether it is JSON is seen from the body and not from its content type: TradingView
 * calls a message text as soon as it finds it invalid, and people's templates begin with blanks of every kind.
 *
 * @param body  as it came; its size has been limited
 */
export function alertInput(contentType: string | undefined, body: Buffer, binding: AlertBinding): AlertInput {
  const text = body.toString('utf8');
  const input = { contentType, text, binding };
  // The bytes are parsed where they can be: bytes that are not UTF-8 would pass as text.
  const trimmed = text.trim();
  const document = trimmed.length === text.length ? body : Buffer.from(trimmed);
  try {
    if (document !== body) parseUtf8(body);
    return { ...input, json: parseJson(document), raw: scanFields(document, AMOUNTS) };
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    return { ...input, json: undefined, fault: error.message, raw: new Map() };
  }
}

/** @throws ProblemError MALFORMED_JSON */
function parseUtf8(body: Buffer): void {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw new ProblemError('MALFORMED_JSON', 'The body is not UTF-8');
  }
}
