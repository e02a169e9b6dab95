import fc from 'fast-check';
import { scanFields, scanItems, textOf } from './scan-fields.js';

const NAMES = new Set(['tenantId', 'botId', 'quantity']);
const scan = (text: string) => Object.fromEntries(scanFields(Buffer.from(text), NAMES));

describe('scanFields', () => {
  it('finds members as they were written, whatever stands around them', () => {
    expect(scan(' { "a" : [{"tenantId":"in"}, "]}"], "tenantId" : "t" , "quantity":1.50e1,"botId":null } ')).toEqual({
      tenantId: '"t"',
      quantity: '1.50e1',
      botId: 'null',
    });
    expect(scan('\uFEFF{"quantity":{"a":["}"]}}')).toEqual({ quantity: '{"a":["}"]}' });
  });

  it('reads escapes in names, and takes the last of a repeated one', () => {
    expect(scan('{"tenantId":"a","tenant\\u0049d":"b\\"c"}')).toEqual({ tenantId: '"b\\"c"' });
  });

  it('keeps no value that is too long to be one, nor an earlier one of its name', () => {
    expect(scan(`{"tenantId":"a","tenantId":"${'x'.repeat(2_000)}"}`)).toEqual({});
  });

  it('finds in broken bytes what stands before the fault, and ends', () => {
    for (const text of [
      '',
      '{',
      '[',
      '{"tenantId',
      '{"tenantId":',
      '{"tenantId":"a',
      '"tenantId":"a"',
      '{"x" "tenantId":"a"}',
      '{"a":"\\',
    ]) {
      expect(Object.values(scan(text)).every((raw) => textOf(raw) === undefined)).toBe(true);
    }
    expect(scan('{"tenantId":"a","botId":')).toEqual({ tenantId: '"a"', botId: '' });
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void scanFields(Buffer.from(bytes), NAMES)));
  });

  it('agrees with JSON.parse on every object', () => {
    const member = fc.tuple(
      fc.constantFrom('tenantId', 'botId', 'quantity', 'other', '\u0000"\\'),
      fc.jsonValue({ maxDepth: 3 }),
    );
    const blank = fc.constantFrom('', ' ', '\n\t\r ');
    fc.assert(
      fc.property(fc.array(member, { maxLength: 8 }), blank, (members, space) => {
        const text = `{${members.map(([name, value]) => `${space}${JSON.stringify(name)}${space}:${space}${JSON.stringify(value)}${space}`).join(',')}}`;
        const parsed = JSON.parse(text) as Record<string, unknown>;
        const found = scanFields(Buffer.from(text), NAMES);
        for (const name of NAMES) {
          if (!Object.hasOwn(parsed, name)) expect(found.has(name)).toBe(false);
          else if (found.has(name)) expect(JSON.parse(found.get(name)!)).toEqual(parsed[name]);
          else expect(Buffer.byteLength(JSON.stringify(parsed[name]))).toBeGreaterThan(1_600);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('scanItems', () => {
  it('cuts a list into its items as they stand, and agrees with JSON.parse on every object', () => {
    const spaced = fc.constantFrom(undefined, 2, '\t');
    fc.assert(
      fc.property(
        fc.array(fc.jsonValue()),
        fc.dictionary(fc.string(), fc.jsonValue()),
        spaced,
        (list, others, space) => {
          const text = JSON.stringify({ ...others, signals: list }, null, space);
          for (const body of [Buffer.from(text), Buffer.from(`\ufeff${text}`)]) {
            const items = scanItems(body, 'signals')!.map((item) => JSON.parse(item.toString()) as unknown);
            expect(JSON.stringify(items)).toBe(JSON.stringify(list));
          }
        },
      ),
    );
  });

  it('finds none where there is no such list, and takes the last of a repeated one', () => {
    expect(scanItems(Buffer.from('{"signals":{"a":[1]}}'), 'signals')).toBeUndefined();
    expect(scanItems(Buffer.from('[{"signals":[1]}]'), 'signals')).toBeUndefined();
    expect(scanItems(Buffer.from('{"signals":[1],"signals":[2,3]}'), 'signals')?.map(String)).toEqual(['2', '3']);
  });
});
