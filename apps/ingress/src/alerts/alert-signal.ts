import { SIGNAL_ID } from '@tickwire/contracts';
import { AMOUNT_FIELDS, readSignal, type Signal } from '../signals/read-signal.js';
import type { AlertBinding, AlertInput, AlertReading } from './alert-adapter.js';
import type { AlertFields } from './alert-fields.js';
import { alertIdentity } from './alert-identity.js';
import { mapSymbol } from './alert-symbol.js';

/** What a sender's form says about the order; undefined where it was refused. */
export type AlertOrder = Partial<Omit<Signal, keyof AlertBinding>>;

const MAX_SYMBOL = 128;

/** Reads the symbol and maps it. */
export function readSymbol(fields: AlertFields, name: string, { symbolMap }: AlertBinding): string | undefined {
  fields.require(name, 'is required: in TradingView {{ticker}}');
  const written = fields.text(name, MAX_SYMBOL);
  if (written === undefined) return undefined;
  const symbol = mapSymbol(written, symbolMap);
  const repair =
    "is no symbol here: capitals and digits, after the exchange's prefix has been taken off; name it in the alert address's symbol map";
  return symbol ?? fields.refuse(name, 'INVALID', repair);
}

/** Reads the sender's id, which every form may carry. An empty one is refused: it would quietly weaken the guarantee. */
export function readSignalId(fields: AlertFields): string | undefined {
  const signalId = fields.text('signalId', 512);
  if (signalId === undefined || SIGNAL_ID.test(signalId)) return signalId;
  return fields.refuse('signalId', 'INVALID', 'must be 1 to 128 of the characters A-Z a-z 0-9 _ . : -');
}

/**
 * Ends a reading: the signal where nothing was refused, held once more against the contract of a signal.
 * @param barTime  when the bar opened, ISO 8601 UTC with milliseconds
 */
export function readingOf(
  { binding, text }: AlertInput,
  { errors }: AlertFields,
  order: AlertOrder,
  barTime: string | undefined,
): AlertReading {
  if (errors.length > 0) return { errors };
  const { tenantId, accountId, botId } = binding;
  const sent = Object.entries({ ...order, tenantId, accountId, botId }).filter(([, value]) => value !== undefined);
  const body = Object.fromEntries(sent) as Record<string, unknown>;
  const read = readSignal(body, new Map(AMOUNT_FIELDS.map((name) => [name, JSON.stringify(body[name] ?? '')])));
  return 'errors' in read ? read : identified(read.signal, binding, text, barTime);
}

/** Adds what tells the alert from others: the bar's time, and where the signal has no id, an identity made from it. */
export function identified(
  signal: Signal,
  binding: AlertBinding,
  text: string,
  barTime: string | undefined,
): AlertReading {
  if (barTime === undefined) return { signal };
  if (signal.signalId !== undefined) return { signal, barTime };
  return { signal, barTime, identity: alertIdentity(binding, text, barTime) };
}
