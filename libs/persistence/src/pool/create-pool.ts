import pg from 'pg';

export interface PoolOptions {
  connectionString: string;
  /** Connections at most. Default 10. */
  max?: number;
  /** Seen in `pg_stat_activity`: the app's name. */
  applicationName: string;
  /** The server cancels a statement after this long. Default: never; set it wherever a user waits. */
  statementTimeoutMs?: number;
  /** The server ends a session that leaves a transaction open this long, so a hung process holds no lock for ever. Default 60 000. */
  idleInTransactionTimeoutMs?: number;
  /** For a fresh connection, and for a free one when all are busy. Default 5 000. */
  connectTimeoutMs?: number;
  /** A connection failed while nobody waited for it; the pool has replaced it already. For a log line. */
  onIdleError?: (error: Error) => void;
}

/** int8 and int8[] */
const INT8 = 20;
const INT8_ARRAY = 1016;

/**
 * A `pg` pool with the timeouts that the library leaves out. int8 columns arrive as numbers: offsets, versions and
 * minor units stay far below 2^53. One that does not fit fails its query instead of losing digits.
 * The caller ends it (`pool.end()`) in `onApplicationShutdown`.
 */
export function createPool(options: PoolOptions): pg.Pool {
  const pool = new pg.Pool({
    connectionString: options.connectionString,
    max: options.max ?? 10,
    application_name: options.applicationName,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 5_000,
    idleTimeoutMillis: 30_000,
    statement_timeout: options.statementTimeoutMs,
    idle_in_transaction_session_timeout: options.idleInTransactionTimeoutMs ?? 60_000,
    // What is sent on one connection before the first answer goes out at once and is answered in order.
    pipeline: true,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    types: { getTypeParser: typeParser as typeof pg.types.getTypeParser },
  });
  // Without listeners, a server restart would end this process: once through the idle connections, ...
  pool.on('error', (error) => options.onIdleError?.(error));
  // ... once through those that are checked out and between two queries. The next query on them fails and tells.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/** @throws RangeError for an int8 beyond 2^53 - 1 */
export function parseInt8(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`int8 ${text} does not fit a number; read it as ::text`);
  return value;
}

function typeParser(oid: number, format?: 'text' | 'binary'): (value: string) => unknown {
  if (format !== 'binary') {
    if (oid === INT8) return parseInt8;
    if (oid === INT8_ARRAY) return parseInt8Array;
  }
  return pg.types.getTypeParser(oid, format as 'text') as (value: string) => unknown;
}

/** One dimension, as SQL sends it: `{1,2,NULL}`. */
function parseInt8Array(text: string): (number | null)[] {
  const inside = text.slice(1, -1);
  if (inside === '') return [];
  return inside.split(',').map((item) => (item === 'NULL' ? null : parseInt8(item)));
}
