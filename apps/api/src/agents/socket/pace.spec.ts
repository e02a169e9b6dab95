import { Pace } from './pace.js';

it('lets each key through once in the interval', () => {
  const pace = new Pace(100);
  expect([pace.allows('a', 0), pace.allows('a', 99), pace.allows('b', 99)]).toEqual([true, false, true]);
  expect([pace.allows('a', 100), pace.allows('b', 100), pace.allows('b', 199)]).toEqual([true, false, true]);
});

it('lets through again what came to nothing', () => {
  const pace = new Pace(100);
  pace.allows('a', 0);
  pace.forget('a');
  expect(pace.allows('a', 1)).toBe(true);
});
