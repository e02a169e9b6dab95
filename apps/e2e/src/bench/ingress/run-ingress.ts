import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { CpuProfile } from '../profile/busy-time.js';
import type { Output } from '../run-bench.js';
import { measureAtRate, measureSaturated, profileSaturated, type DoorBench, type MeasuredStretch } from './measure.js';
import type { IngressOptions } from './options.js';
import { startDoorSystem } from './processes/door-system.js';
import { renderShares, sharesOf } from './profile/profile-shares.js';
import {
  cpuPerSignal,
  figuresOf,
  ingressLine,
  perSecond,
  refusals,
  renderFigures,
  type IngressFigures,
} from './report.js';

/** Runs the bench from start to end; what it started is stopped again, whatever happens. */
export async function runIngress(options: IngressOptions, output: Output, stopped: AbortSignal): Promise<void> {
  const folder = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'tickwire-bench-')));
  const figures: IngressFigures[] = [];
  try {
    for (const log of options.logs) {
      // Of the log that the last line speaks of.
      const profile = log === options.logs.at(-1) ? options.profile : undefined;
      figures.push(await runOn(log, join(folder, log), { ...options, profile }, output, stopped));
    }
  } finally {
    if (options.dataDir === undefined) await rm(folder, { recursive: true, force: true });
  }
  output.print(renderFigures(figures));
  output.print(JSON.stringify(ingressLine(figures)));
}

async function runOn(
  log: 'kafka' | 'postgres',
  folder: string,
  { accounts, connections, rounds, seconds, warmUpSeconds, profile }: IngressOptions,
  output: Output,
  stopped: AbortSignal,
): Promise<IngressFigures> {
  const say = (line: string): void => output.progress(`${log}: ${line}`);
  say('starting');
  const system = await startDoorSystem(log, folder, accounts, say);
  try {
    const bench: DoorBench = { system, connections, warmUpSeconds };
    const measured = { bare: [] as MeasuredStretch[], ingress: [] as MeasuredStretch[] };
    // In turns, so that what the machine does meanwhile meets both.
    for (let round = 1; round <= rounds; round += 1) {
      for (const subject of ['bare', 'ingress'] as const) {
        stopped.throwIfAborted();
        const stretch = await measureSaturated(bench, subject, seconds / rounds);
        measured[subject].push(stretch);
        say(`round ${round}/${rounds} ${subject.padEnd(7)} ${sentence(stretch)}`);
      }
    }
    stopped.throwIfAborted();
    const rate = Math.max(1, Math.round(perSecond(measured.ingress) / 2));
    const atHalf = await measureAtRate(bench, rate, seconds);
    const figures = figuresOf({ log, ...measured, atHalf, rate });
    say(`at ${rate}/s p50 ${figures.p50Ms.toFixed(1)} p99 ${figures.p99Ms.toFixed(1)} ms, ${sentence(atHalf)}`);
    if (profile !== undefined) {
      const file = resolve(profile);
      await profileSaturated(bench, file, seconds / rounds);
      say(`profile in ${file}; its parts, of the time that the main thread was busy:`);
      for (const line of renderShares(sharesOf(JSON.parse(await readFile(file, 'utf8')) as CpuProfile)).split('\n'))
        say(line);
    }
    return figures;
  } finally {
    say('stopping');
    await system.stop();
  }
}

function sentence(stretch: MeasuredStretch): string {
  const busy = stretch.cpuUs / 1e6 / stretch.seconds;
  return (
    `${cpuPerSignal([stretch]).toFixed(1)} us of CPU a signal, ${perSecond([stretch]).toFixed(0)} accepted/s, ` +
    `${busy.toFixed(2)} processors busy, ${refusals(stretch.refused)} refused`
  );
}
