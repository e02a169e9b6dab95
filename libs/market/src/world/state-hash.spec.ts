import { StateHash } from './state-hash.js';

const hashOf = (mix: (hash: StateHash) => void): string => {
  const hash = new StateHash();
  mix(hash);
  return hash.hex();
};

describe('StateHash', () => {
  it('tells order, boundaries of texts, and the smallest difference of a double apart', () => {
    const hashes = [
      hashOf((hash) => hash.number(1).number(2)),
      hashOf((hash) => hash.number(2).number(1)),
      hashOf((hash) => hash.text('ab').text('c')),
      hashOf((hash) => hash.text('a').text('bc')),
      hashOf((hash) => hash.text('abc')),
      hashOf((hash) => hash.number(0.1)),
      hashOf((hash) => hash.number(0.1 + Number.EPSILON / 8)),
      hashOf((hash) => hash.number(0)),
      hashOf((hash) => hash.number(0).number(0)),
      hashOf((hash) => hash.optional(undefined)),
    ];
    expect(new Set(hashes).size).toBe(hashes.length);
    for (const hash of hashes) expect(hash).toMatch(/^[0-9a-f]{16}$/);
  });

  it('counts -0 as 0, because a snapshot in JSON does', () => {
    expect(hashOf((hash) => hash.number(-0))).toBe(hashOf((hash) => hash.number(0)));
  });

  it('gives two hundred thousand neighbouring numbers two hundred thousand hashes', () => {
    const hashes = new Set<string>();
    for (let value = 0; value < 200_000; value += 1) hashes.add(new StateHash().number(value).hex());
    expect(hashes.size).toBe(200_000);
  });

  it('pins a value, because recorded hashes must stay comparable', () => {
    expect(hashOf((hash) => hash.text('tickwire').number(42))).toBe('7770bb6f43cdbd1b');
  });
});
