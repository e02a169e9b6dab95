import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface RedisProcess {
  /** `redis://127.0.0.1:<port>` */
  url: string;
  /** Process id, for specs that pause or kill the server. */
  pid: number;
  /** Kills this server and removes its directory. Safe to call again, and after the server has died. */
  stop(): Promise<void>;
}

const HOW_TO_INSTALL = 'no redis-server on the PATH (apt-get install redis-server, or brew install redis)';
const START_ATTEMPTS = 5;
const READY_TIMEOUT_MS = 15_000;
const PROBE_INTERVAL_MS = 25;

/**
 * Starts a real Redis for a spec: free port on 127.0.0.1, nothing kept on disk, its own temporary directory.
 * @returns the running server once it answers; undefined where no `redis-server` is installed, after saying on
 *   stderr that the spec skips
 * @throws Error where none is installed and `TICKWIRE_REQUIRE_ALL=1`, or where it does not come up
 */
export async function startRedis(): Promise<RedisProcess | undefined> {
  const program = findRedisServer();
  if (program === undefined) {
    if (process.env['TICKWIRE_REQUIRE_ALL'] === '1') throw new Error(`TICKWIRE_REQUIRE_ALL=1, but ${HOW_TO_INSTALL}`);
    process.stderr.write(`Redis specs are skipped: ${HOW_TO_INSTALL}\n`);
    return undefined;
  }
  let lastFailure: unknown;
  // The port is free when it is chosen, and may be another process's when Redis binds it.
  for (let attempt = 0; attempt < START_ATTEMPTS; attempt++) {
    try {
      return await startOn(program, await freePort());
    } catch (failure) {
      lastFailure = failure;
    }
  }
  throw new Error('redis-server did not start', { cause: lastFailure });
}

/** @returns the path of the first executable `redis-server` on the PATH */
function findRedisServer(): string | undefined {
  const candidates = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return candidates.map((folder) => join(folder, 'redis-server')).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

async function startOn(program: string, port: number): Promise<RedisProcess> {
  const directory = await mkdtemp(join(tmpdir(), 'tickwire-redis-'));
  const settings = [
    '--bind',
    '127.0.0.1',
    '--port',
    String(port),
    '--dir',
    directory,
    '--save',
    '',
    '--appendonly',
    'no',
  ];
  const server = spawn(program, [...settings, '--daemonize', 'no'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = outputOf(server);
  const exited = new Promise<void>((resolve) => {
    server.once('exit', () => resolve());
    server.once('error', () => resolve());
  });
  const stop = async () => {
    // Nothing is kept, so nothing has to be saved; and a paused server would not see SIGTERM.
    if (server.pid !== undefined && server.exitCode === null && server.signalCode === null) server.kill('SIGKILL');
    await exited;
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await ready(server, port);
    return { url: `redis://127.0.0.1:${port}`, pid: server.pid!, stop };
  } catch (cause) {
    await stop();
    throw new Error(`redis-server on port ${port}: ${output()}`, { cause });
  }
}

/** Keeps the end of what the server says, for the error message. */
function outputOf(server: ChildProcess): () => string {
  let text = '';
  const keep = (chunk: Buffer) => (text = (text + chunk.toString()).slice(-2_000));
  server.stdout?.on('data', keep);
  server.stderr?.on('data', keep);
  return () => text.trim();
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', resolve);
  });
  const { port } = probe.address() as AddressInfo;
  await new Promise<void>((resolve) => probe.close(() => resolve()));
  return port;
}

async function ready(server: ChildProcess, port: number): Promise<void> {
  const deadline = performance.now() + READY_TIMEOUT_MS;
  while (performance.now() < deadline) {
    if (server.pid === undefined || server.exitCode !== null || server.signalCode !== null)
      throw new Error('it exited');
    if ((await pidAnswering(port)) === server.pid) return;
    await sleep(PROBE_INTERVAL_MS);
  }
  throw new Error(`it did not answer within ${READY_TIMEOUT_MS} ms`);
}

/** Asks whoever listens for its process id: an answer alone might come from somebody else's Redis on the same port. */
function pidAnswering(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: 1_000 });
    let answer = '';
    const finish = () => {
      socket.destroy();
      const [, pid] = /process_id:(\d+)/.exec(answer) ?? [];
      resolve(pid === undefined ? undefined : Number(pid));
    };
    socket.once('connect', () => socket.write('INFO server\r\n'));
    socket.on('data', (chunk) => {
      answer += chunk.toString();
      if (answer.includes('process_id:') && answer.includes('uptime_in_seconds:')) finish();
      else if (answer.startsWith('-')) finish();
    });
    socket.once('error', finish);
    socket.once('timeout', finish);
    socket.once('close', finish);
  });
}
