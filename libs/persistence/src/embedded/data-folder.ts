import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  EmbeddedPostgresError,
  explainFileError,
  explainServerOutput,
  otherVersion,
} from './embedded-postgres-error.js';
import type { PostgresBinaries, ServerAccount } from './postgres-binaries.js';
import { run } from './postgres-binaries.js';

/** The only account of the embedded server, and the database it offers. */
export const SUPERUSER = 'tickwire';

/** Loopback with a password, nothing else: other users of the machine share 127.0.0.1 with us. */
const HOST_RULES = 'host all all 127.0.0.1/32 scram-sha-256\nlocal all all scram-sha-256\n';

/** Files beside the data folder; inside it they would belong to the server. */
export function besideFolder(dataDir: string): { password: string; log: string; owner: string; unfinished: string } {
  return {
    password: `${dataDir}.password`,
    log: `${dataDir}.log`,
    owner: `${dataDir}.owner`,
    unfinished: `${dataDir}.unfinished`,
  };
}

/**
 * How the server is told its folder, and in which working directory it is spawned. Started by root it runs as another
 * user, who may not be allowed to pass the folders above (root's home, a private temporary folder). The working
 * directory is entered before the change of user, and `/proc/self/cwd` leads there without passing them.
 */
export function folderArguments(dataDir: string, account: ServerAccount | undefined): { pgdata: string; cwd: string } {
  const closedAbove = account !== undefined && process.platform === 'linux';
  return { pgdata: closedAbove ? '/proc/self/cwd' : dataDir, cwd: dataDir };
}

/**
 * Creates the cluster unless it is there: UTF8, C locale, page checksums. An initialisation that was cut short
 * (killed, full disk) is started over.
 *
 * @returns whether it was created now
 * @throws EmbeddedPostgresError with a sentence for people
 */
export async function initialiseFolder(
  dataDir: string,
  binaries: PostgresBinaries,
  account: ServerAccount | undefined,
  options: { durable: boolean },
): Promise<boolean> {
  const { unfinished } = besideFolder(dataDir);
  const cutShort = await exists(unfinished);
  if (!cutShort && (await checkExisting(dataDir, binaries))) {
    await writeHostRules(dataDir); // of today, also for a cluster of an earlier version
    return false;
  }
  try {
    await writeFile(unfinished, '', { mode: 0o600 });
    if (cutShort) for (const name of await readdir(dataDir)) await rm(path.join(dataDir, name), { recursive: true });
    await chmod(dataDir, 0o700);
    if (account !== undefined) await chown(dataDir, account.uid, account.gid);
  } catch (error) {
    throw explainFileError(error, dataDir);
  }
  const { pgdata, cwd } = folderArguments(dataDir, account);
  const flags = ['--encoding=UTF8', '--locale=C', '--auth=trust', '--data-checksums', '--no-instructions'];
  const { code, output } = await run(
    binaries.initdb,
    ['-D', pgdata, '-U', SUPERUSER, ...flags, ...(options.durable ? [] : ['--no-sync'])],
    { ...account, cwd },
  );
  if (code !== 0) throw explainServerOutput(output, { dataDir });
  await writeHostRules(dataDir);
  try {
    await rm(besideFolder(dataDir).password, { force: true }); // of an earlier cluster
    await rm(unfinished);
  } catch (error) {
    throw explainFileError(error, dataDir);
  }
  return true;
}

async function writeHostRules(dataDir: string): Promise<void> {
  const file = path.join(dataDir, 'pg_hba.conf');
  try {
    await writeFile(file, HOST_RULES); // keeps its owner
  } catch (error) {
    throw explainFileError(error, file);
  }
}

/**
 * The superuser's password. Where its file is missing (a new cluster, a lost file) a new one is drawn and set by the
 * server's single-user mode, which needs none; the server must be down.
 */
export async function folderPassword(
  dataDir: string,
  binaries: PostgresBinaries,
  account: ServerAccount | undefined,
): Promise<string> {
  const file = besideFolder(dataDir).password;
  try {
    const kept = (await readFile(file, 'utf8')).trim();
    if (kept !== '') return kept;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw explainFileError(error, file);
  }
  const password = randomBytes(24).toString('hex');
  const { pgdata, cwd } = folderArguments(dataDir, account);
  const { code, output } = await run(binaries.postgres, ['--single', '-D', pgdata, 'postgres'], {
    ...account,
    cwd,
    input: `ALTER ROLE ${SUPERUSER} PASSWORD '${password}';\n`,
  });
  if (code !== 0 || /\b(ERROR|FATAL|PANIC):/.test(output)) throw explainServerOutput(output, { dataDir });
  // Written last: without the file the next start sets a new one.
  await writeFile(file, `${password}\n`, { mode: 0o600 }).catch((error: unknown) => {
    throw explainFileError(error, file);
  });
  return password;
}

/** Makes the folder and those above it. */
export async function makeFolder(dataDir: string): Promise<void> {
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    await writeFile(`${dataDir}.probe`, ''); // the files beside the folder need write access too
    await rm(`${dataDir}.probe`);
  } catch (error) {
    throw explainFileError(error, dataDir);
  }
}

/** @returns whether a cluster of our version is there; false for an empty folder */
async function checkExisting(dataDir: string, binaries: PostgresBinaries): Promise<boolean> {
  const names = await readdir(dataDir).catch((error: unknown) => {
    throw explainFileError(error, dataDir);
  });
  if (names.length === 0) return false;
  const version = await readFile(path.join(dataDir, 'PG_VERSION'), 'utf8').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw explainFileError(error, dataDir);
  });
  if (version === undefined) {
    throw new EmbeddedPostgresError(
      'FOLDER_NOT_A_DATABASE',
      `${dataDir} is not empty and holds no Postgres database. Choose an empty or new folder; nothing in it was touched.`,
    );
  }
  if (version.trim() !== binaries.major) throw otherVersion(dataDir, version.trim(), binaries.major);
  const owner = (await stat(dataDir)).uid;
  const me = process.getuid?.();
  if (me !== undefined && me !== 0 && owner !== me) {
    throw new EmbeddedPostgresError(
      'FOLDER_NOT_USABLE',
      `${dataDir} belongs to another user (id ${owner}). Start Tickwire as that user, or choose another data folder.`,
    );
  }
  return true;
}

async function exists(file: string): Promise<boolean> {
  return (await stat(file).catch(() => undefined)) !== undefined;
}
