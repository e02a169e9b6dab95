import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const PREFIX = 'tickwire-test-postgres-';

/** Makes the folder of this Jest run. Its name carries our process id, so that a later run can tell it was abandoned. */
export function makeRunFolder() {
  return mkdtempSync(path.join(tmpdir(), `${PREFIX}${process.pid}-`));
}

/** Removes what runs have left that were killed before their teardown. */
export async function sweepAbandoned() {
  for (const name of readdirSync(tmpdir())) {
    const run = name.startsWith(PREFIX) ? /^(\d+)-/.exec(name.slice(PREFIX.length)) : null;
    if (run !== null && !isAlive(Number(run[1]))) await removeRunFolder(path.join(tmpdir(), name));
  }
}

/** Ends the run's Postgres, if it was ever started, and deletes its files. */
export async function removeRunFolder(folder) {
  const pid = postmaster(path.join(folder, 'data'));
  if (pid !== undefined) {
    for (let waited = 0; isAlive(pid) && waited < 10_000; waited += 20) {
      // Immediate shutdown: nobody will read these files again.
      if (waited === 0) process.kill(pid, 'SIGQUIT');
      await sleep(20);
    }
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

/** @returns the process id, unless another process has it by now */
function postmaster(dataDir) {
  try {
    const pid = Number(readFileSync(path.join(dataDir, 'postmaster.pid'), 'utf8').split('\n')[0]);
    const name = process.platform === 'linux' ? readFileSync(`/proc/${pid}/comm`, 'utf8').trim() : 'postgres';
    return name === 'postgres' && isAlive(pid) ? pid : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
