import { availableParallelism } from 'node:os';

/** Processors that each process kept busy on average: 1 is one core. */
export interface Busy {
  dispatcher: number;
  /** NaN where it cannot be told. */
  postgres: number;
  receivers: number;
  /** The bench itself: it publishes. */
  publisher: number;
}

/** From here on a process, or the machine, has nothing left to give. */
const FULL = 0.9;

/** What kept a stretch from being faster, as far as processor time tells. */
export function limitOf(busy: Busy, processors = availableParallelism()): string {
  const known = Object.entries(busy).filter(([, cores]) => Number.isFinite(cores));
  const all = known.reduce((sum, [, cores]) => sum + cores, 0);
  const total = `${all.toFixed(2)} of ${processors} processors busy`;
  if (all >= FULL * processors) return `the machine: ${total}`;
  // Postgres is many processes: one core's worth of it says nothing.
  const [fullest] = known.filter(([name]) => name !== 'postgres').toSorted(([, a], [, b]) => b - a);
  if (fullest && fullest[1] >= FULL) return `the thread of the ${fullest[0]}: ${fullest[1].toFixed(2)}; ${total}`;
  return `no processor: ${total}`;
}
