import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Of `/proc`, on every Linux that Node runs on. */
const TICK_US = 10_000;

/**
 * Processor time of an embedded Postgres with all its processes, those that have ended too.
 * @returns µs; NaN where there is no `/proc`
 */
export async function postgresCpuUs(dataDir: string): Promise<number> {
  try {
    const postmaster = Number((await readFile(join(dataDir, 'postmaster.pid'), 'utf8')).split('\n')[0]);
    const own = await statOf(postmaster);
    let ticks = own.used + own.ofEnded;
    for (const name of await readdir('/proc')) {
      if (!/^\d+$/.test(name)) continue;
      const stat = await statOf(Number(name)).catch(() => undefined); // it may have just ended
      if (stat?.parent === postmaster) ticks += stat.used + stat.ofEnded;
    }
    return ticks * TICK_US;
  } catch {
    return NaN;
  }
}

/** In clock ticks. `ofEnded`: of children that were waited for. */
async function statOf(pid: number): Promise<{ parent: number; used: number; ofEnded: number }> {
  const text = await readFile(`/proc/${pid}/stat`, 'latin1');
  // The name before it may hold spaces and brackets.
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  return { parent: fields[1]!, used: fields[11]! + fields[12]!, ofEnded: fields[13]! + fields[14]! };
}
