import { isIP } from 'node:net';
import type { Socket } from 'node:net';
import { buildConnector } from 'undici';
import { AddressBlocked } from './address-guard.js';
import type { AddressGuard } from './address-guard.js';

export interface ConnectSettings {
  /** From the name lookup to the end of the TLS handshake. */
  connectTimeoutMs: number;
  /** PEM certificates to trust instead of the built-in ones: a private authority, or a test's. */
  ca?: string | Buffer | (string | Buffer)[];
}

/** Opens a connection; the socket is at hand while it is still connecting, so that giving up can close it. */
export type Connect = (options: buildConnector.Options, callback: buildConnector.Callback) => Socket | undefined;

/**
 * Connects to addresses that the guard has checked, anew for each connection. Host header and TLS server name stay
 * those of the URL, so the certificate is checked against the name although the address is pinned.
 */
export function guardedConnect(guard: AddressGuard, { connectTimeoutMs, ca }: ConnectSettings): Connect {
  // One connector for all connections: it remembers TLS sessions, which makes reconnecting cheap.
  const connect = buildConnector({
    allowH2: false,
    timeout: connectTimeoutMs,
    lookup: guard.lookup,
    autoSelectFamily: true, // several addresses: the next one is tried when one does not answer
    ...(ca === undefined ? {} : { ca }),
  } as buildConnector.BuildOptions);
  return (options, callback) => {
    // Node skips `lookup` for literals, so they are judged here.
    if (isIP(options.hostname) !== 0 && !guard.checkAddress(options.hostname).ok) {
      queueMicrotask(() => callback(new AddressBlocked(options.hostname), null));
      return undefined;
    }
    return connect(options, callback) as unknown as Socket; // declared void, returns its socket
  };
}
