import kafkajs from 'kafkajs';
import fc from 'fast-check';
import { murmur2, partitionOfKey } from './partitioner.js';

describe('partitioner', () => {
  it.each([
    // Values of org.apache.kafka.common.utils.UtilsTest.
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ])('hashes %s as the Java client does', (text, hash) => {
    expect(murmur2(Buffer.from(text))).toBe(hash);
  });

  it('agrees with the partitioner of kafkajs', () => {
    const partitioner = kafkajs.Partitioners.DefaultPartitioner();
    const partitionMetadata = Array.from({ length: 12 }, (_, partitionId) => ({
      partitionId,
      leader: 1,
      partitionErrorCode: 0,
      replicas: [1],
      isr: [1],
    }));
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), (key) => {
        const theirs = partitioner({ topic: 't', partitionMetadata, message: { key, value: 'x' } });
        expect(partitionOfKey(key, 12)).toBe(theirs);
      }),
    );
  });
});
