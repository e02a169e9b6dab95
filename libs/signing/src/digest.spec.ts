import fc from 'fast-check';
import { digestsEqual } from './index.js';

describe('digestsEqual', () => {
  it('agrees with a comparison of the bytes, also where the lengths differ', () => {
    const bytes = fc.uint8Array({ maxLength: 4, max: 3 });
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        expect(digestsEqual(a, b)).toBe(Buffer.compare(a, b) === 0);
        expect(digestsEqual(a, Uint8Array.from(a))).toBe(true);
      }),
    );
  });
});
