import got, { RequestError } from 'got';
import { CommandFailed } from '../terminal/exit-codes.js';

export interface ApiRequest {
  method: 'GET' | 'POST';
  url: URL;
  headers?: Record<string, string>;
  /** The bytes to send, as they are. */
  body?: string;
  timeoutMs?: number;
}

export interface ApiAnswer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  /** Parsed; undefined where it is not JSON. */
  body: unknown;
}

/** The server could not be asked, or did not answer: whether it has done something is unknown. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable';
}

const TIMEOUT_MS = 15_000;

/**
 * One request, without retries and redirects: the caller knows what may be repeated, and a credential must not travel
 * to another host.
 * @returns whatever the answer's status
 * @throws Unreachable for everything that is not an answer
 */
export async function request({ method, url, headers, body, timeoutMs = TIMEOUT_MS }: ApiRequest): Promise<ApiAnswer> {
  try {
    const response = await got(url, {
      method,
      headers: { accept: 'application/json, application/problem+json', 'user-agent': 'tickwire-cli', ...headers },
      ...(body === undefined ? {} : { body }),
      timeout: { request: timeoutMs },
      retry: { limit: 0 },
      followRedirect: false,
      throwHttpErrors: false,
    });
    return { status: response.statusCode, headers: response.headers, body: parsed(response.body) };
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    throw new Unreachable(
      `${url.origin}: ${error.code === 'ETIMEDOUT' ? `no answer within ${timeoutMs} ms` : reason(error)}`,
    );
  }
}

/** A refused connection over both address families has its reasons inside only. */
function reason(error: RequestError): string {
  return error.message === '' ? error.code : error.message;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The failure that an answer other than the hoped-for one is; problem+json is told in its own words. */
export function refusal({ status, body }: ApiAnswer): CommandFailed {
  const told = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  const text = (name: string): string | undefined => (typeof told[name] === 'string' ? told[name] : undefined);
  const code = text('code');
  if (code === undefined) return new CommandFailed('UNEXPECTED_ANSWER', `The server answered ${status}.`, { status });
  const { errors } = told;
  return new CommandFailed(code, text('detail') ?? text('title') ?? `The server answered ${status}.`, {
    status,
    ...(text('requestId') === undefined ? {} : { requestId: text('requestId') }),
    ...(errors === undefined ? {} : { errors }),
  });
}

/** @returns the pause that the answer asks for, ms, whether given in seconds or as a date */
export function retryAfterMs({ headers }: ApiAnswer, nowMs: number): number | undefined {
  const value = headers['retry-after'];
  if (typeof value !== 'string') return undefined;
  const ms = /^\d{1,6}$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - nowMs;
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}
