import fc from 'fast-check';
import { generateApiKey, hashApiKey, parseApiKey } from './index.js';
import type { ApiKeyKind } from './index.js';

const KINDS: ApiKeyKind[] = ['live', 'test', 'agent', 'admin'];
const pepper = Buffer.alloc(32, 1);

/** A draw that hands out `digits` in turn. */
const drawing = (digits: number[]) => {
  let next = 0;
  return () => digits[next++ % digits.length]!;
};

describe('API keys', () => {
  it.each(KINDS)('reads back a generated %s key', (kind) => {
    const key = generateApiKey(kind);
    expect(key.text).toMatch(new RegExp(`^tw_${kind}_[0-9A-Za-z]{30}_[0-9A-Za-z]{6}$`));
    expect(parseApiKey(key.text)).toEqual(key);
  });

  it('keeps its written form: keys given out today are read by every later version', () => {
    const { text } = generateApiKey('live', drawing(Array.from({ length: 30 }, (_, digit) => digit * 2)));
    expect(text).toBe('tw_live_02468ACEGIKMOQSUWYacegikmoqsuw_0qtQes');
    expect(parseApiKey(text)?.kind).toBe('live');
  });

  it('uses every character of the alphabet, and never draws the same key again', () => {
    const keys = Array.from({ length: 500 }, () => generateApiKey('test').text);
    expect(new Set(keys).size).toBe(500);
    const random = keys.map((key) => key.slice('tw_test_'.length, -7)).join('');
    expect(new Set(random).size).toBe(62);
  });

  it('refuses every key with one character changed, before any database is asked', () => {
    const { text } = generateApiKey('agent');
    const character = fc.stringMatching(/^[\x20-\x7e]$/);
    fc.assert(
      fc.property(fc.nat(text.length - 1), character, (at, character) => {
        fc.pre(text[at] !== character);
        expect(parseApiKey(text.slice(0, at) + character + text.slice(at + 1))).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });

  it('refuses a key whose kind was swapped: the checksum covers it', () => {
    expect(parseApiKey(generateApiKey('test').text.replace('tw_test_', 'tw_live_'))).toBeUndefined();
    expect(parseApiKey(generateApiKey('live').text.replace('tw_live_', 'tw_admin_'))).toBeUndefined();
  });

  it('refuses garbage, and a key with anything around it', () => {
    const { text } = generateApiKey('live');
    for (const other of ['', 'tw_live_', ` ${text}`, `${text}\n`, text.slice(0, -1), `${text}0`, text.toUpperCase()]) {
      expect(parseApiKey(other)).toBeUndefined();
    }
  });

  it('shows prefix and four characters only in its hint', () => {
    const key = generateApiKey('live');
    expect(key.hint).toBe(`tw_live_…${key.text.slice(34, 38)}`);
  });

  it('hashes to the same 43 characters under the same pepper, and to others under another', () => {
    const key = generateApiKey('live', () => 0);
    expect(hashApiKey(key, pepper)).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(hashApiKey(parseApiKey(key.text)!, pepper)).toBe(hashApiKey(key, pepper));
    expect(hashApiKey(key, Buffer.alloc(32, 2))).not.toBe(hashApiKey(key, pepper));
    expect(
      hashApiKey(
        generateApiKey('live', () => 1),
        pepper,
      ),
    ).not.toBe(hashApiKey(key, pepper));
  });

  it('does not hash under a pepper that is missing or short', () => {
    expect(() => hashApiKey(generateApiKey('live'), Buffer.alloc(0))).toThrow('pepper');
    expect(() => hashApiKey(generateApiKey('live'), Buffer.alloc(15))).toThrow('pepper');
  });
});
