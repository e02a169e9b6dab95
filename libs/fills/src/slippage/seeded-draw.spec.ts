import fc from 'fast-check';
import { fnv1a64, seededDraw, splitMix64 } from './seeded-draw.js';

describe('seededDraw', () => {
  it('depends on its arguments alone and stays below its bound', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.string(),
        fc.nat(),
        fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
        (runSeed, orderId, index, below) => {
          const draw = seededDraw({ runSeed, orderId }, index, below);
          expect(draw).toBe(seededDraw({ runSeed, orderId }, index, below));
          expect(Number.isSafeInteger(draw) && draw >= 0 && draw < below).toBe(true);
        },
      ),
    );
  });

  it('differs by run, by order and by draw', () => {
    const draws = [
      seededDraw({ runSeed: 'run', orderId: 'order' }, 0, 2 ** 50),
      seededDraw({ runSeed: 'run', orderId: 'order' }, 1, 2 ** 50),
      seededDraw({ runSeed: 'run', orderId: 'other' }, 0, 2 ** 50),
      seededDraw({ runSeed: 'another', orderId: 'order' }, 0, 2 ** 50),
      seededDraw({ runSeed: 'runo', orderId: 'rder' }, 0, 2 ** 50),
    ];
    expect(new Set(draws).size).toBe(draws.length);
  });

  it('reaches every value about equally often', () => {
    const counts = new Array<number>(10).fill(0);
    for (let order = 0; order < 10_000; order += 1) {
      const draw = seededDraw({ runSeed: 'spread', orderId: `order-${order}` }, 0, 10);
      counts[draw] = (counts[draw] ?? 0) + 1;
    }
    // The seed is fixed, so this cannot fail by chance: 1,000 expected, standard deviation 30.
    for (const count of counts) expect(Math.abs(count - 1_000)).toBeLessThan(120);
  });

  it('throws on a bound or an index that is no such integer', () => {
    const seed = { runSeed: 'run', orderId: 'order' };
    for (const below of [0, -1, 1.5, 2 ** 53]) expect(() => seededDraw(seed, 0, below)).toThrow('below');
    for (const index of [-1, 0.5]) expect(() => seededDraw(seed, index, 10)).toThrow('index');
  });
});

describe('the parts of a draw', () => {
  it('are FNV-1a', () => {
    expect(fnv1a64('')).toBe(0xcbf29ce484222325n);
    expect(fnv1a64('a')).toBe(0xaf63dc4c8601ec8cn);
    expect(fnv1a64('foobar')).toBe(0x85944171f73967e8n);
  });

  it('are SplitMix64', () => {
    expect(splitMix64(0n, 0n)).toBe(0xe220a8397b1dcdafn);
    expect([0n, 1n, 2n].map((index) => splitMix64(1234567n, index))).toEqual([
      6457827717110365317n,
      3203168211198807973n,
      9817491932198370423n,
    ]);
  });
});
