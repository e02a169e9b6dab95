import { testDatabase, type TestDatabase } from '@tickwire/testing';
import fc from 'fast-check';
import type { Pool } from 'pg';
import { storableJson, storableText } from './storable-text.js';

const text = fc.string({
  unit: fc.constantFrom('\\', 'u', '0', 'd', '8', '\u0000', '\ud800', '\udc00', '😀', '"', 'é', 'a'),
});

describe('text from outside', () => {
  let database: TestDatabase;
  let pool: Pool;
  beforeAll(async () => {
    database = await testDatabase();
    pool = database.pool();
  });
  afterAll(() => database.drop());

  it('comes back from a text column as it was stored, and only what none can hold is replaced', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(text), async (texts) => {
        const stored = texts.map(storableText);
        const { rows } = await pool.query<{ back: string[] }>('SELECT $1::text[] AS "back"', [stored]);
        expect(rows[0]!.back).toEqual(stored);
        expect(stored).toEqual(texts.map((each) => each.toWellFormed().replaceAll('\u0000', '\ufffd')));
      }),
      { numRuns: 50 },
    );
  });

  it('does so from jsonb, in names and values', async () => {
    await fc.assert(
      fc.asyncProperty(text, text, async (name, value) => {
        const json = storableJson(JSON.stringify([{ [`n${name}`]: value }]));
        const { rows } = await pool.query<{ back: unknown }>('SELECT $1::jsonb AS "back"', [json]);
        expect(rows[0]!.back).toEqual([{ [storableText(`n${name}`)]: storableText(value) }]);
      }),
      { numRuns: 50 },
    );
  });
});
