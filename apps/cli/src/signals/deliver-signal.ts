import { signStandardWebhook } from '@tickwire/signing';
import { setTimeout as sleep } from 'node:timers/promises';
import { refusal, request, retryAfterMs, Unreachable, type ApiAnswer } from '../connection/request.js';
import { CommandFailed } from '../terminal/exit-codes.js';

export type Credential = { kind: 'signature'; key: Uint8Array } | { kind: 'api-key'; apiKey: string };

export interface Delivery {
  url: URL;
  /** The bytes; the same on every attempt. */
  body: string;
  credential: Credential;
  /** `webhook-id`, or `Idempotency-Key` with an API key: what makes a repetition harmless. */
  nonce: string;
  /** The first one and the retries. */
  attempts: number;
}

/** What the door answers to a signal that it has taken in. */
export interface Accepted {
  webhookId: string;
  signalId: string;
  status: string;
  statusUrl: string;
  /** It had been taken in before, and this is the first answer again. */
  replayed: boolean;
  /** Attempts that were made. */
  attempts: number;
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;
/** Of a gateway in front or of the door itself: whether the signal was taken in is unknown, so asking again is right. */
const UNKNOWN_OUTCOME = new Set([502, 503, 504]);

/**
 * Sends a signal until the door has answered. Repeats only what leaves the outcome unknown (no answer, 502, 503, 504)
 * or asks for patience because an earlier attempt is still running (409 IN_FLIGHT), always under the same nonce and
 * with the same bytes, so that it is executed once; each attempt is signed anew, since its time is part of it.
 *
 * @param onRetry told before each pause
 * @throws CommandFailed with the server's refusal, or with advice when the outcome stays unknown
 */
export async function deliverSignal(
  delivery: Delivery,
  onRetry: (reason: string, pauseMs: number) => void,
): Promise<Accepted> {
  for (let attempt = 1; ; attempt++) {
    const outcome = await post(delivery);
    if (!(outcome instanceof Unreachable) && !isWorthRepeating(outcome))
      return accepted(outcome, attempt, delivery.nonce);
    if (attempt >= delivery.attempts) throw stillUnknown(outcome, attempt, delivery.nonce);
    const pauseMs = pauseBefore(attempt, outcome);
    onRetry(outcome instanceof Unreachable ? outcome.message : `the server answered ${outcome.status}`, pauseMs);
    await sleep(pauseMs);
  }
}

async function post({ url, body, credential, nonce }: Delivery): Promise<ApiAnswer | Unreachable> {
  const headers = { 'content-type': 'application/json', ...proof(credential, nonce, body) };
  try {
    return await request({ method: 'POST', url, headers, body });
  } catch (error) {
    if (error instanceof Unreachable) return error;
    throw error;
  }
}

function proof(credential: Credential, nonce: string, body: string): Record<string, string> {
  if (credential.kind === 'api-key') {
    return { authorization: `Bearer ${credential.apiKey}`, 'idempotency-key': nonce };
  }
  const timestampS = Math.floor(Date.now() / 1_000);
  return {
    'webhook-id': nonce,
    'webhook-timestamp': String(timestampS),
    'webhook-signature': signStandardWebhook({ id: nonce, timestampS, body, keys: [credential.key] }),
  };
}

function isWorthRepeating(answer: ApiAnswer): boolean {
  return UNKNOWN_OUTCOME.has(answer.status) || (answer.status === 409 && refusal(answer).code === 'IN_FLIGHT');
}

/** Doubling, with up to a quarter on top, so that many senders do not come back together; or what the server asks for. */
function pauseBefore(attempt: number, outcome: ApiAnswer | Unreachable): number {
  const backoffMs = FIRST_PAUSE_MS * 2 ** (attempt - 1) * (1 + Math.random() / 4);
  const askedMs = outcome instanceof Unreachable ? undefined : retryAfterMs(outcome, Date.now());
  return Math.round(Math.min(LONGEST_PAUSE_MS, Math.max(backoffMs, askedMs ?? 0)));
}

function accepted(answer: ApiAnswer, attempts: number, nonce: string): Accepted {
  if (answer.status !== 202) {
    const { code, message, facts } = refusal(answer);
    throw new CommandFailed(code, message, { ...facts, nonce, attempts });
  }
  const told = (answer.body ?? {}) as Partial<Record<keyof Accepted, unknown>>;
  const { webhookId, signalId, status, statusUrl } = told;
  if (![webhookId, signalId, status, statusUrl].every((value) => typeof value === 'string')) {
    throw new CommandFailed('UNEXPECTED_ANSWER', 'The answer is not one of Tickwire: is the URL the ingress?', {
      nonce,
      attempts,
    });
  }
  const replayed = answer.headers['idempotency-replayed'] === 'true';
  return {
    ...({ webhookId, signalId, status, statusUrl } as Omit<Accepted, 'replayed' | 'attempts'>),
    replayed,
    attempts,
  };
}

function stillUnknown(outcome: ApiAnswer | Unreachable, attempts: number, nonce: string): CommandFailed {
  const last = outcome instanceof Unreachable ? new CommandFailed('UNREACHABLE', outcome.message) : refusal(outcome);
  const advice = `Whether it was taken in is unknown. Send the same again with --webhook-id ${nonce}: it trades at most once.`;
  return new CommandFailed(last.code, `${last.message} ${advice}`, { ...last.facts, nonce, attempts });
}
