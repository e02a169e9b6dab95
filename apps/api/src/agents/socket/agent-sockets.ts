import { Inject, Injectable } from '@nestjs/common';
import type { Queryable } from '@tickwire/event-log';
import { ProblemError } from '@tickwire/problem-details';
import type { AppHost } from '@tickwire/runtime';
import { WebSocketServer, type ServerOptions, type WebSocket } from 'ws';
import type { ApiConfig } from '../../api.config.js';
import { CONFIG, HOST } from '../../tokens.js';
import { AgentSocket, type AttachedAgent } from './agent-socket.js';
import { Audience, WATCHED_TOPICS } from './audience.js';
import { CLOSE, type CloseReason } from './close-codes.js';
import { encodeFrame } from './frames.js';
import { LiveReader } from './live-reader.js';
import { SocketMetrics } from './socket-metrics.js';
import { SOCKET_PROTOCOL, type Upgrade } from './upgrades.js';
import { standingOf } from './vouched-keys.js';

/** Nothing is expected from a client but pings and pongs, which are at most 125 bytes. */
const MOST_PAYLOAD_BYTES = 1_024;
/** For the peer's answer to a close, ms. */
const CLOSE_TIMEOUT_MS = 2_000;
/** Keys and subscription are looked at this often: what is revoked is over within two seconds. */
const LOOK_MS = 1_000;
/** A replica that cannot ask about keys for so long tells nobody anything any more, ms. */
const MOST_UNVOUCHED_MS = 30_000;
const LINGER_MS = 2_000;
const PATIENCE_MS = 10_000;
const FULL_RETRY_MS = 10_000;

/** `closeTimeout` is missing from the published types. */
const SERVER_OPTIONS: ServerOptions & { closeTimeout: number } = {
  noServer: true,
  clientTracking: false,
  maxPayload: MOST_PAYLOAD_BYTES,
  closeTimeout: CLOSE_TIMEOUT_MS,
  autoPong: false, // by the socket, which looks at its backlog first
  perMessageDeflate: false, // a context a connection would cost more memory than its backlog, and a bomb could be sent
  handleProtocols: (offered) => (offered.has(SOCKET_PROTOCOL) ? SOCKET_PROTOCOL : false),
};

/** A place among the open sockets, taken before the connection is upgraded. */
export interface Place {
  readonly agentId: string;
  /** Idempotent. */
  free(): void;
}

/** The open WebSocket connections of agents in this process: how many there may be, and what keeps them alive or ends them. */
@Injectable()
export class AgentSockets {
  private readonly server = new WebSocketServer(SERVER_OPTIONS);
  private readonly places = new Map<string, number>();
  private placesTaken = 0;
  private readonly open = new Set<AgentSocket>();
  private readonly audience: Audience;
  private readonly reader: LiveReader;
  private readonly metrics: SocketMetrics;
  private timers: NodeJS.Timeout[] = [];
  private isClosed = false;
  private isAsking = false;
  private vouchedAt = 0;
  private whenEmpty: () => void = () => undefined;

  constructor(
    @Inject(HOST) private readonly host: AppHost,
    @Inject(CONFIG) private readonly config: ApiConfig,
  ) {
    this.audience = new Audience(host.now, host.logger);
    this.metrics = new SocketMetrics(host.management.registry);
    this.reader = new LiveReader(host.log, host.logger, {
      topics: WATCHED_TOPICS,
      handle: (records) => this.audience.tell(records),
      lingerMs: LINGER_MS,
      patienceMs: PATIENCE_MS,
    });
  }

  /** @throws ProblemError RATE_LIMITED when the agent has as many as it may, UNAVAILABLE when this process has, SHUTTING_DOWN */
  take(agentId: string): Place {
    if (this.isClosed) throw new ProblemError('SHUTTING_DOWN', 'Connect again.', { retryAfterMs: CLOSE_TIMEOUT_MS });
    const { AGENT_SOCKETS, AGENT_SOCKETS_PER_AGENT } = this.config;
    const own = this.places.get(agentId) ?? 0;
    if (own >= AGENT_SOCKETS_PER_AGENT) {
      const detail = `An agent may have ${AGENT_SOCKETS_PER_AGENT} sockets open.`;
      throw new ProblemError('RATE_LIMITED', detail, { retryAfterMs: FULL_RETRY_MS });
    }
    if (this.placesTaken >= AGENT_SOCKETS) {
      throw new ProblemError('UNAVAILABLE', 'This instance has no socket left.', { retryAfterMs: FULL_RETRY_MS });
    }
    this.places.set(agentId, own + 1);
    this.placesTaken += 1;
    let isTaken = true;
    return {
      agentId,
      free: () => {
        if (!isTaken) return;
        isTaken = false;
        this.free(agentId);
      },
    };
  }

