import net from 'node:net';
import type { Socket } from 'node:net';
import tls from 'node:tls';
import { AddressBlocked } from './address-guard.js';
import type { AddressGuard } from './address-guard.js';

export interface ConnectSettings {
  /** From the name lookup to the end of the TLS handshake. */
  connectTimeoutMs: number;
  /** PEM certificates to trust instead of the built-in ones: a private authority, or a test's. */
  ca?: string | Buffer | (string | Buffer)[];
}

/** Where to: the parts of a URL, except that the name of the host has no brackets. */
export type Endpoint = Pick<URL, 'protocol' | 'hostname' | 'port'>;

type ConnectCallback = (...result: [error: null, socket: Socket] | [error: Error, socket: null]) => void;

/** @param bytes of which the first `length` have come; they are overwritten as soon as this returns */
type BytesListener = (bytes: Buffer, length: number) => void;

/**
 * Opens a connection; the socket is at hand while it is still connecting, so that giving up can close it. Nobody is
 * called back then. Errors after the connect are left to whoever listens for them, and crash nothing.
 */
export type Connect = (to: Endpoint, callback: ConnectCallback, onBytes?: BytesListener) => Socket | undefined;

/** Neither an address nor the handshake came to an end within the time for connecting. */
export class ConnectTimeout extends Error {
  readonly code = 'CONNECT_TIMEOUT';

  constructor(hostname: string, options?: ErrorOptions) {
    super(`no connection to ${hostname} in time`, options);
  }
}

const KEEP_ALIVE_PROBE_AFTER_MS = 60_000;
/** What one TLS record holds. */
const TLS_HIGH_WATER_MARK = 16_384;
const MAX_TLS_SESSIONS = 100;
/** All plain sockets are read into this: the loop reads one at a time, and its listener is done before the next. */
const received = Buffer.allocUnsafeSlow(65_536);

/**
 * Connects to addresses that the guard has checked, anew for each connection. Host header and TLS server name stay
 * those of the URL, so the certificate is checked against the name although the address is pinned.
 *
 * @throws Error if `ca` cannot be read
 */
export function guardedConnect(guard: AddressGuard, { connectTimeoutMs, ca }: ConnectSettings): Connect {
  const openTls = tlsOpener(ca);
  return (to, callback, onBytes) => {
    const { hostname } = to;
    // Node skips `lookup` for literals, so they are judged here.
    if (net.isIP(hostname) !== 0 && !guard.checkAddress(hostname).ok) {
      queueMicrotask(() => callback(new AddressBlocked(hostname), null));
      return undefined;
    }
    const isTls = to.protocol === 'https:';
    const target = {
      host: hostname,
      port: to.port === '' ? (isTls ? 443 : 80) : Number(to.port),
      lookup: guard.lookup,
      autoSelectFamily: true, // several addresses: the next one is tried when one does not answer
    };
    const socket = isTls ? openTls(target, onBytes) : openPlain(target, onBytes);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_PROBE_AFTER_MS);
    whenConnected(socket, isTls ? 'secureConnect' : 'connect', connectTimeoutMs, hostname, callback);
    return socket;
  };
}

type Target = net.TcpNetConnectOpts & { host: string };

function openPlain(target: Target, onBytes: BytesListener | undefined): Socket {
  if (onBytes === undefined) return net.connect(target);
  const callback = (length: number): boolean => {
    onBytes(received, length);
    return true; // go on reading
  };
  return net.connect({ ...target, onread: { buffer: received, callback } });
}

/** One for all connections: it remembers TLS sessions, which makes reconnecting cheap. */
function tlsOpener(ca: ConnectSettings['ca']): typeof openPlain {
  /** By name and port, since a resumed session is not checked against the name again. The oldest leave first. */
  const sessions = new Map<string, Buffer>();
  let secureContext = ca === undefined ? undefined : tls.createSecureContext({ ca });
  return (target, onBytes) => {
    const key = `${target.host}:${target.port}`;
    secureContext ??= tls.createSecureContext(); // once: it holds every authority that Node trusts
    const socket = tls.connect({
      ...target,
      servername: net.isIP(target.host) === 0 ? target.host : '', // RFC 6066: no literals
      ALPNProtocols: ['http/1.1'],
      session: sessions.get(key),
      secureContext,
      highWaterMark: TLS_HIGH_WATER_MARK,
    } as tls.ConnectionOptions); // `autoSelectFamily` and `highWaterMark` are missing in the types
    socket.on('session', (session) => {
      sessions.delete(key);
      sessions.set(key, session);
      if (sessions.size > MAX_TLS_SESSIONS) sessions.delete(sessions.keys().next().value!);
    });
    if (onBytes) socket.on('data', (bytes: Buffer) => onBytes(bytes, bytes.length));
    return socket;
  };
}

function whenConnected(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  timeoutMs: number,
  hostname: string,
  callback: ConnectCallback,
): void {
  const timer = setTimeout(() => socket.destroy(new ConnectTimeout(hostname)), timeoutMs).unref();
  let isOver = false;
  const finish = (error: Error | null): void => {
    if (isOver) return;
    isOver = true;
    clearTimeout(timer);
    if (error) callback(error, null);
    else callback(null, socket);
  };
  socket.once(event, () => finish(null));
  socket.on('error', (error) => finish(isTimeoutOfOne(error) ? new ConnectTimeout(hostname, { cause: error }) : error));
  socket.once('close', () => clearTimeout(timer));
}

/** Of several addresses that were tried in vain, one did not answer: whichever clock ended it, that is a timeout. */
function isTimeoutOfOne(error: Error): boolean {
  return (
    error instanceof AggregateError && error.errors.some((each: NodeJS.ErrnoException) => each.code === 'ETIMEDOUT')
  );
}
