import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';
import fetch from 'kafkajs/src/protocol/requests/fetch/index.js';
import { eachTopicOnce, withoutEmptyPartitions } from './kafkajs-hazards.js';

/** The constructor takes what a connection of kafkajs gives it. */
type Queue = RequestQueue & { throttleCheckTimeoutId: unknown; throttledUntil: number; destroy(): void };
const newQueue = (): Queue => {
  const Constructor = RequestQueue as unknown as new (options: object) => Queue;
  const logger = { debug: () => {}, warn: () => {} };
  return new Constructor({ maxInFlightRequests: 1, requestTimeout: 1_000, clientId: 'c', broker: 'b', logger });
};

describe('the request queue of kafkajs', () => {
  it('sets no timer while it is empty', () => {
    const queue = newQueue();
    queue.scheduleCheckPendingRequests();
    expect(queue.throttleCheckTimeoutId).toBeNull();
  });

  it('still looks again after requests that wait', () => {
    const queue = newQueue();
    queue.pending.push({});
    queue.scheduleCheckPendingRequests();
    expect(queue.throttleCheckTimeoutId).not.toBeNull();
    queue.destroy();
  });
});

describe('a fetch of kafkajs', () => {
  const partitions = (...ids: number[]) => ids.map((partition) => ({ partition }));

  it('names each topic once, whatever the order of its partitions, in every version', () => {
    const topics = [
      { topic: 'a', partitions: partitions(3) },
      { topic: 'b', partitions: partitions(0, 2) },
      { topic: 'a', partitions: partitions(1, 2) },
    ];
    expect(eachTopicOnce(topics)).toEqual([
      { topic: 'a', partitions: partitions(3, 1, 2) },
      { topic: 'b', partitions: partitions(0, 2) },
    ]);
    expect(fetch.versions.length).toBeGreaterThan(0);
    for (const version of fetch.versions) {
      expect(fetch.protocol({ version })({ topics })).toHaveProperty('response.decode');
    }
  });

  it('is sent and read so', async () => {
    const topic = 'a-name-that-is-nowhere-else';
    const asked = [1, 2, 3].map((partition) => ({
      topic,
      partitions: [{ partition, fetchOffset: '0', maxBytes: 1 }],
    }));
    const { request, response } = fetch.protocol({ version: 11 })({ topics: asked });
    const { buffer } = await (request as { encode(): Promise<{ buffer: Buffer }> }).encode();
    expect(buffer.toString('latin1').split(topic)).toHaveLength(2);
    const answered = [{ topicName: topic, partitions: [{ partition: 1, errorCode: 0, messages: [] }] }];
    expect(await response.parse({ errorCode: 0, responses: answered })).toEqual({ errorCode: 0, responses: [] });
  });

  it('leaves out partitions without records, but none that names another replica', () => {
    const answer = {
      throttleTime: 0,
      responses: [
        {
          topicName: 'a',
          partitions: [
            { partition: 0, messages: [] },
            { partition: 1, messages: [{}] },
          ],
        },
        { topicName: 'b', partitions: [{ partition: 0, messages: [], preferredReadReplica: -1 }] },
        { topicName: 'c', partitions: [{ partition: 0, messages: [], preferredReadReplica: 2 }] },
      ],
    };
    expect(withoutEmptyPartitions(answer)).toEqual({
      throttleTime: 0,
      responses: [
        { topicName: 'a', partitions: [{ partition: 1, messages: [{}] }] },
        { topicName: 'c', partitions: [{ partition: 0, messages: [], preferredReadReplica: 2 }] },
      ],
    });
  });
});
