import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { EmbeddedPostgresError, explainFileError } from './embedded-postgres-error.js';

/**
 * Makes this process the only one of ours that runs a server on the data folder, so that a second `npm start`
 * does not take a living sibling's Postgres for an orphan. A lock left by a dead process is taken over.
 *
 * @param file lock file beside the data folder
 * @returns gives the folder up
 * @throws EmbeddedPostgresError FOLDER_IN_USE while another living process (or another server in this one) has it
 */
export async function ownFolder(file: string, dataDir: string): Promise<() => Promise<void>> {
  const mine = JSON.stringify({ pid: process.pid, born: await bornAt(process.pid) });
  for (;;) {
    try {
      await writeFile(file, mine, { flag: 'wx', mode: 0o600 });
      return () => rm(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw explainFileError(error, file);
    }
    const held = await readFile(file, 'utf8').catch(() => undefined);
    if (held === undefined) continue; // just given up
    const owner = parseOwner(held);
    if (owner !== undefined && (await isSameProcess(owner))) {
      throw new EmbeddedPostgresError(
        'FOLDER_IN_USE',
        `Process ${owner.pid} already runs Tickwire's Postgres on ${dataDir}. Stop it first, or choose another data folder.`,
      );
    }
    await removeStale(file, held);
  }
}

interface Owner {
  pid: number;
  born: string;
}

function parseOwner(text: string): Owner | undefined {
  try {
    const owner = JSON.parse(text) as Owner;
    return Number.isSafeInteger(owner.pid) ? owner : undefined;
  } catch {
    return undefined; // cut short by a full disk or a crash
  }
}

async function isSameProcess(owner: Owner): Promise<boolean> {
  return isAlive(owner.pid) && owner.born === (await bornAt(owner.pid));
}

/** Two starters may judge the same lock stale: whoever moved a fresh lock away by mistake puts it back. */
async function removeStale(file: string, judged: string): Promise<void> {
  const aside = `${file}.${process.pid}`;
  try {
    await rename(file, aside);
  } catch {
    return; // somebody was faster
  }
  if ((await readFile(aside, 'utf8')) !== judged) await link(aside, file).catch(() => undefined);
  await rm(aside, { force: true });
}

/** @returns whether a process with this id exists, ours or another user's */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Tells a process from a later one with the same id. Linux only; elsewhere the id alone has to do. */
async function bornAt(pid: number): Promise<string> {
  const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // Field 22, counted after the name: that stands in parentheses and may hold spaces.
  return line.slice(line.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}
