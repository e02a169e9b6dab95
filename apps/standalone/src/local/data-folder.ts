import { accessSync, constants, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export class DataFolderBusy extends Error {
  constructor(dataDir: string, pid: number) {
    super(
      `${dataDir} is in use by a running Tickwire (process ${pid}). Stop it first, or choose another folder: npm start -- --data-dir DIR`,
    );
  }
}

/**
 * Makes the data folder and marks it as ours.
 * @returns gives it back
 * @throws DataFolderBusy while another process has it; Error with a sentence when it cannot be written
 */
export function claimDataFolder(dataDir: string): () => void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    accessSync(dataDir, constants.W_OK);
  } catch {
    throw new Error(
      `${dataDir} cannot be written. Change its permissions, or choose another folder: npm start -- --data-dir DIR`,
    );
  }
  const file = path.join(dataDir, 'owner.pid');
  const pid = Number(readOr(file, '0'));
  if (pid > 0 && pid !== process.pid && isTickwire(pid)) throw new DataFolderBusy(dataDir, pid);
  writeFileSync(file, String(process.pid));
  return () => rmSync(file, { force: true });
}

/** A pid file may outlive its process, and the number may be somebody else's by now. */
function isTickwire(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const command = readOr(`/proc/${pid}/cmdline`, 'standalone');
  return command.includes('standalone');
}

function readOr(file: string, otherwise: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return otherwise;
  }
}
