import { WorkerProcess } from '../workers/worker-process.js';
import type { DoorLoadPlan, DoorLoadResult, Stretch } from './load/door-load.js';
import type { Door, DoorSystem } from './processes/door-system.js';

export type Subject = 'ingress' | 'bare';

/** What a door did in one measured stretch. */
export interface MeasuredStretch extends DoorLoadResult {
  /** Processor time of its process meanwhile, µs. */
  cpuUs: number;
}

export interface DoorBench {
  system: DoorSystem;
  connections: number;
  warmUpSeconds: number;
}

let runs = 0;

/** As fast as the door answers, on all connections at once. */
export function measureSaturated(bench: DoorBench, subject: Subject, seconds: number): Promise<MeasuredStretch> {
  return withLoad(bench, subject, { seconds }, (load, door) => spent(door, () => load.run()));
}

/** Of ours, with arrivals by the clock. */
export function measureAtRate(bench: DoorBench, ratePerSecond: number, seconds: number): Promise<MeasuredStretch> {
  return withLoad(bench, 'ingress', { seconds, ratePerSecond }, (load, door) => spent(door, () => load.run()));
}

/** Saturates ours once more while it records its own profile; what that costs stays out of the figures. */
export async function profileSaturated(bench: DoorBench, file: string, seconds: number): Promise<void> {
  await withLoad(bench, 'ingress', { seconds }, (load, door) => door.process.profiled(file, () => load.run()));
}

/** The warm-up runs as the measured stretch does, on the same connections. */
async function withLoad<T>(
  { system, connections, warmUpSeconds }: DoorBench,
  subject: Subject,
  stretch: Stretch,
  measured: (load: WorkerProcess<'door-load'>, door: Door) => Promise<T>,
): Promise<T> {
  const door = system[subject];
  const plan: DoorLoadPlan = {
    run: `i${Date.now().toString(36)}x${(runs += 1)}`,
    url: door.url,
    senders: system.senders,
    connections,
    stretches: [{ ...stretch, seconds: warmUpSeconds }, stretch],
    repeating: subject === 'bare',
  };
  const load = await WorkerProcess.start('door-load', plan);
  try {
    await load.run();
    return await measured(load, door);
  } finally {
    await load.stop();
  }
}

async function spent({ process }: Door, work: () => Promise<DoorLoadResult>): Promise<MeasuredStretch> {
  const beforeUs = await process.cpuUs();
  const result = await work();
  return { ...result, cpuUs: (await process.cpuUs()) - beforeUs };
}
