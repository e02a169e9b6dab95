import { performance } from 'node:perf_hooks';
import type { Dispatcher } from 'undici';
import { KEPT_HEADERS } from './attempt-outcome.js';
import type { AttemptOutcome, FailureReason } from './attempt-outcome.js';
import { failureDetail, failureReason } from './failure-reason.js';
import type { OriginConnection, OriginPool, PooledExchange } from './origin-pool.js';
import { decodeBody } from './response-body.js';

type ResponseHeaders = Record<string, string | string[] | undefined>;

export interface AttemptLimits {
  /** Over everything: waiting for a connection, name lookup, connect, request, headers, body. */
  timeoutMs: number;
  maxResponseBytes: number;
}

/**
 * One request and its answer. It is undici's handler itself, and the abort signal's listener: thousands of these live
 * at a time, so an attempt is one object, one timer and no closures.
 */
export class Attempt implements PooledExchange {
  connection: OriginConnection | undefined;
  settled = false;
  private readonly startedAtMs = performance.now();
  private readonly timer: NodeJS.Timeout;
  private reused = false;
  private answering = false;
  private status = 0;
  private headers: Record<string, string> = {};
  private readonly chunks: Buffer[] = [];
  private receivedBytes = 0;

  constructor(
    readonly options: Dispatcher.DispatchOptions,
    private readonly pool: OriginPool,
    readonly limits: AttemptLimits,
    private readonly signal: AbortSignal | undefined,
    private readonly resolve: (outcome: AttemptOutcome) => void,
    private readonly onSettled: (attempt: Attempt) => void,
  ) {
    this.timer = setTimeout(expire, limits.timeoutMs, this);
    signal?.addEventListener('abort', this);
  }

  /** The caller's signal fired. */
  handleEvent(): void {
    this.giveUp('aborted', 'the caller gave up');
  }

  /** Ends the attempt now and closes its connection, which is in an unknown state. */
  giveUp(reason: FailureReason, detail: string): void {
    if (this.settled) return;
    this.fail(reason, detail);
    if (this.connection) this.pool.drop(this.connection);
  }

  onRequestStart(): void {
    const { connection } = this;
    if (connection === undefined) return;
    this.reused = connection.served > 0;
    connection.served += 1;
  }

  /** The first byte of an answer. */
  onResponseStarted(): void {
    this.answering = true;
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: ResponseHeaders): void {
    if (status < 200 || this.settled) return; // an interim answer: the real one follows
    this.status = status;
    for (const name of KEPT_HEADERS) {
      const value = headers[name];
      if (value !== undefined) this.headers[name] = typeof value === 'string' ? value : value.join(', ');
    }
    // Announced to be too long: no need to read it.
    if (Number(headers['content-length']) > this.limits.maxResponseBytes) this.refuseLargeBody();
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.settled) return;
    this.receivedBytes += chunk.length;
    if (this.receivedBytes > this.limits.maxResponseBytes) this.refuseLargeBody();
    else this.chunks.push(chunk);
  }

  onResponseEnd(): void {
    if (this.settled || this.connection === undefined) return;
    this.pool.release(this.connection);
    const [first] = this.chunks;
    const received = first !== undefined && this.chunks.length === 1 ? first : Buffer.concat(this.chunks);
    const encoding = this.headers['content-encoding'];
    if (encoding === undefined) return this.answer(received);
    const body = decodeBody(received, encoding, this.limits.maxResponseBytes);
    if (body === 'too_large') return this.fail('too_large', this.tooLarge());
    if (body === 'unreadable') return this.answer(received);
    delete this.headers['content-encoding'];
    this.answer(body);
  }

  onResponseError(_controller: unknown, error: Error): void {
    const { connection } = this;
    if (this.settled || connection === undefined) return;
    const reason = failureReason(error);
    if (reason === 'reset' && this.reused && !this.answering) {
      // The receiver closed an idle connection while this request was on its way: nothing was wrong with it.
      // The one that replaces it is fresh, so this happens once.
      this.pool.restart(this, connection);
      return;
    }
    this.fail(reason, failureDetail(error));
    this.pool.drop(connection);
  }

  private refuseLargeBody(): void {
    this.giveUp('too_large', this.tooLarge());
  }

  private tooLarge(): string {
    return `the response body is longer than ${this.limits.maxResponseBytes} bytes`;
  }

  private answer(body: Buffer): void {
    const { status, headers } = this;
    this.settle({ kind: 'response', status, headers, body, durationMs: this.durationMs() });
  }

  private fail(reason: FailureReason, detail: string): void {
    const failure: AttemptOutcome = { kind: 'failed', reason, detail, durationMs: this.durationMs() };
    if (this.status !== 0) failure.status = this.status;
    this.settle(failure);
  }

  private settle(outcome: AttemptOutcome): void {
    this.settled = true;
    clearTimeout(this.timer);
    this.signal?.removeEventListener('abort', this);
    this.resolve(outcome);
    this.onSettled(this);
  }

  private durationMs(): number {
    return performance.now() - this.startedAtMs;
  }
}

function expire(attempt: Attempt): void {
  attempt.giveUp('timeout', `no complete answer within ${attempt.limits.timeoutMs} ms`);
}
