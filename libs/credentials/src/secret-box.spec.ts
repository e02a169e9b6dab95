import { inspect } from 'node:util';
import fc from 'fast-check';
import { parseSealingKeys, SecretBox, SecretUnreadable } from './index.js';

const oldKey = { id: 'k1', key: Buffer.alloc(32, 1) };
const newKey = { id: 'k2', key: Buffer.alloc(32, 2) };
const row = ['signing_secrets', 'ten_1', 'sec_1'];

describe('SecretBox', () => {
  const box = new SecretBox([oldKey]);

  it('opens what it sealed, for any text and row', () => {
    const text = fc.string({ unit: 'grapheme' });
    fc.assert(
      fc.property(text, fc.array(text), (secret, row) => expect(box.open(box.seal(secret, row), row)).toBe(secret)),
    );
  });

  it('opens only in the row it was sealed for', () => {
    const sealed = box.seal('whsec_x', row);
    for (const other of [
      [],
      ['signing_secrets', 'ten_2', 'sec_1'],
      [...row, ''],
      [row.join(',')],
      [...row].reverse(),
    ]) {
      expect(() => box.open(sealed, other)).toThrow(SecretUnreadable);
    }
  });

  it('refuses every text with one character changed', () => {
    const sealed = box.seal('whsec_x', row);
    fc.assert(
      fc.property(fc.nat(sealed.length - 1), fc.stringMatching(/^[A-Za-z0-9._-]$/), (at, character) => {
        const changed = sealed.slice(0, at) + character + sealed.slice(at + 1);
        // Two spellings of the last base64url character may stand for the same bytes.
        fc.pre(!Buffer.from(changed, 'latin1').equals(Buffer.from(sealed, 'latin1')) && at < sealed.length - 1);
        expect(() => box.open(changed, row)).toThrow(SecretUnreadable);
      }),
      { numRuns: 500 },
    );
  });

  it('never seals to the same text twice, and shows nothing of the secret', () => {
    const [first, second] = [box.seal('whsec_x', row), box.seal('whsec_x', row)];
    expect(first).not.toBe(second);
    expect(Buffer.from(first.split('.')[3]!, 'base64url').toString('latin1')).not.toContain('whsec_x');
  });

  it('opens texts of an earlier key during a rotation, and names those to reseal', () => {
    const before = box.seal('whsec_x', row);
    const rotated = new SecretBox([newKey, oldKey]);
    expect(rotated.open(before, row)).toBe('whsec_x');
    expect(rotated.isCurrent(before)).toBe(false);
    const resealed = rotated.seal(rotated.open(before, row), row);
    expect(rotated.isCurrent(resealed)).toBe(true);
    expect(new SecretBox([newKey]).open(resealed, row)).toBe('whsec_x');
  });

  it('names the key that is missing', () => {
    expect(() => new SecretBox([newKey]).open(box.seal('x', row), row)).toThrow('sealing key k1 is not configured');
    const impostor = new SecretBox([{ id: 'k1', key: newKey.key }]);
    expect(() => impostor.open(box.seal('x', row), row)).toThrow(SecretUnreadable);
  });

  it('does not show its keys when it is logged', () => {
    const logged = inspect(box, { depth: 9, showHidden: true }) + JSON.stringify(box);
    expect(logged).not.toContain('01 01');
  });

  it('does not start with keys that are missing, short, badly named or named alike', () => {
    expect(() => new SecretBox([])).toThrow('at least one');
    expect(() => new SecretBox([{ id: 'k1', key: Buffer.alloc(16) }])).toThrow('sealing key k1 must hold 32 bytes');
    expect(() => new SecretBox([{ id: 'K.1', key: oldKey.key }])).toThrow('id must be');
    expect(() => new SecretBox([oldKey, oldKey])).toThrow('must differ');
  });
});

describe('parseSealingKeys', () => {
  const text = (fill: number) => Buffer.alloc(32, fill).toString('base64');

  it('reads the active key and the earlier ones', () => {
    expect(parseSealingKeys(`k2:${text(2)}, k1:${text(1)}`)).toEqual([newKey, oldKey]);
  });

  it('names the entry that is wrong and not its content', () => {
    for (const bad of ['', 'k2', `k2:${text(2)},`, `k2:${text(2)},k1:c2VjcmV0`, `k2:${text(2)},K1:${text(1)}`]) {
      expect(() => parseSealingKeys(bad)).toThrow(/^Sealing key [12] is not of the form/);
    }
    expect(() => parseSealingKeys('k1:c2VjcmV0')).not.toThrow('c2VjcmV0');
  });
});
