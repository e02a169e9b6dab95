import net from 'node:net';
import tls from 'node:tls';
import kafkajs, { type ISocketFactory, type Kafka, type LogEntry, type RetryOptions, type SASLOptions } from 'kafkajs';
import type { LogSink } from '../port.js';
import './kafkajs-hazards.js';

/** Where the brokers are and how to reach them. */
export interface KafkaNetwork {
  /** `host:port` each. */
  brokers: readonly string[];
  /** Names this process in the brokers' logs, quotas and group descriptions. */
  clientId: string;
  ssl?: tls.ConnectionOptions | boolean;
  sasl?: SASLOptions;
  /** Opens the sockets; replaced by tests that stand between client and broker. */
  socketFactory?: ISocketFactory;
  log: LogSink;
}

/** A kafkajs client that can be cut off, so that nothing it has begun reaches a broker later. */
export interface KafkaClient {
  readonly kafka: Kafka;
  /** Destroys its sockets and refuses new ones: pending requests fail at once, retries inside kafkajs go nowhere. */
  sever(): void;
}

const KEEP_ALIVE_MS = 60_000;

const openSocket: ISocketFactory = ({ host, port, ssl, onConnect }) => {
  // An address is not a server name for TLS.
  const servername = net.isIP(host) === 0 ? { servername: host } : {};
  const socket = ssl
    ? tls.connect({ host, port, ...servername, ...ssl }, onConnect)
    : net.connect({ host, port }, onConnect);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  socket.setNoDelay(true);
  return socket;
};

/** Retries inside kafkajs are few and short: what outlasts them is retried by us, on a new client. */
export const CLIENT_RETRY: RetryOptions = {
  initialRetryTime: 100,
  maxRetryTime: 400,
  retries: 2,
  factor: 0.2,
  multiplier: 2,
};

/**
 * @param requestTimeoutMs a request without an answer for this long fails; kafkajs allows more for fetches and joins
 */
export function openClient(network: KafkaNetwork, requestTimeoutMs: number): KafkaClient {
  const sockets = new Set<net.Socket>();
  let severed = false;
  const open = network.socketFactory ?? openSocket;
  const socketFactory: ISocketFactory = (options) => {
    if (severed) throw new Error('This client has been cut off');
    const socket = open(options);
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    return socket;
  };
  const kafka = new kafkajs.Kafka({
    brokers: [...network.brokers],
    clientId: network.clientId,
    ssl: network.ssl,
    sasl: network.sasl,
    connectionTimeout: 1_000,
    authenticationTimeout: 5_000,
    requestTimeout: requestTimeoutMs,
    retry: CLIENT_RETRY,
    socketFactory,
    logLevel: kafkajs.logLevel.WARN,
    logCreator: () => (entry) => {
      if (!severed) forward(entry, network.log);
    },
  });
  return {
    kafka,
    sever() {
      severed = true;
      // With an error, because kafkajs fails its pending requests only then.
      for (const socket of sockets) socket.destroy(new Error('cut off'));
    },
  };
}

/** Normal in the life of a client: a coordinator that loads after a start, a member that joins, the retries we limit on purpose. */
const NORMAL =
  /coordinator is (loading|not available)|group is rebalancing|rebalanc(e|ing)|Limiting retries for the idempotent producer|member needs to have a valid member id/i;

/** A broker that is away makes kafkajs say the same many times a second: each text once in this time, with a count. */
const REPEAT_MS = 10_000;
const told = new WeakMap<LogSink, Map<string, { at: number; repeated: number }>>();

/** kafkajs' errors are warnings to us: each is retried, or comes back as an error of ours that is logged as one. */
function forward(entry: LogEntry, log: LogSink): void {
  const { message, broker, groupId, error } = entry.log as LogEntry['log'] & Record<string, unknown>;
  const text = typeof error === 'string' ? `${message}: ${error}` : message;
  if (NORMAL.test(text)) return;
  const texts = told.get(log) ?? new Map<string, { at: number; repeated: number }>();
  told.set(log, texts);
  const now = performance.now();
  const last = texts.get(text);
  if (last !== undefined && now - last.at < REPEAT_MS) {
    last.repeated += 1;
    return;
  }
  for (const [other, { at }] of texts) if (now - at >= REPEAT_MS) texts.delete(other);
  texts.set(text, { at: now, repeated: 0 });
  log.warn({ kafkajs: entry.namespace, broker, groupId, ...(last && { repeated: last.repeated }) }, text);
}
