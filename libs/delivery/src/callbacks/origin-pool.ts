import { performance } from 'node:perf_hooks';
import type { Socket } from 'node:net';
import { Client } from 'undici';
import type { Dispatcher } from 'undici';
import type { Connect } from '../addresses/guarded-connector.js';
import { WaitingLine } from '../fairness/waiting-line.js';

export interface PoolSettings {
  connectionsPerOrigin: number;
  keepAliveTimeoutMs: number;
  maxConnectionAgeMs: number;
}

/** One exchange that the pool can put on a connection. */
export interface PooledExchange extends Dispatcher.DispatchHandler {
  readonly options: Dispatcher.DispatchOptions;
  /** Set while the exchange occupies a connection. */
  connection: OriginConnection | undefined;
  /** Ended already, e.g. while it waited: the pool passes over it. */
  readonly settled: boolean;
}

/** Who keeps the pools of all origins. */
export interface PoolOwner {
  /** Nothing is in flight or waiting, connections are kept. May be told again without having been busy. */
  onIdle(pool: OriginPool): void;
  /** The last connection is gone and nothing waits. */
  onEmpty(pool: OriginPool): void;
}

/** A server's hint in `Keep-Alive: timeout=N` counts from its side; ours ends this much earlier. */
const KEEP_ALIVE_MARGIN_MS = 1_000;
const MAX_RESPONSE_HEADER_BYTES = 16_384;
const GIVEN_UP = new Error('given up');
const noop = (): void => undefined;

/** One slot of an origin: at most one socket, at most one exchange on it. */
export class OriginConnection {
  /** Exchanges begun on the present socket. More than none: the receiver may be closing it at this moment. */
  served = 0;
  busy = true;
  private readonly client: Client;
  private readonly openedAtMs = performance.now();
  private socket: Socket | undefined;

  constructor(origin: string, connect: Connect, settings: PoolSettings, pool: OriginPool) {
    this.client = new Client(origin, {
      connect: (options, callback) => {
        this.socket = connect(options, callback);
      },
      allowH2: false,
      pipelining: 1,
      keepAliveTimeout: settings.keepAliveTimeoutMs,
      keepAliveMaxTimeout: settings.keepAliveTimeoutMs,
      keepAliveTimeoutThreshold: KEEP_ALIVE_MARGIN_MS,
      maxHeaderSize: MAX_RESPONSE_HEADER_BYTES,
      // The attempt has one deadline over everything: no second clock here.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    this.client.on('connect', () => (this.served = 0));
    this.client.on('disconnect', () => {
      if (!this.busy) pool.drop(this);
    });
  }

  send(exchange: PooledExchange): void {
    this.busy = true;
    exchange.connection = this;
    this.client.dispatch(exchange.options, exchange);
  }

  ageMs(): number {
    return performance.now() - this.openedAtMs;
  }

  /** Closes the socket in whatever state it is: connecting, in use or idle. */
  destroy(): void {
    this.client.destroy(GIVEN_UP, noop);
    this.socket?.destroy();
  }
}

/**
 * The connections to one origin: reused last in, first out, so that surplus ones fall idle and end.
 * Of our own making, on undici's single-connection client, because a retry needs to know whether a connection was
 * fresh, and a deadline has to close precisely the connection that its exchange is on.
 */
export class OriginPool {
  private readonly connections = new Set<OriginConnection>();
  private idle: OriginConnection[] = [];
  private readonly waiting = new WaitingLine<PooledExchange>();

  constructor(
    readonly origin: string,
    private readonly connect: Connect,
    private readonly settings: PoolSettings,
    private readonly owner: PoolOwner,
  ) {}

  get openConnections(): number {
    return this.connections.size;
  }

  /** Sends on an idle connection, else on a new one, else as soon as one is free. */
  start(exchange: PooledExchange): void {
    const first = this.waiting.length === 0; // a slot that is about to go to the line is not for newcomers
    const connection = first ? (this.idle.pop() ?? (this.hasRoom ? this.open() : undefined)) : undefined;
    if (connection) connection.send(exchange);
    else this.waiting.push(exchange);
  }

  /** Sends again, on a fresh connection in place of the one that failed; does not queue behind others. */
  restart(exchange: PooledExchange, failed: OriginConnection): void {
    this.remove(failed);
    this.open().send(exchange);
  }

  /** The exchange is over and the connection may serve the next. */
  release(connection: OriginConnection): void {
    if (connection.ageMs() > this.settings.maxConnectionAgeMs) {
      this.drop(connection); // a moved name is followed within this age
    } else if (this.waiting.length > 0) {
      // Not from inside the parser's callback, where the last message is not quite over.
      queueMicrotask(() => this.sendNext(connection));
    } else {
      connection.busy = false;
      this.idle.push(connection);
      this.reportRest();
    }
  }

  /** Ends a connection, with whatever is on it. */
  drop(connection: OriginConnection): void {
    if (!this.remove(connection)) return;
    // Later, because an exchange may fail within `send`: a line of such would recurse into here.
    if (this.waiting.length > 0) queueMicrotask(() => this.sendNext(undefined));
    else this.reportRest();
  }

  closeIdle(): void {
    for (const connection of [...this.idle]) this.remove(connection);
    this.reportRest(); // once: on the way there the pool would look like one at rest
  }

  private sendNext(free: OriginConnection | undefined): void {
    for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) {
      if (next.settled) continue;
      return (free ?? this.open()).send(next);
    }
    if (free) this.release(free);
    else this.reportRest();
  }

  private reportRest(): void {
    if (this.waiting.length > 0 || this.idle.length < this.connections.size) return;
    if (this.connections.size === 0) this.owner.onEmpty(this);
    else this.owner.onIdle(this);
  }

  private get hasRoom(): boolean {
    return this.connections.size < this.settings.connectionsPerOrigin;
  }

  private open(): OriginConnection {
    const connection = new OriginConnection(this.origin, this.connect, this.settings, this);
    this.connections.add(connection);
    return connection;
  }

  private remove(connection: OriginConnection): boolean {
    if (!this.connections.delete(connection)) return false;
    if (!connection.busy) this.idle = this.idle.filter((other) => other !== connection);
    connection.busy = true; // its own disconnect must not drop it a second time
    connection.destroy();
    return true;
  }
}
