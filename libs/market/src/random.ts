import { StateHash, type Digest } from './world/state-hash.js';

/** Normalises Student-t with 6 degrees of freedom (variance 6/4) to variance 1. */
const T6_SCALE = Math.sqrt(4 / 6);

/**
 * Independent streams of randomness for one seed. A stream's numbers at a tick are a function of (seed, stream, key,
 * tick) alone: nothing is carried from tick to tick, and one more agent or company shifts nobody else's numbers.
 */
export class RandomSource {
  private readonly keys = new Map<string, Digest>();

  constructor(private readonly seed: string) {}

  /** @param stream what the numbers are for, e.g. `price`; @param key whose they are, e.g. a symbol */
  draws(stream: string, key: string, tick: number): Draws {
    const name = `${stream}/${key}`;
    let digest = this.keys.get(name);
    if (digest === undefined) {
      digest = new StateHash().text(this.seed).text(stream).text(key).finish();
      this.keys.set(name, digest);
    }
    return new Draws(digest, tick);
  }
}

/**
 * A short run of random numbers (sfc32, started from the stream's key and the tick).
 * Logarithm, sine and the like come from V8's own port of fdlibm, the same bits on every platform Node runs on.
 */
export class Draws {
  private a: number;
  private b: number;
  private c: number;
  private counter: number;

  constructor(key: Digest, tick: number) {
    this.a = key.a | 0;
    this.b = key.b | 0;
    this.c = tick | 0;
    this.counter = (Math.floor(tick / 2 ** 32) + 1) | 0;
    for (let round = 0; round < 15; round += 1) this.uint32();
  }

  uint32(): number {
    const sum = (((this.a + this.b) | 0) + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** Uniform in (0, 1), both ends excluded, so that its logarithm is finite. */
  unit(): number {
    return (this.uint32() + 0.5) / 4_294_967_296;
  }

  /** Uniform integer in 0..below-1. */
  below(below: number): number {
    return Math.floor(this.unit() * below);
  }

  /** Standard normal (Box-Muller, the cosine half). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(this.unit())) * Math.cos(2 * Math.PI * this.unit());
  }

  /** Student-t with 6 degrees of freedom, scaled to variance 1: fat tails. */
  fatTailed(): number {
    const chiSquared = -2 * Math.log(this.unit() * this.unit() * this.unit());
    return (this.normal() / Math.sqrt(chiSquared / 6)) * T6_SCALE;
  }
}
