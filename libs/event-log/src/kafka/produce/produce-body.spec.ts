import { jest } from '@jest/globals';
import { createRequire } from 'node:module';
import fc from 'fast-check';
import { crc32c } from './crc32c.js';
import { produceBody, type ProduceOptions } from './produce-body.js';

const require = createRequire(import.meta.url);
/** kafkajs' own encoder, which brokers have taken for years. */
const theirs = require('kafkajs/src/protocol/requests/produce/v7/request.js') as (options: ProduceOptions) => {
  encode(): Promise<{ buffer: Buffer }>;
};

describe('the checksum of a record batch', () => {
  it.each([
    ['', 0],
    ['123456789', 0xe3069283],
    ['The quick brown fox jumps over the lazy dog', 0x22620404],
  ])('of %j is that of other implementations', (text, expected) => {
    expect(crc32c(Buffer.from(text))).toBe(expected);
  });

  it('of RFC 3720 (B.4): 32 bytes of zeros, ones, counting up', () => {
    expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa);
    expect(crc32c(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43);
    expect(crc32c(Buffer.from(Array.from({ length: 32 }, (_, at) => at)))).toBe(0x46dd794e);
  });

  it('counts the stretch that it is asked for', () => {
    expect(crc32c(Buffer.from('..123456789..'), 2, 11)).toBe(0xe3069283);
  });
});

const text = fc.string({ unit: 'grapheme', maxLength: 200 });
const bytes = fc.uint8Array({ maxLength: 20_000 }).map((each) => Buffer.from(each));
const message = fc.record(
  {
    key: fc.oneof(text, bytes, fc.constant(null)),
    value: fc.oneof(text, bytes, fc.constant(null)),
    headers: fc.dictionary(text, fc.oneof(text, bytes, fc.array(text, { maxLength: 3 })), { maxKeys: 4 }),
    // kafkajs sorts them as texts, so all have the same number of digits here.
    timestamp: fc.integer({ min: 1_600_000_000_000, max: 1_999_999_999_999 }).map(String),
  },
  { requiredKeys: ['value', 'timestamp'] },
);
const partition = fc.record({
  partition: fc.nat(1_000),
  firstSequence: fc.nat(),
  messages: fc.array(message, { minLength: 1, maxLength: 140 }),
});
const options = fc.record({
  acks: fc.constantFrom(-1, 1),
  timeout: fc.nat(),
  transactionalId: fc.option(fc.string({ minLength: 1 })),
  producerId: fc.bigInt({ min: -1n, max: 2n ** 62n }).map(String),
  producerEpoch: fc.nat(32_767),
  topicData: fc.array(fc.record({ topic: text, partitions: fc.array(partition, { maxLength: 3 }) }), { maxLength: 3 }),
});

describe('the body of a Produce request', () => {
  afterEach(() => jest.useRealTimers());

  it('is what kafkajs writes, byte for byte', async () => {
    await fc.assert(
      fc.asyncProperty(options, async (each) => {
        const { buffer } = await theirs(each).encode();
        expect(produceBody(each).equals(buffer)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('stamps records without a time with that of the request', async () => {
    jest.useFakeTimers({ now: 1_800_000_000_000 });
    const each = {
      acks: -1,
      timeout: 1_000,
      topicData: [{ topic: 't', partitions: [{ partition: 0, messages: [{ key: 'k', value: Buffer.from('v') }] }] }],
    };
    const { buffer } = await theirs(each).encode();
    expect(produceBody(each).equals(buffer)).toBe(true);
  });

  it('takes times that are far apart', () => {
    const messages = [
      { value: 'a', timestamp: 1_000 },
      { value: 'b', timestamp: 2 ** 40 },
    ];
    const body = produceBody({
      acks: 1,
      timeout: 1,
      topicData: [{ topic: 't', partitions: [{ partition: 0, messages }] }],
    });
    // The second record: its length, attributes, then 2^40 - 1000 in zigzag.
    const delta = Buffer.from([0xb0, 0xf0, 0xff, 0xff, 0xff, 0x3f]);
    expect(body.includes(delta)).toBe(true);
  });
});
