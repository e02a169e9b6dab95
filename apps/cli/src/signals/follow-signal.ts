import { setTimeout as sleep } from 'node:timers/promises';
import { refusal, request, Unreachable, type ApiAnswer } from '../connection/request.js';
import { CommandFailed } from '../terminal/exit-codes.js';
import type { SignalStatus } from './signal-status.js';

/** The longest that the API lets a reader wait, s. */
const LONGEST_WAIT_S = 10;
/** Beyond the wait that was asked for. */
const ANSWER_MS = 10_000;
/** Between two questions: a server that does not wait must not be asked in a loop. */
const LEAST_PAUSE_MS = 500;

/**
 * Asks for a signal's status until it is final. The URL is its own credential; nothing else is sent with it.
 * @param timeoutMs  for how long
 * @param onStatus   told of every answer
 * @returns the final status
 * @throws CommandFailed NOT_FINAL when it is not final in time, UNREACHABLE, or the API's refusal
 */
export async function followSignal(
  statusUrl: string,
  timeoutMs: number,
  onStatus: (status: SignalStatus) => void,
): Promise<SignalStatus> {
  const url = readStatusUrl(statusUrl);
  const endsAt = performance.now() + timeoutMs;
  let latest: SignalStatus | undefined;
  for (;;) {
    const askedAt = performance.now();
    const leftMs = endsAt - askedAt;
    const outcome = await ask(url, leftMs);
    if (!(outcome instanceof Unreachable) && outcome.status < 500) {
      latest = readStatus(outcome);
      onStatus(latest);
      if (latest.final) return latest;
    }
    const pauseMs = Math.max(0, LEAST_PAUSE_MS - (performance.now() - askedAt));
    if (performance.now() + pauseMs >= endsAt) throw notFinal(outcome, latest, timeoutMs, statusUrl);
    await sleep(pauseMs);
  }
}

async function ask(url: URL, leftMs: number): Promise<ApiAnswer | Unreachable> {
  const waitS = Math.max(1, Math.min(LONGEST_WAIT_S, Math.floor(leftMs / 1_000)));
  try {
    return await request({
      method: 'GET',
      url,
      headers: { prefer: `wait=${waitS}` },
      timeoutMs: waitS * 1_000 + ANSWER_MS,
    });
  } catch (error) {
    if (error instanceof Unreachable) return error;
    throw error;
  }
}

function readStatusUrl(statusUrl: string): URL {
  const url = URL.canParse(statusUrl) ? new URL(statusUrl) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new CommandFailed('UNEXPECTED_ANSWER', 'The status URL that the server gave is not usable.', { statusUrl });
  }
  return url;
}

function readStatus(answer: ApiAnswer): SignalStatus {
  if (answer.status !== 200) throw refusal(answer);
  const status = answer.body as Partial<SignalStatus> | undefined;
  if (typeof status?.status !== 'string' || typeof status.final !== 'boolean') {
    throw new CommandFailed(
      'UNEXPECTED_ANSWER',
      'The status is not one of Tickwire: does API_PUBLIC_URL name the API?',
    );
  }
  return { timeline: [], fills: [], ...status } as SignalStatus;
}

function notFinal(
  outcome: ApiAnswer | Unreachable,
  latest: SignalStatus | undefined,
  timeoutMs: number,
  statusUrl: string,
): CommandFailed {
  if (latest === undefined && outcome instanceof Unreachable) {
    return new CommandFailed(
      'UNREACHABLE',
      `The signal was taken in, but its status could not be read. ${outcome.message}`,
      { statusUrl },
    );
  }
  const status = latest?.status ?? 'unknown';
  return new CommandFailed(
    'NOT_FINAL',
    `Not final after ${timeoutMs / 1_000} s: ${status}. A resting order waits for its price.`,
    {
      status,
      statusUrl,
    },
  );
}
