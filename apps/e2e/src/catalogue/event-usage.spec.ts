import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventUsageIn } from './event-usage.js';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'tickwire-usage-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** @param files name -> source */
function usageOf(files: Record<string, string>) {
  for (const [name, source] of Object.entries(files)) writeFileSync(join(folder, name), source);
  const { consumed, produced } = eventUsageIn(folder);
  return { consumed: [...consumed].sort(), produced: [...produced].sort() };
}

it('reads consumed events off lists, named lists of other files, and lists in lists', () => {
  const consumer = `class C {
    @OwnedBatches({ group: 'g', events: [a, ...MORE], offsets: 'port' }) one() {}
    @BroadcastEvents({ name: 'n', events: OTHERS, from: 'end' }) two() {}
  }`;
  const lists = `export const MORE = [b] as const; const OTHERS = [c] satisfies unknown[];`;
  expect(usageOf({ 'consumer.ts': consumer, 'lists.ts': lists }).consumed).toEqual(['a', 'b', 'c']);
});

it('reads produced events off calls, and follows parameters to the callers in the file', () => {
  const source = `
    encodeEvent(a, event);
    const record = (definition: object) => encodeEvent(definition, event);
    class P { write() { this.emit(1, b); } emit(n: number, definition: object) { return record(definition); } }
    record(c);`;
  expect(usageOf({ 'producer.ts': source }).produced).toEqual(['a', 'b', 'c']);
});

it('leaves specs out', () => {
  expect(usageOf({ 'a.spec.ts': 'encodeEvent(a, event)' }).produced).toEqual([]);
});

it.each([
  ['an event that is computed', 'encodeEvent(pick(), event)', /producer\.ts:1: .*not a name/],
  ['a list that is computed', `class C { @OwnedBatches({ events: all() }) m() {} }`, /not a list/],
  ['options that are not written out', `class C { @OwnedBatches(OPTIONS) m() {} }`, /written out/],
  [
    'a parameter that nobody passes',
    'export function f(d: object) { encodeEvent(d, e); }',
    /nobody in its file calls f/,
  ],
])('refuses to guess: %s', (_what, source, message) => {
  expect(() => usageOf({ 'producer.ts': source })).toThrow(message);
});
