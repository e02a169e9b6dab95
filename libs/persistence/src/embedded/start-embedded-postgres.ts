import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import {
  SUPERUSER,
  besideFolder,
  folderArguments,
  folderPassword,
  initialiseFolder,
  makeFolder,
} from './data-folder.js';
import { EmbeddedPostgresError, explainFileError, explainServerOutput } from './embedded-postgres-error.js';
import { ownFolder } from './folder-owner.js';
import { makeLogAhead } from './log-ahead.js';
import { clearOrphan, shutDown } from './orphan.js';
import type { PostgresBinaries, ServerAccount } from './postgres-binaries.js';
import { SERVER_ENV, postgresBinaries, serverAccount } from './postgres-binaries.js';

export interface EmbeddedPostgresOptions {
  /** Where the cluster lives; created when absent. `<dataDir>.password`, `.log` and `.owner` are kept beside it. */
  dataDir: string;
  /** On 127.0.0.1. Default: a free one, another at each start. */
  port?: number;
  /** A sentence per step that may take a while, for the terminal. */
  onProgress?: (message: string) => void;
  /** Called when the server ends without `stop()`: killed, out of memory. Connections fail from then on. */
  onUnexpectedExit?: (error: EmbeddedPostgresError) => void;
  /** Settings on top of ours, e.g. `{ fsync: 'off' }` in a test. */
  settings?: Readonly<Record<string, string>>;
  /** The server goes on when this process exits; the next start on the folder, or a signal, ends it. Default false. */
  outlivesProcess?: boolean;
  /**
   * Of the write-ahead log made together with the cluster, for one that is to take load from its first minute.
   * MB, up to 1024, and as much of the disk; default 0.
   */
  logAheadMb?: number;
  /** How long the server may recover after a crash before the start is given up, ms. Default 120 000. */
  startTimeoutMs?: number;
}

export interface EmbeddedPostgres {
  /** To the database `tickwire`, with the password in it: never log it. */
  connectionString: string;
  /**
   * The same through a socket in the data folder, for processes of this machine: a fifth cheaper for both sides than
   * TCP on loopback. As `connectionString` where the folder's path is too long for a socket's name.
   */
  socketConnectionString: string;
  port: number;
  /** Of the postmaster. */
  pid: number;
  /** Fast shutdown, waited for. May be called again. */
  stop(): Promise<void>;
}

/** A promise of ours rests on the first three: what was committed survives a kill or a power cut. */
const SETTINGS: Readonly<Record<string, string>> = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '.', // the data folder, as the server sees it
  unix_socket_permissions: '0700',
  password_encryption: 'scram-sha-256',
  shared_buffers: '128MB',
  max_connections: '200',
  max_wal_size: '1GB',
  autovacuum: 'on',
  // In small helpings and from small samples: a worker at full speed takes half a processor, and stages wait for it.
  autovacuum_vacuum_cost_delay: '10ms',
  default_statistics_target: '20',
  random_page_cost: '1.1',
  log_checkpoints: 'off',
  cluster_name: 'tickwire',
};
const MEGABYTE = 1_048_576;
const PORT_ATTEMPTS = 5;
/** Backends of a killed postmaster end within moments; until then its shared memory is in use. */
const MEMORY_ATTEMPTS = 50;
const LOG_LIMIT_BYTES = 10_000_000;
/** Of a socket's path, bytes: 103 on macOS, 107 on Linux. */
const LONGEST_SOCKET_PATH = 103;

