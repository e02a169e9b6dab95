import fc from 'fast-check';
import { WaitingLine } from './waiting-line.js';

describe('WaitingLine', () => {
  it('gives back what came first, like an array, at every length', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -2_000, max: 3_000 }), { maxLength: 12 }), (moves) => {
        const line = new WaitingLine<number>();
        const array: number[] = [];
        let next = 0;
        for (const move of moves) {
          for (let i = 0; i < move; i += 1) {
            line.push(next);
            array.push(next);
            next += 1;
          }
          for (let i = 0; i > move; i -= 1) if (line.shift() !== array.shift()) throw new Error('out of order');
          expect(line.length).toBe(array.length);
        }
      }),
      { numRuns: 30 },
    );
  });
});
