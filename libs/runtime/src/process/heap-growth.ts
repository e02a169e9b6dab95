import { setFlagsFromString } from 'node:v8';

/** How much of what lives in the heap may come on top before all of it is marked again. */
const GROWTH_PERCENT = 300;

/**
 * Lets the heap of an app grow further between two full collections. V8 keeps a small heap small: one of 35 MB is marked again
 * after some 15 MB, which is no more than its nursery, and so every second or two, a third of what a stage's process
 * computes. Memory is bounded as before, by `--max-old-space-size`.
 */
export function letHeapGrow(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
}
