import { mergePatch } from './merge-patch.js';

it('merges objects, replaces the rest, and null takes away', () => {
  const target = { a: 1, b: { c: 1, d: 2 }, e: [1, 2], f: 'text' };
  const patch = { b: { c: null, x: 3 }, e: [3], f: { g: 1 }, h: { i: null, j: 1 }, a: undefined };
  expect(mergePatch(target, patch)).toEqual({ a: 1, b: { d: 2, x: 3 }, e: [3], f: { g: 1 }, h: { j: 1 } });
  expect(target).toEqual({ a: 1, b: { c: 1, d: 2 }, e: [1, 2], f: 'text' });
});
