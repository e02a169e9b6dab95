import type { FieldProblem } from '@tickwire/problem-details';
import type { Signal } from '../signals/read-signal.js';

/** Whose form an alert is in. */
export type AlertForm = 'tradingview' | 'traderspost' | 'tickwire';

/** What an alert address stands for, fixed when it was made: the alert itself proves nothing and chooses none of it. */
export interface AlertBinding {
  tenantId: string;
  /** Ours, `acc_…`. */
  accountId: string;
  botId: string;
  /** The sender's symbols and what they are called here: `{"CME_MINI:ES1!": "ESZ6"}`. */
  symbolMap?: Readonly<Record<string, string>>;
}

/** An alert as it came in; see `alertInput`. */
export interface AlertInput {
  /** The header, as sent. */
  contentType: string | undefined;
  /** The body, decoded and otherwise as sent: identities are made from it. */
  text: string;
  /** The body as parsed; undefined where it is no JSON. */
  json: unknown;
  /** Why it is no JSON, for people. */
  fault?: string;
  /** The JSON text of its amounts as they were written, see `scanFields`: a parsed number has lost digits. */
  raw: ReadonlyMap<string, string>;
  binding: AlertBinding;
}

export interface ReadableAlert {
  /** In the form of `POST /api/v1/webhooks/signals`, amounts canonical; `readSignal` accepts it again. */
  signal: Signal;
  /** When the bar opened that the alert is about: ISO 8601 UTC with milliseconds. */
  barTime?: string;
  /**
   * What tells this alert from others where the signal has no id; to be hashed, see `alertIdentity`. Absent where the
   * alert has neither id nor bar time: such a one is known again only for the duplicate window.
   */
  identity?: string;
}

export interface UnreadableAlert {
  /** Never empty. They name members and repairs, never the values that were sent. */
  errors: FieldProblem[];
}

export type AlertReading = ReadableAlert | UnreadableAlert;

/**
 * Reads one sender's form. It never guesses: what the engine has no order for is refused by name (`UNSUPPORTED`),
 * because the nearest order it has would trade something else than the sender meant.
 */
export interface AlertAdapter {
  readonly form: AlertForm;
  /** Whether the alert looks like this form. Says nothing about whether it is a good one. */
  recognises(alert: AlertInput): boolean;
  /** Never throws. */
  read(alert: AlertInput): AlertReading;
}