/**
 * Runs a Postgres of its own for this process: loopback only, password, durable commits. The first start creates the
 * cluster (about 2 s), later ones take about 0.1 s. A server that outlived a killed parent is shut down first.
 * When the process exits without `stop()`, the server is told to shut down; no signal handler is installed.
 *
 * @throws EmbeddedPostgresError with a sentence that says what to do
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const dataDir = path.resolve(options.dataDir);
  const progress = options.onProgress ?? (() => undefined);
  await makeFolder(dataDir);
  const release = await ownFolder(besideFolder(dataDir).owner, dataDir);
  try {
    const account = await serverAccount(dataDir);
    const binaries = await postgresBinaries(account);
    const orphan = await clearOrphan(dataDir);
    if (orphan !== undefined) progress(`Shut down Postgres (process ${orphan}), left over by an earlier run`);
    const durable = options.settings?.['fsync'] !== 'off';
    progress('Starting Postgres');
    const isNew = await initialiseFolder(dataDir, binaries, account, { durable });
    if (isNew) progress(`Created a database in ${dataDir}`);
    const password = await folderPassword(dataDir, binaries, account);
    const { logAheadMb = 0 } = options;
    const settings = { ...(logAheadMb > 0 ? { min_wal_size: `${logAheadMb}MB` } : {}), ...options.settings };
    const server = await launch({ ...options, settings, dataDir, binaries, account, password });
    const postgres = running(server, { ...options, dataDir, password, release });
    if (isNew && logAheadMb > 0) await prepareLog(postgres, { ...options, dataDir, logAheadMb });
    return postgres;
  } catch (error) {
    await release();
    throw error;
  }
}

async function prepareLog(
  postgres: EmbeddedPostgres,
  options: EmbeddedPostgresOptions & { logAheadMb: number },
): Promise<void> {
  try {
    const bytes = await makeLogAhead(postgres.connectionString, options.dataDir, options.logAheadMb * MEGABYTE);
    options.onProgress?.(
      bytes > 0
        ? `Made ${options.logAheadMb} MB of its write-ahead log`
        : 'Left its write-ahead log small: the disk has little space',
    );
  } catch (error) {
    await postgres.stop().catch(() => undefined);
    throw error;
  }
}

interface Launch extends EmbeddedPostgresOptions {
  binaries: PostgresBinaries;
  account: ServerAccount | undefined;
  password: string;
}

interface Server {
  child: ChildProcess;
  port: number;
  /** Set as soon as the process has ended. */
  ended: { how?: string };
}

/** Starts the postmaster and waits until it answers; tries again where the reason passes. */
async function launch(options: Launch): Promise<Server> {
  let portsTried = 0;
  for (let attempt = 1; ; attempt += 1) {
    const port = options.port ?? (await freePort());
    const log = await openLog(options.dataDir);
    const server = spawnServer(options, port, log.fd);
    await log.close();
    try {
      await answers(server, options);
      return server;
    } catch (error) {
      const byItself = server.ended.how !== undefined;
      if (!byItself) await shutDown(server.child.pid as number, options.dataDir);
      // Nothing in the log: the program could not even be run.
      const output = (await logSince(options.dataDir, log.size)) || (server.ended.how ?? '');
      const explained = byItself ? explainServerOutput(output, { ...options, port }) : error;
      if (explained instanceof EmbeddedPostgresError && explained.code === 'PORT_TAKEN' && options.port === undefined) {
        if ((portsTried += 1) < PORT_ATTEMPTS) continue;
      }
      if (/pre-existing shared memory block/.test(output) && attempt < MEMORY_ATTEMPTS) {
        await sleep(100);
        continue;
      }
      throw explained;
    }
  }
}

function spawnServer(options: Launch, port: number, log: number): Server {
  const { pgdata, cwd } = folderArguments(options.dataDir, options.account);
  const settings = Object.entries({ ...SETTINGS, ...options.settings, port: String(port) });
  const flags = settings.flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = spawn(options.binaries.postgres, ['-D', pgdata, ...flags], {
    ...options.account,
    cwd,
    env: SERVER_ENV,
    // A file, not a pipe: an orphan must be able to go on writing.
    stdio: ['ignore', log, log],
    // Its own session: Ctrl-C in the terminal is for us, and we stop the server after everything that needs it.
    detached: true,
  });
  const ended: Server['ended'] = {};
  child.on('error', (error) => (ended.how = error.message));
  child.on('exit', (code, signal) => (ended.how = signal ?? `exit code ${code}`));
  return { child, port, ended };
}

