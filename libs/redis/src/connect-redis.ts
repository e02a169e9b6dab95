import { Redis } from 'ioredis';

/** After the time of so many unanswered commands the connection is replaced. */
const SILENT_COMMANDS = 4;
/** How long a disconnect waits for the server's side; the client holds the process open meanwhile. */
const DISCONNECT_MS = 200;
const RECONNECT_STEP_MS = 50;
const MAX_RECONNECT_MS = 1_000;

/**
 * Connects to Redis for work that a sender waits for: a command fails at once without a connection, and after
 * `commandTimeoutMs` without an answer; nothing is queued or sent twice behind the caller's back. It reconnects by
 * itself, for ever.
 * @param onError told of every lost connection, for the log; without a listener the client would print it
 */
export function connectRedis(url: string, commandTimeoutMs: number, onError: (error: Error) => void): Redis {
  const redis = new Redis(url, {
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: commandTimeoutMs,
    // A connection whose other end has vanished would let every command run into its timeout until TCP gives up.
    socketTimeout: commandTimeoutMs * SILENT_COMMANDS,
    connectTimeout: Math.max(commandTimeoutMs, 1_000),
    disconnectTimeout: DISCONNECT_MS,
    retryStrategy: (attempt) => Math.min(attempt * RECONNECT_STEP_MS, MAX_RECONNECT_MS),
  });
  redis.on('error', onError);
  return redis;
}
