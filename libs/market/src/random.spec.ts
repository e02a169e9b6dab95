import { RandomSource } from './random.js';

const numbers = (source: RandomSource, stream: string, key: string, tick: number): number[] => {
  const draws = source.draws(stream, key, tick);
  return Array.from({ length: 4 }, () => draws.uint32());
};

describe('RandomSource', () => {
  it('gives the same numbers for the same seed, stream, key and tick, in whatever order they are asked for', () => {
    const one = new RandomSource('s');
    const other = new RandomSource('s');
    numbers(other, 'price', 'B', 1);
    expect(numbers(other, 'price', 'A', 7)).toEqual(numbers(one, 'price', 'A', 7));
  });

  it('gives other numbers where any of the four differs', () => {
    const source = new RandomSource('s');
    const all = [
      numbers(source, 'price', 'A', 1),
      numbers(source, 'crowd', 'A', 1),
      numbers(source, 'price', 'B', 1),
      numbers(source, 'price', 'A', 2),
      numbers(source, 'price', 'A', 2 + 2 ** 32),
      numbers(new RandomSource('t'), 'price', 'A', 1),
    ];
    expect(new Set(all.flat()).size).toBe(24);
  });

  it('is uniform, normal and fat-tailed where it says so, across ticks as well as within one', () => {
    const source = new RandomSource('moments');
    const units: number[] = [];
    const normals: number[] = [];
    const fat: number[] = [];
    for (let tick = 0; tick < 40_000; tick += 1) {
      const draws = source.draws('x', 'y', tick);
      units.push(draws.unit());
      normals.push(draws.normal());
      fat.push(draws.fatTailed());
    }
    const moment = (values: number[], power: number): number =>
      values.reduce((sum, value) => sum + value ** power, 0) / values.length;
    expect(moment(units, 1)).toBeCloseTo(0.5, 1);
    expect(moment(units, 2)).toBeCloseTo(1 / 3, 1);
    expect(Math.abs(moment(normals, 1))).toBeLessThan(0.03);
    expect(Math.abs(moment(normals, 2) - 1)).toBeLessThan(0.03);
    expect(Math.abs(moment(normals, 4) - 3)).toBeLessThan(0.2);
    expect(Math.abs(moment(fat, 2) - 1)).toBeLessThan(0.06);
    expect(moment(fat, 4)).toBeGreaterThan(4);
  });

  it('pins its first numbers, because every recorded world depends on them', () => {
    expect(numbers(new RandomSource('pin'), 'price', 'A', 1)).toEqual([
      840_245_281, 1_410_427_222, 2_103_448_191, 140_599_351,
    ]);
  });
});
