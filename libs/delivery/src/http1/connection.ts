import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { Connect, Endpoint } from '../addresses/guarded-connector.js';
import { ResponseParser } from './response-parser.js';
import type { Method } from './response-parser.js';

export interface WireRequest {
  method: Method;
  /** Written as Latin-1. */
  head: string;
  /** One behind the other, texts as UTF-8. */
  body: readonly (Buffer | string)[];
  maxResponseBytes: number;
}

/** A request, and who wants to know what comes of it: told exactly one thing, unless the connection is destroyed. */
export interface Exchange {
  readonly request: WireRequest;
  /** What the parser has read is valid until this returns. */
  onAnswer(answer: ResponseParser): void;
  onTooLarge(): void;
  /** @param repeatable the connection had served before and no byte of an answer came: it was closed as we used it */
  onError(error: Error, repeatable: boolean): void;
}

/** The receiver closed the connection before it had answered. */
export class ConnectionEnded extends Error {
  readonly code = 'CONNECTION_ENDED';
}

/** What came is not an answer. */
export class InvalidResponse extends Error {
  readonly code = 'INVALID_RESPONSE';
}

/** A server's hint in `Keep-Alive: timeout=N` counts from its side; ours ends this much earlier. */
const KEEP_ALIVE_MARGIN_MS = 1_000;

/**
 * One socket, from its connect to its end, with at most one exchange on it at a time. It is opened by the first one.
 * Requests are not pipelined, and an answer is only ever read for the request that was written last.
 */
export class Connection {
  private readonly parser = new ResponseParser();
  private readonly openedAtMs = performance.now();
  private socket: Socket | undefined;
  private exchange: Exchange | undefined;
  /** Exchanges begun. More than one: the receiver may be closing it at the moment of the next. */
  private served = 0;
  /** Whether the receiver, at the end of the last exchange, left it fit for another. */
  private fit = false;
  private idleUntilMs = 0;
  private idleTimer: NodeJS.Timeout | undefined;
  private timerEndsAtMs = 0;

  /** @param onLost it ended while no exchange was on it, by the receiver's doing or after its time: not to be used again */
  constructor(
    private readonly to: Endpoint,
    private readonly connect: Connect,
    private readonly keepAliveTimeoutMs: number,
    private readonly onLost: (connection: Connection) => void,
  ) {}

  send(exchange: Exchange): void {
    this.exchange = exchange;
    if (this.served > 0) return this.write(exchange.request);
    this.socket = this.connect(
      this.to,
      (error, socket) => {
        if (this.exchange === undefined)
          socket?.destroy(); // given up meanwhile
        else if (error) this.fail(error);
        else this.begin(socket, this.exchange);
      },
      (bytes, length) => this.read(bytes, length),
    );
  }

  /** Of the answer that is being read, once its head is complete; 0 before. */
  get status(): number {
    return this.parser.status;
  }

  /** May serve another exchange. Asked after an answer. */
  isReusable(nowMs: number, maxAgeMs: number): boolean {
    return this.fit && nowMs - this.openedAtMs <= maxAgeMs;
  }

  /** Waits for its next exchange, for as long as both sides keep it. */
  rest(nowMs: number): void {
    this.idleUntilMs = nowMs + this.keptForMs();
    // A timer that runs is left to run: it finds out itself whether the connection was used since.
    if (this.idleTimer !== undefined && this.timerEndsAtMs <= this.idleUntilMs) return;
    clearTimeout(this.idleTimer);
    this.awaitIdleEnd(nowMs);
  }

  /** Its time is up, though its timer may be late. */
  isOverdue(nowMs: number): boolean {
    return nowMs >= this.idleUntilMs;
  }

  /** Closes the socket in whatever state it is: connecting, in use or idle. Nobody is told anything afterwards. */
  destroy(): void {
    this.exchange = undefined;
    this.fit = false;
    clearTimeout(this.idleTimer);
    this.socket?.destroy();
  }

  private begin(socket: Socket, exchange: Exchange): void {
    socket.on('error', (error) => this.fail(error));
    socket.on('end', () => this.end());
    socket.on('close', () => this.fail(new ConnectionEnded('the connection was closed')));
    this.socket = socket;
    this.write(exchange.request);
  }

  private write({ method, head, body, maxResponseBytes }: WireRequest): void {
    const socket = this.socket!;
    this.served += 1;
    this.parser.begin(method, maxResponseBytes);
    // Corked, head and body leave in one call of the system and no buffer is copied.
    socket.cork();
    socket.write(head, 'latin1');
    for (const part of body) if (part.length > 0) socket.write(part);
    socket.uncork();
  }

  private read(bytes: Buffer, length: number): void {
    const { exchange, parser } = this;
    if (exchange === undefined) return this.lose(); // an answer to nothing
    const used = parser.read(bytes, length);
    switch (parser.progress) {
      case 'incomplete':
        return;
      case 'complete':
        return this.finish(exchange, parser.persists && used === length);
      case 'too_large':
        this.exchange = undefined;
        return exchange.onTooLarge();
      case 'invalid':
        return this.fail(new InvalidResponse(parser.refusal));
    }
  }

  private finish(exchange: Exchange, persists: boolean): void {
    this.exchange = undefined;
    // An answer may come before the request was taken: nothing else can be written behind its rest.
    this.fit = persists && this.socket!.writableLength === 0 && this.keptForMs() > 0;
    exchange.onAnswer(this.parser);
  }

  /** The receiver sends no more. What it says by that depends on where it stopped. */
  private end(): void {
    const { exchange, parser } = this;
    if (exchange === undefined) return this.lose();
    parser.end();
    if (parser.progress === 'complete') return this.finish(exchange, false);
    this.fail(
      parser.status === 0
        ? new ConnectionEnded('the receiver closed the connection without an answer')
        : new InvalidResponse('the body is shorter than announced'),
    );
  }

  private fail(error: Error): void {
    const { exchange } = this;
    if (exchange === undefined) return this.lose();
    this.exchange = undefined;
    exchange.onError(error, this.served > 1 && !this.parser.begun);
  }

  private lose(): void {
    this.fit = false;
    this.onLost(this);
  }

  private keptForMs(): number {
    const { keepAliveS } = this.parser;
    if (keepAliveS === undefined) return this.keepAliveTimeoutMs;
    return Math.min(this.keepAliveTimeoutMs, keepAliveS * 1_000 - KEEP_ALIVE_MARGIN_MS);
  }

  private awaitIdleEnd(nowMs: number): void {
    this.timerEndsAtMs = this.idleUntilMs;
    this.idleTimer = setTimeout(expireIdle, Math.ceil(this.idleUntilMs - nowMs), this).unref();
  }

  /** @internal for its timer */
  onIdleTimer(): void {
    this.idleTimer = undefined;
    if (this.exchange !== undefined) return; // its next rest starts another
    const nowMs = performance.now();
    if (this.isOverdue(nowMs)) this.lose();
    else this.awaitIdleEnd(nowMs);
  }
}

function expireIdle(connection: Connection): void {
  connection.onIdleTimer();
}
