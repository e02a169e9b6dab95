import fc from 'fast-check';
import { isoTime } from './iso-time.js';

it('writes each instant as Date does, whatever was asked before', () => {
  const instant = fc.integer({ min: 0, max: 4_102_444_800_000 });
  fc.assert(
    fc.property(fc.array(fc.oneof(instant, fc.constantFrom(0, 1))), (instants) => {
      expect(instants.map(isoTime)).toEqual(instants.map((ms) => new Date(ms).toISOString()));
    }),
  );
});

it('refuses what is no instant, also the second time', () => {
  expect(isoTime(1)).toBe('1970-01-01T00:00:00.001Z');
  for (let i = 0; i < 2; i += 1) expect(() => isoTime(NaN)).toThrow(RangeError);
  expect(isoTime(1)).toBe('1970-01-01T00:00:00.001Z');
});
