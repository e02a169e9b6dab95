import type { AttemptOutcome } from '../callbacks/attempt-outcome.js';

/** What an attempt means for its delivery. */
export interface AttemptVerdict {
  /** Another attempt may succeed. */
  retry: boolean;
  /**
   * What the delivery is, should this have been its last attempt: the breaker counts a `failure` once per delivery.
   * `unknown` says nothing about the receiver: we gave up ourselves.
   */
  delivery: 'success' | 'failure' | 'unknown';
  /** One line for `lastWebhookError`; empty after a success. */
  error: string;
  /** The receiver's `Retry-After`, where the attempt is retried and it sent one. */
  retryAfter?: string;
}

const SUCCESS: AttemptVerdict = { retry: false, delivery: 'success', error: '' };

/**
 * Sorts an outcome: any 2xx is a success, whatever its body says; 429, 5xx, timeouts and network errors are retried;
 * other statuses, bodies over the limit and requests that may not or cannot be sent are not.
 */
export function classifyAttempt(outcome: AttemptOutcome): AttemptVerdict {
  if (outcome.kind === 'response') {
    const { status, headers } = outcome;
    if (status >= 200 && status < 300) return SUCCESS;
    const verdict: AttemptVerdict = { retry: isRetried(status), delivery: 'failure', error: `HTTP ${status}` };
    if (verdict.retry && headers['retry-after'] !== undefined) verdict.retryAfter = headers['retry-after'];
    return verdict;
  }
  const error = `${outcome.reason}: ${outcome.detail}`;
  switch (outcome.reason) {
    case 'timeout':
    case 'connection_refused':
    case 'reset':
    case 'dns':
    case 'tls':
    case 'network':
    case 'invalid_response':
      return { retry: true, delivery: 'failure', error };
    case 'too_large':
      // A long error page is an error page first.
      return { retry: isRetried(outcome.status ?? 0), delivery: 'failure', error };
    case 'blocked_address':
    case 'invalid_request':
      return { retry: false, delivery: 'failure', error };
    case 'aborted':
      return { retry: false, delivery: 'unknown', error };
  }
}

function isRetried(status: number): boolean {
  return status === 429 || (status >= 500 && status < 600);
}
