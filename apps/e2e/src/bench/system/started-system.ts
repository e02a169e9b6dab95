import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { BenchSystem, TickwireAddresses } from './bench-system.js';

const ENTRIES = {
  postgres: fileURLToPath(new URL('../../../../standalone/dist/main.js', import.meta.url)),
  kafka: fileURLToPath(new URL('../../../../standalone/dist/kafka-main.js', import.meta.url)),
};
const START_TIMEOUT_MS = 180_000;
const STOP_TIMEOUT_MS = 40_000;
/** The first port and those that a system counts up to from there. */
const PORTS = 24;
const PORT_ATTEMPTS = 50;

/**
 * Starts Tickwire as a user would, in a folder of its own: everything in one process on the embedded log, or a process per
 * app on Kafka and Redis. Resolves when its `dev.json` is there.
 *
 * @throws Error with the end of its output when it ends first or takes too long
 */
export async function startSystem(log: 'kafka' | 'postgres', dataDir: string): Promise<BenchSystem> {
  if (!existsSync(ENTRIES[log])) throw new Error(`${ENTRIES[log]} is not there: npm run build`);
  await mkdir(dataDir, { recursive: true });
  const output = join(dataDir, 'output.log');
  const fd = openSync(output, 'w', 0o600);
  const port = await freePorts();
  const startedAtMs = Date.now();
  // In a process group of its own: Ctrl-C is for the bench, which stops the system in order.
  const child = spawn(process.execPath, [ENTRIES[log], '--data-dir', dataDir, '--port', String(port)], {
    stdio: ['ignore', fd, fd],
    detached: true,
  });
  closeSync(fd);
  const lastWish = (): void => void child.kill('SIGTERM');
  process.once('exit', lastWish);
  const stop = async (): Promise<void> => {
    await end(child);
    process.off('exit', lastWish);
  };
  try {
    const dev = await devFile(join(dataDir, 'dev.json'), child, startedAtMs);
    const postgresUrl = (await readFile(join(dataDir, 'postgres.url'), 'utf8')).trim();
    return { log, postgresUrl, kafkaBrokers: dev.kafkaBrokers, tickwire: dev, stop };
  } catch (error) {
    await stop();
    throw new Error(
      `${(error as Error).message}; the end of ${output}:\n${readFileSync(output, 'utf8').slice(-2_000)}`,
      { cause: error },
    );
  }
}

async function devFile(
  file: string,
  child: ChildProcess,
  startedAtMs: number,
): Promise<TickwireAddresses & { kafkaBrokers?: string[] }> {
  const until = performance.now() + START_TIMEOUT_MS;
  while (!(await writtenSince(file, startedAtMs))) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error('Tickwire ended while it started');
    if (performance.now() > until) throw new Error(`Tickwire was not up after ${START_TIMEOUT_MS / 1_000} s`);
    await sleep(200);
  }
  return JSON.parse(await readFile(file, 'utf8')) as TickwireAddresses & { kafkaBrokers?: string[] };
}

/** A folder that was used before still has the file of that time. */
async function writtenSince(file: string, ms: number): Promise<boolean> {
  const found = await stat(file).catch(() => undefined);
  return found !== undefined && found.mtimeMs >= ms;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  child.kill('SIGTERM');
  await exited;
  clearTimeout(timer);
}

/** @returns the first of a row of ports that nobody listens on now */
async function freePorts(): Promise<number> {
  for (let attempt = 0; attempt < PORT_ATTEMPTS; attempt += 1) {
    const first = 20_000 + Math.floor(Math.random() * 10_000);
    const row = Array.from({ length: PORTS }, (_, index) => first + index);
    if ((await Promise.all(row.map(isFree))).every(Boolean)) return first;
  }
  throw new Error(`No ${PORTS} free ports in a row`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