  /** Answers the upgrade. The place is freed when the connection ends. */
  accept(place: Place, agent: AttachedAgent, { socket, head, response }: Upgrade): void {
    socket.once('close', () => place.free());
    response.detachSocket(socket);
    if (this.isClosed || socket.destroyed) {
      socket.destroy();
      place.free();
      return;
    }
    this.server.handleUpgrade(response.req, socket, head, (webSocket) => this.attach(agent, webSocket));
  }

  /** Ends all of them; those that do not answer within two seconds are cut off. Nobody is let in afterwards. */
  async close(): Promise<void> {
    this.isClosed = true;
    this.closeAll(CLOSE.stopping);
    if (this.open.size > 0) await new Promise<void>((resolve) => (this.whenEmpty = resolve));
    await this.reader.close();
  }

  private attach(agent: AttachedAgent, webSocket: WebSocket): void {
    const socket = new AgentSocket(agent, webSocket, this.config.AGENT_SOCKET_BUFFER_BYTES, this.metrics);
    if (this.open.size === 0) this.startTimers();
    this.open.add(socket);
    this.metrics.opened();
    webSocket.once('close', () => this.detach(socket));
    void this.greet(socket);
  }

  private async greet(socket: AgentSocket): Promise<void> {
    await this.reader.start();
    if (socket.over) return;
    const { agentId, worldId } = socket.agent;
    const heartbeatSeconds = this.config.AGENT_SOCKET_HEARTBEAT_SECONDS;
    socket.send('hello', encodeFrame({ type: 'hello', agentId, worldId, heartbeatSeconds }));
    this.audience.add(socket);
  }

  private detach(socket: AgentSocket): void {
    this.open.delete(socket);
    this.audience.remove(socket);
    this.metrics.closed();
    if (this.open.size > 0) return;
    for (const timer of this.timers.splice(0)) clearInterval(timer);
    this.reader.stop();
    this.whenEmpty();
  }

  private free(agentId: string): void {
    const left = this.places.get(agentId)! - 1;
    if (left === 0) this.places.delete(agentId);
    else this.places.set(agentId, left);
    this.placesTaken -= 1;
  }

  private startTimers(): void {
    this.vouchedAt = performance.now();
    this.timers = [
      setInterval(() => {
        for (const socket of this.open) socket.beat();
      }, this.config.AGENT_SOCKET_HEARTBEAT_SECONDS * 1_000),
      setInterval(() => {
        this.reader.look();
        if (performance.now() - this.vouchedAt > MOST_UNVOUCHED_MS) this.closeAll(CLOSE.unvouched);
        void this.askAboutKeys();
      }, LOOK_MS),
    ];
    for (const timer of this.timers) timer.unref();
  }

  private async askAboutKeys(): Promise<void> {
    if (this.isAsking || this.open.size === 0) return;
    this.isAsking = true;
    const asked = [...this.open];
    try {
      const keyIds = [...new Set(asked.map(({ agent }) => agent.keyId))];
      const standings = await standingOf(this.host.pool as unknown as Queryable, keyIds);
      this.vouchedAt = performance.now();
      for (const socket of asked) {
        const standing = standings.get(socket.agent.keyId);
        if (standing === 'key-void') socket.close(CLOSE.keyVoid);
        if (standing === 'agent-not-active') socket.close(CLOSE.notActive);
      }
    } catch (error) {
      this.host.logger.warn({ err: error }, 'the keys of open sockets could not be checked; trying again');
    } finally {
      this.isAsking = false;
    }
  }

  private closeAll(why: CloseReason): void {
    for (const socket of this.open) socket.close(why);
  }
}
