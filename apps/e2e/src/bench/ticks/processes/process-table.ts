import { readFile, readdir } from 'node:fs/promises';

/** A process as `/proc` tells it; times in clock ticks. */
export interface ProcessEntry {
  parent: number;
  used: number;
  /** Of children that have ended and were waited for. */
  ofEnded: number;
}

/** All processes of the machine by their pid. @throws Error where there is no `/proc` */
export async function readProcesses(): Promise<Map<number, ProcessEntry>> {
  const processes = new Map<number, ProcessEntry>();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const text = await readFile(`/proc/${name}/stat`, 'latin1').catch(() => undefined); // it may have just ended
    if (text !== undefined) processes.set(Number(name), parseStat(text));
  }
  return processes;
}

function parseStat(text: string): ProcessEntry {
  // The name before it may hold spaces and brackets.
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  return { parent: fields[1]!, used: fields[11]! + fields[12]!, ofEnded: fields[13]! + fields[14]! };
}
