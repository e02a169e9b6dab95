import fc from 'fast-check';
import { LinkedLine, type Linked } from './linked-line.js';

interface Item extends Linked<Item> {
  name: number;
}

const itemsOf = (line: LinkedLine<Item>): Item[] => {
  const items: Item[] = [];
  for (let item = line.first; item; item = item.after) items.push(item);
  return items;
};

describe('a linked line', () => {
  it('has what is in it in the order in which it came, wherever something is taken out', () => {
    const step = fc.oneof(fc.constant('push' as const), fc.nat(20));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const line = new LinkedLine<Item>();
        let expected: Item[] = [];
        let name = 0;
        for (const each of steps) {
          if (each === 'push') {
            const item = { name: (name += 1), before: undefined, after: undefined };
            line.push(item);
            expected.push(item);
          } else if (expected.length > 0) {
            const item = expected[each % expected.length]!;
            line.remove(item);
            expected = expected.filter((other) => other !== item);
            expect([item.before, item.after]).toEqual([undefined, undefined]);
          }
          expect(itemsOf(line)).toEqual(expected);
          expect(line.size).toBe(expected.length);
        }
      }),
    );
  });
});
