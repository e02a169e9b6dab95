import type { AddressGuard } from '../addresses/address-guard.js';
import { guardedConnect } from '../addresses/guarded-connector.js';
import type { Connect, ConnectSettings } from '../addresses/guarded-connector.js';
import { InvalidHeader, callerLines, commonLines, isRequestPath, requestHead } from '../http1/request-head.js';
import type { Method } from '../http1/response-parser.js';
import { Attempt } from './attempt.js';
import type { AttemptFailure, AttemptOutcome, FailureReason } from './attempt-outcome.js';
import type { Cancellation } from './cancellation.js';
import { LinkedLine } from '../fairness/linked-line.js';
import { OriginPool } from './origin-pool.js';
import type { PoolOwner } from './origin-pool.js';

export interface CallbackClientSettings {
  guard: AddressGuard;
  /** Sockets, and so requests in flight, to one origin (scheme, host, port). Default 32. */
  connectionsPerOrigin?: number;
  /** Origins at rest whose connections are kept; the one at rest for longest is closed first. Default 4096. */
  maxIdleOrigins?: number;
  /** How long an idle connection is kept, where the receiver does not ask for less. Default 20 s. */
  keepAliveTimeoutMs?: number;
  /** A connection is not reused past this age, so that moved names are followed. Default 5 min. */
  maxConnectionAgeMs?: number;
  /** Default 5 s: name lookup, connect and TLS handshake. */
  connectTimeoutMs?: number;
  /** Trusted certificate authorities, PEM. Default: those of Node. */
  ca?: ConnectSettings['ca'];
  /** Default `Tickwire/1`. */
  userAgent?: string;
}

export interface OutboundRequest {
  url: string;
  /**
   * Sent in their order and spelling. What HTTP itself needs is the client's own and refused: `host`, `connection`,
   * `accept-encoding`, `content-length`, `transfer-encoding`, `expect`, `upgrade` and their like. So are names that are
   * no tokens and values outside printable Latin-1.
   */
  headers?: Readonly<Record<string, string>>;
  /** Over the whole exchange, name lookup to last byte. Default 5 s. */
  timeoutMs?: number;
  /** Of the body, received and inflated. Default 64 KiB. */
  maxResponseBytes?: number;
  /** Ends the attempt with reason `aborted`. */
  signal?: AbortSignal | undefined;
  /** Does the same at a fraction of the cost; one may serve several requests. */
  cancellation?: Cancellation | undefined;
}

/** Bytes, text that goes as UTF-8, or parts of either kind, of which none is copied: they may be shared by many requests. */
export type CallbackBody = Buffer | string | readonly (Buffer | string)[];

export interface CallbackRequest extends OutboundRequest {
  /** Not to be changed before the attempt has ended. */
  body: CallbackBody;
}

interface Target {
  origin: string;
  path: string;
}

const DEFAULT_TIMEOUT_MS = 5_000;
const DEFAULT_MAX_RESPONSE_BYTES = 65_536;
/** As many as a world has agents. */
const MAX_CACHED_TARGETS = 100_000;
const NO_PARTS: readonly (Buffer | string)[] = [];

/**
 * Sends HTTP/1.1 requests to URLs that strangers chose, and reports what came of each as a value: it never rejects.
 *
 * One deadline covers the whole exchange, bodies are capped before and after inflation, redirects are answers, every
 * connection goes to an address that `guard` has checked. A reset on a reused connection, before any byte of an
 * answer, is sent once more on a fresh one within the same call: the usual race with a receiver's idle timeout, which
 * says nothing about the receiver. A receiver may therefore see a request twice, as it may with any retry.
 */
export class CallbackClient implements PoolOwner {
  private readonly guard: AddressGuard;
  private readonly connect: Connect;
  private readonly maxIdleOrigins: number;
  private readonly poolSettings;
  private readonly commonLines: string;
  private readonly pools = new Map<string, OriginPool>();
  /** Those at rest, the longest first. */
  private readonly idlePools = new Set<OriginPool>();
  private readonly targets = new Map<string, Target>();
  private readonly attempts = new LinkedLine<Attempt>();
  private closing = false;
  private whenQuiet: (() => void) | undefined;

  /** @throws Error if `ca` or `userAgent` cannot be used */
  constructor(settings: CallbackClientSettings) {
    this.guard = settings.guard;
    this.connect = guardedConnect(settings.guard, {
      connectTimeoutMs: settings.connectTimeoutMs ?? 5_000,
      ca: settings.ca,
    });
    this.maxIdleOrigins = settings.maxIdleOrigins ?? 4_096;
    this.poolSettings = {
      connectionsPerOrigin: settings.connectionsPerOrigin ?? 32,
      keepAliveTimeoutMs: settings.keepAliveTimeoutMs ?? 20_000,
      maxConnectionAgeMs: settings.maxConnectionAgeMs ?? 300_000,
    };
    this.commonLines = commonLines(settings.userAgent ?? 'Tickwire/1');
  }

