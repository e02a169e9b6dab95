import assert from 'node:assert/strict';

const WORD = 0xffff_ffff_ffff_ffffn;

/** Names one stream of random numbers: the same run and order give the same draws, in any process, in any order. */
export interface DrawSeed {
  /** The run's (world's or account's) recorded seed. */
  runSeed: string;
  orderId: string;
}

/**
 * A uniform integer from 0 to `below` - 1 that depends on its arguments alone. There is no state to carry or to
 * restore: the draw's index takes its place.
 *
 * @param index 0 for the stream's first draw; a safe integer
 * @param below a positive safe integer
 * @throws AssertionError if `index` or `below` is not such an integer
 */
export function seededDraw(seed: DrawSeed, index: number, below: number): number {
  assert(Number.isSafeInteger(index) && index >= 0, 'index must be a non-negative integer');
  assert(Number.isSafeInteger(below) && below > 0, 'below must be a positive integer');
  // The length keeps ('ab', 'c') and ('a', 'bc') apart.
  const stream = fnv1a64(`${seed.runSeed.length}:${seed.runSeed}${seed.orderId}`);
  return Number((splitMix64(stream, BigInt(index)) * BigInt(below)) >> 64n);
}

/** Output number `index` (from 0n) of the SplitMix64 generator that starts at `state`. */
export function splitMix64(state: bigint, index: bigint): bigint {
  let z = (state + (index + 1n) * 0x9e37_79b9_7f4a_7c15n) & WORD;
  z = ((z ^ (z >> 30n)) * 0xbf58_476d_1ce4_e5b9n) & WORD;
  z = ((z ^ (z >> 27n)) * 0x94d0_49bb_1331_11ebn) & WORD;
  return z ^ (z >> 31n);
}

/** The 64-bit FNV-1a hash, a UTF-16 code unit at a time: for ASCII, the usual hash of the bytes. */
export function fnv1a64(text: string): bigint {
  let hash = 0xcbf2_9ce4_8422_2325n;
  for (let i = 0; i < text.length; i += 1) {
    hash = ((hash ^ BigInt(text.charCodeAt(i))) * 0x0000_0100_0000_01b3n) & WORD;
  }
  return hash;
}
