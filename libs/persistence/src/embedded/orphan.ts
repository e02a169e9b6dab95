import { readFile, readlink, realpath, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EmbeddedPostgresError } from './embedded-postgres-error.js';
import { isAlive } from './folder-owner.js';
import { run } from './postgres-binaries.js';

/** How long a fast shutdown may take: it writes a checkpoint. */
const FAST_SHUTDOWN_MS = 30_000;

/**
 * Leaves no server on the data folder: an orphan of a killed parent is shut down cleanly, the pid file of a dead or
 * foreign process is removed (Postgres itself would refuse to start as long as any process has that id).
 *
 * @returns the orphan's process id, if there was one
 */
export async function clearOrphan(dataDir: string): Promise<number | undefined> {
  const file = path.join(dataDir, 'postmaster.pid');
  const pid = Number((await readFile(file, 'utf8').catch(() => '')).split('\n')[0]);
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  if (!isAlive(pid) || !(await servesFolder(pid, dataDir))) {
    await rm(file, { force: true });
    return undefined;
  }
  await shutDown(pid, dataDir);
  return pid;
}

/**
 * Ends a Postgres: fast shutdown (SIGINT), and if that does not end, immediate shutdown (SIGQUIT), after which the next
 * start recovers from the write-ahead log. Nothing committed is lost either way.
 */
export async function shutDown(pid: number, dataDir: string, patienceMs = FAST_SHUTDOWN_MS): Promise<void> {
  for (const signal of ['SIGINT', 'SIGQUIT'] as const) {
    if (!send(pid, signal)) return;
    const deadline = performance.now() + patienceMs;
    while (performance.now() < deadline) {
      if (!isAlive(pid) || (await isZombie(pid))) return;
      await sleep(20);
    }
  }
  throw new EmbeddedPostgresError(
    'FOLDER_IN_USE',
    `Postgres (process ${pid}) on ${dataDir} does not shut down. End that process by hand and start again.`,
  );
}

function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/** Whether the process is a Postgres that works on this folder. The postmaster's working directory is its data folder. */
async function servesFolder(pid: number, dataDir: string): Promise<boolean> {
  if (process.platform === 'linux') {
    const [name, cwd] = await Promise.all([
      readFile(`/proc/${pid}/comm`, 'utf8').catch(() => ''),
      readlink(`/proc/${pid}/cwd`).catch(() => ''),
    ]);
    return name.trim() === 'postgres' && cwd === (await realpath(dataDir));
  }
  const { output } = await run('/bin/ps', ['-o', 'command=', '-p', String(pid)], {});
  return output.includes('postgres') && output.includes(dataDir);
}

/** In a container without an init process nobody collects the orphan's exit status, and its id stays. */
async function isZombie(pid: number): Promise<boolean> {
  const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return line.slice(line.lastIndexOf(')') + 2).startsWith('Z');
}
