import { ServerResponse, type IncomingMessage, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { ProblemError } from '@tickwire/problem-details';
import type { FastifyInstance } from 'fastify';

/** What the client names to be answered with, because a browser drops a connection whose protocols are all ignored. */
export const SOCKET_PROTOCOL = 'tickwire.v1';
const KEY_PROTOCOL = /^tw_agent_/;
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;
const CHALLENGE = /^[+/0-9A-Za-z]{22}==$/;
const VERSIONS: readonly (string | undefined)[] = ['13', '8'];

/** A connection whose client wants to go on with WebSocket. */
export interface Upgrade {
  socket: Socket;
  /** What came behind the request. */
  head: Buffer;
  response: ServerResponse;
}

const upgrades = new WeakMap<IncomingMessage, Upgrade>();

/**
 * Sends requests for an upgrade through the app's routes like any other, so that they meet the same gate, guard and
 * filters, and are refused with the same problem documents; the route that accepts asks for {@link upgradeOf}.
 * Only WebSocket is offered: who asks for something else (Java's client asks for `h2c` each time) is answered as if it
 * had not, and so is who asks anywhere but at a socket's path.
 */
export function routeUpgrades(fastify: FastifyInstance): void {
  const server = fastify.server as Server & { shouldUpgradeCallback?: (request: IncomingMessage) => boolean };
  server.shouldUpgradeCallback = asksForSocket;
  server.on('upgrade', (request: IncomingMessage, duplex, head: Buffer) => {
    const socket = duplex as Socket;
    // Node has taken its own listener away.
    socket.on('error', () => socket.destroy());
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.once('finish', () => {
      response.detachSocket(socket);
      socket.destroySoon();
    });
    for (const protocol of offeredProtocols(request)) {
      // The guard reads headers; a browser cannot set the one that it looks for.
      if (KEY_PROTOCOL.test(protocol)) request.rawHeaders.push('X-API-Key', protocol);
    }
    upgrades.set(request, { socket, head, response });
    fastify.routing(request, response);
  });
}

/** @returns undefined for a request that asks for no upgrade */
export function upgradeOf(request: IncomingMessage): Upgrade | undefined {
  return upgrades.get(request);
}

/** @throws ProblemError BAD_REQUEST where the handshake is not WebSocket's (RFC 6455, 4.2.1) */
export function requireHandshake(request: IncomingMessage): void {
  const { 'sec-websocket-key': challenge, 'sec-websocket-version': version } = request.headers;
  if (!VERSIONS.includes(version)) {
    throw new ProblemError('BAD_REQUEST', 'This version of WebSocket is not spoken here.', {
      headers: { 'sec-websocket-version': '13, 8' },
    });
  }
  if (challenge === undefined || !CHALLENGE.test(challenge)) {
    throw new ProblemError('BAD_REQUEST', 'Sec-WebSocket-Key has to be 16 bytes in base64.');
  }
  const offered = offeredProtocols(request);
  const listed = request.headers['sec-websocket-protocol'] !== undefined;
  if ((listed && !offered.every((name) => TOKEN.test(name))) || new Set(offered).size < offered.length) {
    throw new ProblemError('BAD_REQUEST', 'Sec-WebSocket-Protocol has to be a list of different tokens.');
  }
}

function asksForSocket({ method, url = '', headers }: IncomingMessage): boolean {
  return method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket' && /\/socket$/.test(url.split('?')[0]!);
}

function offeredProtocols({ headers }: IncomingMessage): string[] {
  return headers['sec-websocket-protocol']?.split(',').map((name) => name.trim()) ?? [];
}
