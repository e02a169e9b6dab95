import { setFlagsFromString } from 'node:v8';

/** How much of what lives in the heap may come on top before all of it is marked again. */
const GROWTH_PERCENT = 300;

export const HEAP_FLAGS = [`--heap-growing-percent=${GROWTH_PERCENT}`, '--no-allocation-site-pretenuring'] as const;

/**
 * Fits V8's heap to an app, in which almost everything lives for one request.
 *
 * It grows further between two full collections. V8 keeps a small heap small: one of 35 MB is marked again after some 15 MB,
 * which is no more than its nursery, and so every second or two, a third of what a stage's process computes. Memory is
 * bounded as before, by `--max-old-space-size`.
 *
 * And nothing begins old. V8 watches which places in the code make objects that outlive a collection, and makes theirs among
 * the old ones from the start; what waits for an answer or an append looks like that. What such an object refers to is then
 * copied as if it lived, until a full collection: 4 to 5 kB for each tick callback.
 */
export function tuneHeap(): void {
  for (const flag of HEAP_FLAGS) setFlagsFromString(flag);
}
