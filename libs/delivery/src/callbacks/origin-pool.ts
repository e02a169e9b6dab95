import { performance } from 'node:perf_hooks';
import { bareHost } from '../addresses/address-guard.js';
import type { Connect, Endpoint } from '../addresses/guarded-connector.js';
import { WaitingLine } from '../fairness/waiting-line.js';
import { Connection } from '../http1/connection.js';
import type { Exchange } from '../http1/connection.js';
import { hostLine } from '../http1/request-head.js';

export interface PoolSettings {
  connectionsPerOrigin: number;
  keepAliveTimeoutMs: number;
  maxConnectionAgeMs: number;
}

/** One exchange that the pool can put on a connection. */
export interface PooledExchange extends Exchange {
  /** A moment before the pool gets it. */
  readonly startedAtMs: number;
  /** The one that it was put on last. */
  connection: Connection | undefined;
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

/**
 * The connections to one origin: reused last in, first out, so that surplus ones fall idle and end.
 * A retry needs to know whether a connection was fresh, and a deadline has to close precisely the connection that its
 * exchange is on.
 */
export class OriginPool {
  private readonly connections = new Set<Connection>();
  private readonly idle: Connection[] = [];
  /** That all requests to it have. */
  readonly requestLines: string;
  private readonly endpoint: Endpoint;
  private readonly waiting = new WaitingLine<PooledExchange>();

  constructor(
    readonly origin: string,
    commonLines: string,
    private readonly connect: Connect,
    private readonly settings: PoolSettings,
    private readonly owner: PoolOwner,
  ) {
    const url = new URL(origin);
    this.endpoint = { protocol: url.protocol, hostname: bareHost(url), port: url.port };
    this.requestLines = hostLine(url.host) + commonLines;
  }

  get openConnections(): number {
    return this.connections.size;
  }

  /** Sends on an idle connection, else on a new one, else as soon as one is free. */
  start(exchange: PooledExchange): void {
    const first = this.waiting.length === 0; // a slot that is about to go to the line is not for newcomers
    const connection = first
      ? (this.takeIdle(exchange.startedAtMs) ?? (this.hasRoom ? this.open() : undefined))
      : undefined;
    if (connection) this.put(exchange, connection);
    else this.waiting.push(exchange);
  }

  /** Sends again, on a fresh connection in place of the one that failed; does not queue behind others. */
  restart(exchange: PooledExchange, failed: Connection): void {
    this.remove(failed);
    this.put(exchange, this.open());
  }

  /** The exchange is over, with an answer: the connection may serve the next. */
  release(connection: Connection): void {
    // Not past its age: a moved name is followed within it.
    const nowMs = performance.now();
    if (!connection.isReusable(nowMs, this.settings.maxConnectionAgeMs)) this.drop(connection);
    else if (this.waiting.length > 0) this.sendNext(connection);
    else {
      connection.rest(nowMs);
      this.idle.push(connection);
      this.reportRest();
    }
  }

  /** Ends a connection, with whatever is on it. */
  drop(connection: Connection): void {
    if (!this.remove(connection)) return;
    // Later, because an exchange may fail within `send`: a line of such would recurse into here.
    if (this.waiting.length > 0) queueMicrotask(() => this.sendNext(undefined));
    else this.reportRest();
  }

  closeIdle(): void {
    for (const connection of [...this.idle]) this.remove(connection);
    this.reportRest(); // once: on the way there the pool would look like one at rest
  }

  private sendNext(free: Connection | undefined): void {
    for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) {
      if (next.settled) continue;
      return this.put(next, free ?? this.open());
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

  /** The one that was used last, unless its time has passed while the process was too busy to notice. */
  private takeIdle(nowMs: number): Connection | undefined {
    for (let last = this.idle.pop(); last !== undefined; last = this.idle.pop()) {
      if (!last.isOverdue(nowMs)) return last;
      this.remove(last);
    }
    return undefined;
  }

  private put(exchange: PooledExchange, connection: Connection): void {
    exchange.connection = connection;
    connection.send(exchange);
  }

  private open(): Connection {
    const connection = new Connection(this.endpoint, this.connect, this.settings.keepAliveTimeoutMs, this.onLost);
    this.connections.add(connection);
    return connection;
  }

  private readonly onLost = (connection: Connection): void => this.drop(connection);

  private remove(connection: Connection): boolean {
    if (!this.connections.delete(connection)) return false;
    const index = this.idle.indexOf(connection);
    if (index !== -1) this.idle.splice(index, 1);
    connection.destroy();
    return true;
  }
}
