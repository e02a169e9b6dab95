import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readProcesses } from '../processes/process-table.js';

/** Of `/proc`, on every Linux that Node runs on. */
const TICK_US = 10_000;

/**
 * Processor time of an embedded Postgres with all its processes, those that have ended too.
 * @returns µs; NaN where there is no `/proc`
 */
export async function postgresCpuUs(dataDir: string): Promise<number> {
  try {
    const postmaster = Number((await readFile(join(dataDir, 'postmaster.pid'), 'utf8')).split('\n')[0]);
    const processes = await readProcesses();
    const own = processes.get(postmaster)!;
    let ticks = own.used + own.ofEnded;
    for (const { parent, used, ofEnded } of processes.values()) if (parent === postmaster) ticks += used + ofEnded;
    return ticks * TICK_US;
  } catch {
    return NaN;
  }
}
