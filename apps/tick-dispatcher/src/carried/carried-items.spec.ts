import type { CarriedItem } from '@tickwire/contracts';
import fc from 'fast-check';
import { CarriedItems, keyOf, MOST_CARRIED_BYTES, MOST_CARRIED_ITEMS } from './carried-items.js';

const result = (id: string, message = ''): CarriedItem => ({
  list: 'actionResults',
  item: { id, action: 'BUY', success: true, message },
});
const investigation = (status: 'opened' | 'charged', tick: number): CarriedItem => ({
  list: 'investigations',
  item: { investigationId: 'inv_1', agentId: 'a', status, crimeType: 'spoofing', message: '', tick },
});
const idsOf = (items: CarriedItems): unknown[] =>
  items.without(new Set()).map(({ item }) => ('id' in item ? item.id : item.status));
const none = new Set<string>();

describe('carried items', () => {
  it('are kept in the order of their ticks, also when a superseded tick came in before the one in flight', () => {
    const items = new CarriedItems();
    items.add(2, [result('b')]);
    items.add(3, [result('c')]);
    items.add(1, [result('a1'), result('a2')]);
    expect(idsOf(items)).toEqual(['a1', 'a2', 'b', 'c']);
  });

  it('hold no item twice; the turns of an investigation are items of their own', () => {
    const items = new CarriedItems();
    items.add(1, [result('a'), investigation('opened', 1)]);
    items.add(2, [result('a'), investigation('opened', 1), investigation('charged', 2)]);
    expect(idsOf(items)).toEqual(['a', 'opened', 'charged']);
  });

  it('drop the oldest beyond their number, and say how many', () => {
    const items = new CarriedItems();
    expect(
      items.add(
        1,
        Array.from({ length: MOST_CARRIED_ITEMS }, (_, i) => result(`r${i}`)),
      ),
    ).toBe(0);
    expect(items.add(2, [result('x'), result('y')])).toBe(2);
    expect([items.size, idsOf(items)[0], idsOf(items).at(-1)]).toEqual([MOST_CARRIED_ITEMS, 'r2', 'y']);
  });

  it('stay within their bytes whatever comes, even an item that is larger by itself', () => {
    const items = new CarriedItems();
    items.add(1, [result('a', 'é'.repeat(20_000)), result('b', 'é'.repeat(10_000)), result('c', 'x'.repeat(4_500))]);
    expect(idsOf(items)).toEqual(['b', 'c']);
    items.add(2, [result('d', 'x'.repeat(MOST_CARRIED_BYTES))]);
    expect(idsOf(items)).toEqual([]);
    items.add(3, [result('a')]);
    expect(idsOf(items)).toEqual(['a']);
  });

  it('change their revision when, and only when, they change', () => {
    const items = new CarriedItems();
    items.add(1, [result('a')]);
    const { revision } = items;
    items.add(2, [result('a')]);
    items.remove(new Set(['messages:a']));
    expect(items.revision).toBe(revision);
    items.remove(new Set([keyOf(result('a'))]));
    expect([items.revision > revision, items.size]).toEqual([true, 0]);
  });

  it('come back from storage as they were; what is no item does not', () => {
    const items = new CarriedItems();
    items.add(1, [result('a'), investigation('opened', 1)]);
    const restored = CarriedItems.restore(JSON.parse(items.toJson()));
    expect(restored.without(none)).toEqual(items.without(none));
    restored.add(0, [result('b')]);
    expect(idsOf(restored)).toEqual(['a', 'opened', 'b']);
    for (const stored of [{}, null, [{}, 7, { list: 'news', item: {} }]])
      expect(CarriedItems.restore(stored).size).toBe(0);
  });

  it('are stored without what jsonb refuses, and otherwise unchanged', () => {
    const text = fc.string({
      unit: fc.constantFrom('\\', 'u', '0', 'd', '8', '\u0000', '\ud800', '\udc00', '😀', '"', 'é', 'a'),
    });
    fc.assert(
      fc.property(text, (message) => {
        const items = new CarriedItems();
        items.add(1, [result('a', message)]);
        const [stored] = JSON.parse(items.toJson()) as { item: { message: string } }[];
        expect(stored!.item.message).toBe(message.toWellFormed().replaceAll('\u0000', '\ufffd'));
      }),
    );
  });
});
