import fc from 'fast-check';
import { parseJson } from './parse-json.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const detailOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    expect(error).toMatchObject({ code: 'MALFORMED_JSON' });
    return (error as Error).message;
  }
  return 'accepted';
};

describe('parseJson', () => {
  it('reads any JSON as JSON.parse does', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        fc.pre(!text.includes('__proto__') && !text.includes('constructor'));
        expect(parseJson(bytes(text), { maxDepth: 1_000, maxKeys: 100_000 })).toEqual(JSON.parse(text));
      }),
    );
  });

  it('skips a byte order mark and takes the last of duplicate keys', () => {
    expect(parseJson(bytes('\uFEFF{"a":1,"a":2}'))).toEqual({ a: 2 });
  });

  it('reads each body for itself: one that broke off leaves nothing behind, and each has its own byte order mark', () => {
    for (let times = 0; times < 2; times += 1) {
      expect(detailOf(() => parseJson(Uint8Array.of(0x22, 0xe6, 0xbc)))).toBe('The body is not UTF-8');
      expect(parseJson(bytes('\uFEFF["漢"]'))).toEqual(['漢']);
      expect(parseJson(bytes('["漢"]'))).toEqual(['漢']);
    }
  });

  it('keeps every name as plain data where the caller wants that, and nothing inherits it', () => {
    const parsed = parseJson(bytes('\ufeff{"__proto__":{"admin":true},"constructor":{"prototype":{"x":1}}}'), {
      anyNames: true,
    }) as object;
    expect(Object.keys(parsed)).toEqual(['__proto__', 'constructor']);
    expect(Object.getPrototypeOf(parsed)).toBe(Object.prototype);
    expect((parsed as { admin?: boolean }).admin).toBeUndefined();
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  it.each(['{"__proto__":{"admin":true}}', '{"a":{"\\u005f_proto__":1}}', '{"constructor":{"prototype":{"x":1}}}'])(
    'refuses to pollute prototypes: %s',
    (text) => {
      expect(detailOf(() => parseJson(bytes(text)))).toContain('__proto__ or constructor');
    },
  );

  it('counts depth and keys, but not inside strings', () => {
    const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
    expect(parseJson(bytes(nested(16)))).toBeDefined();
    expect(detailOf(() => parseJson(bytes(nested(17))))).toContain('deeper than 16');
    const keyed = (count: number): string =>
      JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, i])));
    expect(parseJson(bytes(keyed(200)))).toBeDefined();
    expect(detailOf(() => parseJson(bytes(keyed(201))))).toContain('more than 200 keys');
    expect(parseJson(bytes('{"a":"[[[[[[[[[[[[[[[[[[\\"[::"}'), { maxKeys: 1 })).toBeDefined();
  });

  it('survives a body that is nothing but brackets', () => {
    expect(detailOf(() => parseJson(bytes('['.repeat(65_536)), { maxDepth: 100_000 }))).not.toBe('accepted');
  });

  it('says what is wrong without quoting the body', () => {
    expect(detailOf(() => parseJson(bytes('')))).toBe('The body is empty');
    expect(detailOf(() => parseJson(Uint8Array.of(0x22, 0xff, 0x22)))).toBe('The body is not UTF-8');
    expect(detailOf(() => parseJson(bytes('{"secret":hunter2}')))).not.toContain('hunter');
    expect(detailOf(() => parseJson(bytes('{"a":')))).toBe('The body ends too early');
  });
});
