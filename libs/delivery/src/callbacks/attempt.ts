import { performance } from 'node:perf_hooks';
import type { Linked } from '../fairness/linked-line.js';
import type { Connection, WireRequest } from '../http1/connection.js';
import type { ResponseParser } from '../http1/response-parser.js';
import type { AttemptOutcome, FailureReason } from './attempt-outcome.js';
import type { Cancellation } from './cancellation.js';
import { failureDetail, failureReason } from './failure-reason.js';
import type { OriginPool, PooledExchange } from './origin-pool.js';
import { decodeBody } from './response-body.js';

export interface AttemptRequest extends WireRequest {
  /** Over everything: waiting for a connection, name lookup, connect, request, headers, body. */
  timeoutMs: number;
  signal: AbortSignal | undefined;
  cancellation: Cancellation | undefined;
}

/**
 * One request and its answer. It is the connection's exchange itself, and the abort signal's listener: thousands of
 * these live at a time, so an attempt is one object, one timer and no closures.
 */
export class Attempt implements PooledExchange, Linked<Attempt> {
  before: Attempt | undefined;
  after: Attempt | undefined;
  connection: Connection | undefined;
  settled = false;
  readonly startedAtMs = performance.now();
  private readonly timer: NodeJS.Timeout;

  constructor(
    readonly request: AttemptRequest,
    private readonly pool: OriginPool,
    private readonly resolve: (outcome: AttemptOutcome) => void,
    private readonly onSettled: (attempt: Attempt) => void,
  ) {
    this.timer = setTimeout(expire, request.timeoutMs, this);
    request.signal?.addEventListener('abort', this);
    request.cancellation?.attach(this);
  }

  /** The caller's signal fired. */
  handleEvent(): void {
    this.onCancelled();
  }

  onCancelled(): void {
    this.giveUp('aborted', 'the caller gave up');
  }

  /** Ends the attempt now and closes its connection, which is in an unknown state. */
  giveUp(reason: FailureReason, detail: string): void {
    if (this.settled) return;
    this.fail(reason, detail);
    if (this.connection) this.pool.drop(this.connection);
  }

  onAnswer(answer: ResponseParser): void {
    const { status, headers } = answer;
    const received = answer.takeBody();
    this.pool.release(this.connection!); // from here on the connection, and its parser, may be another exchange's
    const encoding = headers['content-encoding'];
    if (encoding === undefined) return this.answer(status, headers, received);
    const body = decodeBody(received, encoding, this.request.maxResponseBytes);
    if (body === 'too_large') return this.fail('too_large', this.tooLarge(), status);
    if (body === 'unreadable') return this.answer(status, headers, received);
    delete headers['content-encoding'];
    this.answer(status, headers, body);
  }

  onTooLarge(): void {
    this.giveUp('too_large', this.tooLarge());
  }

  onError(error: Error, repeatable: boolean): void {
    const reason = failureReason(error);
    if (reason === 'reset' && repeatable) {
      // The receiver closed an idle connection while this request was on its way: nothing was wrong with it.
      // The one that replaces it is fresh, so this happens once.
      return this.pool.restart(this, this.connection!);
    }
    this.giveUp(reason, failureDetail(error));
  }

  private tooLarge(): string {
    return `the response body is longer than ${this.request.maxResponseBytes} bytes`;
  }

  private answer(status: number, headers: Record<string, string>, body: Buffer): void {
    this.settle({ kind: 'response', status, headers, body, durationMs: this.durationMs() });
  }

  private fail(reason: FailureReason, detail: string, status = this.connection?.status ?? 0): void {
    const failure: AttemptOutcome = { kind: 'failed', reason, detail, durationMs: this.durationMs() };
    if (status !== 0) failure.status = status;
    this.settle(failure);
  }

  private settle(outcome: AttemptOutcome): void {
    this.settled = true;
    clearTimeout(this.timer);
    this.request.signal?.removeEventListener('abort', this);
    this.request.cancellation?.detach(this);
    this.resolve(outcome);
    this.onSettled(this);
  }

  private durationMs(): number {
    return performance.now() - this.startedAtMs;
  }
}

function expire(attempt: Attempt): void {
  attempt.giveUp('timeout', `no complete answer within ${attempt.request.timeoutMs} ms`);
}
