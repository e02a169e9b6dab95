import { TransientError } from '@tickwire/errors';

/** SQLSTATE classes: connection, resources (memory, disk, connections), system. */
const CLASSES = new Set(['08', '53', '58']);
/** Single SQLSTATEs where the same transaction may well succeed later. */
const STATES = new Set([
  '40001', // serialization failure
  '40P01', // deadlock
  '55P03', // lock not available
  '57014', // canceled: statement timeout
  '57P01', // admin shutdown
  '57P02', // crash shutdown
  '57P03', // cannot connect now: starting up, recovering
  '57P05', // idle session timeout
  '25006', // read-only: connected to a standby during a failover
  '25P03', // idle-in-transaction timeout
  '25P04', // transaction timeout
]);
const NETWORK = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'ETIMEDOUT',
  'EPIPE',
]);
/** Prisma's own: unreachable, timed out, closed, pool exhausted, write conflict. */
const PRISMA = new Set(['P1001', 'P1002', 'P1008', 'P1017', 'P2024', 'P2028', 'P2034']);
/** `pg` gives these no code. */
const MESSAGES = [
  /^Connection terminated/,
  /^timeout exceeded when trying to connect/,
  /^Client has encountered a connection error/,
  /^Client was closed and is not queryable/,
  /^Query read timeout/,
];
/** What Prisma's driver adapter wraps, by kind. */
const ADAPTER_KINDS = new Set([
  'DatabaseNotReachable',
  'ConnectionClosed',
  'SocketTimeout',
  'TooManyConnections',
  'TransactionWriteConflict',
]);

/**
 * Whether the database, not the statement, is at fault: the same transaction may succeed later, and this one may
 * or may not have been committed. Understands errors of `pg`, Prisma and Node's sockets, wrapped or not.
 */
export function isConnectionError(error: unknown): boolean {
  for (let at: unknown = error, depth = 0; typeof at === 'object' && at !== null && depth < 5; depth += 1) {
    const { code, originalCode, kind, message, cause, errors } = at as Record<string, unknown>;
    if (isKnownCode(code) || isKnownCode(originalCode) || ADAPTER_KINDS.has(String(kind))) return true;
    if (typeof message === 'string' && MESSAGES.some((pattern) => pattern.test(message))) return true;
    // Node tries each address of a host name and collects the failures.
    if (Array.isArray(errors) && errors.length > 0 && errors.every(isConnectionError)) return true;
    at = cause;
  }
  return false;
}

/** Infrastructure errors as `TransientError` (the original is its `cause`); everything else as it came. */
export function toTransient(error: unknown): unknown {
  if (TransientError.is(error) || !isConnectionError(error)) return error;
  const { message, code } = error as { message?: string; code?: string };
  return new TransientError(`Database: ${message || code || 'not reachable'}`, { cause: error });
}

function isKnownCode(code: unknown): boolean {
  if (typeof code !== 'string') return false;
  if (NETWORK.has(code) || STATES.has(code) || PRISMA.has(code)) return true;
  return /^[0-9A-Z]{5}$/.test(code) && CLASSES.has(code.slice(0, 2));
}