/** Resolves once a query was answered and the database `tickwire` exists. Rejects when the server ends or time is up. */
async function answers(server: Server, options: Launch): Promise<void> {
  const timeoutMs = options.startTimeoutMs ?? 120_000;
  const startedAt = performance.now();
  let told = false;
  let lastError: unknown;
  for (;;) {
    if (server.ended.how !== undefined) throw new Error(server.ended.how);
    const waitedMs = performance.now() - startedAt;
    if (waitedMs > timeoutMs) throw startTimedOut(options.dataDir, timeoutMs, lastError);
    if (!told && waitedMs > 2_000) {
      told = true;
      options.onProgress?.('Postgres is recovering from its write-ahead log');
    }
    // Until then the port may be somebody else's.
    if (!(await declaresReady(options.dataDir, server.child.pid))) {
      await sleep(10);
      continue;
    }
    const client = new pg.Client({
      connectionString: connectionStringTo('postgres', server.port, options.password),
      connectionTimeoutMillis: 2_000,
    });
    client.on('error', () => undefined);
    try {
      await client.connect();
      const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [SUPERUSER]);
      if (rowCount === 0) await client.query(`CREATE DATABASE "${SUPERUSER}"`);
      return;
    } catch (error) {
      const code = (error as { code?: string }).code;
      if (code === '28P01' || code === '28000') throw passwordRefused(options.dataDir, error);
      if (code === '53100') throw explainFileError({ code: 'ENOSPC' }, options.dataDir);
      lastError = error;
      await sleep(20);
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}

/** The postmaster writes its state into its pid file: our process, and `ready` once it has recovered. */
async function declaresReady(dataDir: string, pid: number | undefined): Promise<boolean> {
  const lines = (await readFile(path.join(dataDir, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
  return Number(lines[0]) === pid && lines[7]?.trim() === 'ready';
}

function startTimedOut(dataDir: string, timeoutMs: number, cause: unknown): EmbeddedPostgresError {
  const { log } = besideFolder(dataDir);
  return new EmbeddedPostgresError(
    'START_FAILED',
    `The embedded Postgres on ${dataDir} did not answer within ${timeoutMs} ms; see ${log}.`,
    { cause },
  );
}

function running(
  server: Server,
  options: EmbeddedPostgresOptions & { password: string; release: () => Promise<void> },
): EmbeddedPostgres {
  const { child, port } = server;
  const pid = child.pid as number;
  let stopped: Promise<void> | undefined;
  const lastWish = (): void => void child.kill('SIGINT'); // synchronous: all that an exiting process can still do
  if (options.outlivesProcess !== true) process.once('exit', lastWish);
  child.once('exit', (code, signal) => {
    process.off('exit', lastWish);
    if (stopped !== undefined) return;
    const how = signal ?? `exit code ${code}`;
    const { log } = besideFolder(options.dataDir);
    options.onUnexpectedExit?.(
      new EmbeddedPostgresError(
        'START_FAILED',
        `The embedded Postgres (process ${pid}) ended by itself (${how}); see ${log}.`,
      ),
    );
  });
  child.unref(); // the server alone keeps no process alive
  return {
    connectionString: connectionStringTo(SUPERUSER, port, options.password),
    socketConnectionString: connectionStringTo(SUPERUSER, port, options.password, socketFolder(options.dataDir, port)),
    port,
    pid,
    stop: () =>
      (stopped ??= (async () => {
        if (server.ended.how === undefined) await shutDown(pid, options.dataDir);
        process.off('exit', lastWish);
        await options.release();
      })()),
  };
}

function connectionStringTo(database: string, port: number, password: string, host = '127.0.0.1'): string {
  return `postgresql://${SUPERUSER}:${password}@${encodeURIComponent(host)}:${port}/${database}`;
}

/** The folder of the server's socket, if the system can name a socket there. */
function socketFolder(dataDir: string, port: number): string | undefined {
  return Buffer.byteLength(`${dataDir}/.s.PGSQL.${port}`) <= LONGEST_SOCKET_PATH ? dataDir : undefined;
}

function passwordRefused(dataDir: string, cause: unknown): EmbeddedPostgresError {
  const { password } = besideFolder(dataDir);
  return new EmbeddedPostgresError(
    'START_FAILED',
    `The password in ${password} is not the one of ${dataDir}. Delete that file: the next start sets a new one.`,
    { cause },
  );
}

/** A free port, as the system sees it now; somebody else may take it before Postgres does. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** Opens the log for appending, emptied when it has grown too long. @returns also its size: what comes after is this start's */
async function openLog(dataDir: string): Promise<{ fd: number; size: number; close(): Promise<void> }> {
  const file = besideFolder(dataDir).log;
  try {
    const handle = await open(file, 'a', 0o600);
    let { size } = await handle.stat();
    if (size > LOG_LIMIT_BYTES) {
      await handle.truncate(0);
      size = 0;
    }
    return { fd: handle.fd, size, close: () => handle.close() };
  } catch (error) {
    throw explainFileError(error, file);
  }
}

async function logSince(dataDir: string, position: number): Promise<string> {
  const handle = await open(besideFolder(dataDir).log, 'r');
  try {
    const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(8_192), position });
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await handle.close();
  }
}