  /** @returns what became of it; rejects for nothing. An answer of any status is an answer. */
  post(request: CallbackRequest): Promise<AttemptOutcome> {
    return this.send('POST', request, request.body);
  }

  /** For documents that live at a tenant's URL, such as a key set. */
  get(request: OutboundRequest): Promise<AttemptOutcome> {
    return this.send('GET', request, undefined);
  }

  /** What the client holds at the moment, for gauges. */
  stats(): { origins: number; connections: number; inFlight: number } {
    let connections = 0;
    for (const pool of this.pools.values()) connections += pool.openConnections;
    return { origins: this.pools.size, connections, inFlight: this.attempts.size };
  }

  /** Takes no new request, lets those in flight end, each within its deadline, then closes every connection. */
  async close(): Promise<void> {
    this.closing = true;
    if (this.attempts.size > 0) await new Promise<void>((resolve) => (this.whenQuiet = resolve));
    for (const pool of [...this.pools.values()]) pool.closeIdle();
  }

  /** Ends the requests in flight as `aborted` and closes every connection. */
  async destroy(): Promise<void> {
    this.closing = true;
    while (this.attempts.first) this.attempts.first.giveUp('aborted', 'the client is closing');
    await this.close();
  }

  private send(method: Method, request: OutboundRequest, body: CallbackBody | undefined): Promise<AttemptOutcome> {
    if (this.closing) return refused('aborted', 'the client is closing');
    if (request.signal?.aborted || request.cancellation?.cancelled) return refused('aborted', 'the caller gave up');
    const target = this.targets.get(request.url) ?? this.judgeTarget(request.url);
    if (target instanceof Promise) return target;
    let lines: string;
    try {
      lines = callerLines(request.headers);
    } catch (error) {
      if (error instanceof InvalidHeader) return refused('invalid_request', error.message);
      throw error;
    }
    const pool = this.poolFor(target.origin);
    const parts = body === undefined ? NO_PARTS : isParts(body) ? body : [body];
    const { promise, resolve } = Promise.withResolvers<AttemptOutcome>();
    const attempt = new Attempt(
      {
        method,
        head: requestHead(
          method,
          target.path,
          pool.requestLines + lines,
          body === undefined ? undefined : bytesOf(parts),
        ),
        body: parts,
        timeoutMs: request.timeoutMs ?? DEFAULT_TIMEOUT_MS,
        maxResponseBytes: request.maxResponseBytes ?? DEFAULT_MAX_RESPONSE_BYTES,
        signal: request.signal,
        cancellation: request.cancellation,
      },
      pool,
      resolve,
      this.onSettled,
    );
    this.attempts.push(attempt);
    pool.start(attempt);
    return promise;
  }

  /** URLs repeat, tick after tick: a verdict on their form is worth keeping. Addresses are judged per connection. */
  private judgeTarget(text: string): Target | Promise<AttemptFailure> {
    const verdict = this.guard.checkUrl(text);
    if (!verdict.ok) {
      return refused(verdict.reason === 'malformed' ? 'invalid_request' : 'blocked_address', verdict.detail);
    }
    const target = { origin: verdict.url.origin, path: verdict.url.pathname + verdict.url.search };
    if (!isRequestPath(target.path)) return refused('invalid_request', 'the path cannot be sent');
    if (this.targets.size >= MAX_CACHED_TARGETS) this.targets.delete(this.targets.keys().next().value!);
    this.targets.set(text, target);
    return target;
  }

  private poolFor(origin: string): OriginPool {
    let pool = this.pools.get(origin);
    if (!pool) {
      pool = new OriginPool(origin, this.commonLines, this.connect, this.poolSettings, this);
      this.pools.set(origin, pool);
    }
    this.idlePools.delete(pool);
    return pool;
  }

  /** @internal for its pools: keeps the one that fell idle, and closes the one that has been idle for longest. */
  onIdle(pool: OriginPool): void {
    if (this.closing) return pool.closeIdle();
    this.idlePools.delete(pool);
    this.idlePools.add(pool);
    if (this.idlePools.size <= this.maxIdleOrigins) return;
    const [oldest] = this.idlePools;
    oldest?.closeIdle();
  }

  /** @internal for its pools */
  onEmpty(pool: OriginPool): void {
    this.idlePools.delete(pool);
    this.pools.delete(pool.origin);
  }

  private readonly onSettled = (attempt: Attempt): void => {
    this.attempts.remove(attempt);
    if (this.attempts.size === 0) this.whenQuiet?.();
  };
}

function isParts(body: CallbackBody): body is readonly (Buffer | string)[] {
  return Array.isArray(body);
}

function bytesOf(parts: readonly (Buffer | string)[]): number {
  let bytes = 0;
  for (const part of parts) bytes += typeof part === 'string' ? Buffer.byteLength(part) : part.length;
  return bytes;
}

function refused(reason: FailureReason, detail: string): Promise<AttemptFailure> {
  return Promise.resolve({ kind: 'failed', reason, detail, durationMs: 0 });
}
