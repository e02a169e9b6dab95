/** The seed of this night: NIGHTLY_SEED, which `npm run nightly` prints and sets. */
export const SEED = Number(process.env['NIGHTLY_SEED'] ?? 1);

/** Numbers in [0, 1), the same for the same seed and purpose (mulberry32). */
export function randomOf(purpose: string): () => number {
  let state = SEED;
  for (const letter of purpose) state = (Math.imul(state, 31) + letter.charCodeAt(0)) | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A whole number from `from` to `to`, both included. */
export function wholeBetween(random: () => number, from: number, to: number): number {
  return from + Math.floor(random() * (to - from + 1));
}
