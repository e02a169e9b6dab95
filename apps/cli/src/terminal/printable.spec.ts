import fc from 'fast-check';
import { printableJson, printableLine, printableText } from './printable.js';

const DANGEROUS = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/;

describe('text from strangers', () => {
  it('never holds what a terminal acts on', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(printableLine(text)).not.toMatch(DANGEROUS);
        expect(printableText(text).replace(/[\n\t]/g, '')).not.toMatch(DANGEROUS);
      }),
    );
  });

  it('is shown as it is where it is harmless', () => {
    expect(printableLine('naïve – 日本 🚀')).toBe('naïve – 日本 🚀');
  });

  it('stays the same value in JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = printableJson(value);
        expect(text).not.toMatch(DANGEROUS);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});
