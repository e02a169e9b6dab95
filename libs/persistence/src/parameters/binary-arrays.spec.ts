import { testDatabase, type TestDatabase } from '@tickwire/testing';
import fc from 'fast-check';
import { withBinaryArrays } from './binary-arrays.js';

describe('arrays in binary form', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await testDatabase();
  });
  afterAll(() => database.drop());

  const TEXT = `SELECT $1::text[] AS "texts", $2::int[] AS "ints", $3::bigint[]::text[] AS "bigints", $4::uuid[]::text[] AS "uuids",
  $5::bytea[] AS "bytes", $6::jsonb[]::text[] AS "jsons"`;
  const asked = async (values: unknown[]) =>
    (await database.pool().query({ name: 'spec-arrays', text: TEXT, values })).rows[0] as object;

  it('arrive as the same arrays that pg would send as text, whatever they hold', async () => {
    const orNull = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<(T | null)[]> =>
      fc.array(fc.option(value, { freq: 5 }), { maxLength: 20 });
    // What Postgres takes as text: no NUL, no half of a surrogate pair.
    const text = fc.string({ unit: 'grapheme-composite', maxLength: 40 }).map((value) => value.replaceAll('\0', ''));
    const tricky = fc.constantFrom('', 'NULL', '{}', '"', '\\', '{"a":"\\"b\\""}', ',', ' x ', '€𝄞');
    const bigints = fc.oneof(fc.maxSafeInteger(), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }));
    await fc.assert(
      fc.asyncProperty(
        orNull(fc.oneof(text, tricky)),
        orNull(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })),
        orNull(bigints),
        orNull(fc.uuid()),
        orNull(fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes))),
        orNull(fc.oneof(text, tricky).map((value) => JSON.stringify({ value }))),
        async (texts, ints, big, uuids, bytes, jsons) => {
          const bigTexts = big.map((each) => each?.toString() ?? null);
          const sent = await asked(withBinaryArrays(TEXT, [texts, ints, big, uuids, bytes, jsons]));
          expect(sent).toMatchObject({ texts, ints, bigints: bigTexts, uuids, bytes });
          expect(await asked([texts, ints, bigTexts, uuids, bytes, jsons])).toEqual(sent);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('are made of what the text casts to a known type, and of nothing else', async () => {
    const text = 'SELECT $1::text[], $2::numeric[], $3::timestamptz, $4, $5::text';
    const values = [['a'], ['1.5'], new Date(0), ['b'], 'c'];
    const [first, ...others] = withBinaryArrays(text, values);
    expect(first).toBeInstanceOf(Buffer);
    expect(others).toEqual(values.slice(1));
    expect(withBinaryArrays(text, [null, ['1.5'], null, null, null])[0]).toBeNull();
  });

  it('are refused before they are sent where an element is of another type', () => {
    expect(() => withBinaryArrays('SELECT $1::int[]', [['a']])).toThrow('not an integer');
    expect(() => withBinaryArrays('SELECT $1::int[]', [[2 ** 31]])).toThrow('out of range');
    expect(() => withBinaryArrays('SELECT $1::bigint[]', [['a']])).toThrow('BigInt');
    expect(() => withBinaryArrays('SELECT $1::uuid[]', [['not a uuid']])).toThrow('not a UUID');
    expect(() => withBinaryArrays('SELECT $1::text[]', [[1]])).toThrow('must be of type string');
  });
});
