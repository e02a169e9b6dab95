import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';
import './kafkajs-hazards.js';

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
