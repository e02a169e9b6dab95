import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { readProcesses } from './process-table.js';

const run = promisify(execFile);

/**
 * Gives what is measured a processor of its own, as a container with one has, and all other processes of the bench the rest:
 * ours writes to a database that else takes from it what its peers, which write to none, have.
 */
export class Processors {
  private constructor(
    private readonly all: readonly number[],
    private readonly bench: number,
  ) {}

  /** @param bench a process: it and all its descendants. @returns undefined where there is one processor, or no `taskset` */
  static async of(bench: number): Promise<Processors | undefined> {
    try {
      await run('taskset', ['--version']);
      const all = parseProcessors(await readFile(`/proc/${bench}/status`, 'latin1'));
      return all.length > 1 ? new Processors(all, bench) : undefined;
    } catch {
      return undefined;
    }
  }

  /** @param subjects processes, of which one is measured at a time; what they start later stays with them */
  async setApart(subjects: readonly number[]): Promise<void> {
    const [own, ...others] = this.all as [number, ...number[]];
    for (const pid of await familyOf(this.bench)) await assign(pid, subjects.includes(pid) ? [own] : others);
  }

  /** All may use all of them again. */
  async share(): Promise<void> {
    for (const pid of await familyOf(this.bench)) await assign(pid, this.all);
  }
}

/** @param status of a process, as in `/proc`. @returns the numbers of the processors that it may use */
export function parseProcessors(status: string): number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? '';
  return list.split(',').flatMap((range) => {
    const [first, last = first] = range.split('-').map(Number) as [number, number?];
    return Array.from({ length: last! - first + 1 }, (_, nth) => first + nth);
  });
}

/** With all its threads. One that has just ended needs none. */
async function assign(pid: number, processors: readonly number[]): Promise<void> {
  await run('taskset', ['-a', '-c', '-p', processors.join(','), String(pid)]).catch(() => undefined);
}

/** A process and all its descendants. */
async function familyOf(root: number): Promise<number[]> {
  const processes = await readProcesses();
  const family = [root];
  for (let at = 0; at < family.length; at += 1)
    for (const [pid, { parent }] of processes) if (parent === family[at]) family.push(pid);
  return family;
}
