import { randomUUID } from 'node:crypto';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { startKafka, startTcpProxy } from '@tickwire/testing';
import kafkajs from 'kafkajs';
import type { PositionOutOfLog } from '../log-errors.js';
import type { LogSink, OwnedOptions, SessionTiming } from '../port.js';
import { KafkaEventLog } from './kafka-event-log.js';

const SILENT: LogSink = { info: () => {}, warn: () => {}, error: () => {} };
const TIMING: SessionTiming = { sessionMs: 2_000, heartbeatMs: 300, rebalanceMs: 4_000 };
const kafka = await startKafka({ own: true });
afterAll(() => kafka?.stop());

async function until(condition: () => boolean, what: string, timeoutMs = 20_000): Promise<void> {
  for (const deadline = performance.now() + timeoutMs; !condition(); await sleep(10)) {
    if (performance.now() > deadline) throw new Error(`Waited ${timeoutMs} ms in vain: ${what}`);
  }
}

(kafka ? describe : describe.skip)('Kafka in trouble', () => {
  let log: KafkaEventLog;
  let topic: string;
  /** For handlers that are to be busy until `release`. */
  let released: Promise<void>;
  let release: () => void;

  /** In the order in which it was opened; closed behind each test, also one that has failed: Jest would wait for it. */
  const opened: { close(): Promise<void> }[] = [];
  const proxied = async () => {
    const [host, port] = kafka!.brokers[0]!.split(':');
    const proxy = await startTcpProxy({ host: host!, port: Number(port) });
    opened.push(proxy);
    return proxy;
  };
  const connect = async (socketFactory?: kafkajs.ISocketFactory) => {
    const { brokers } = kafka!;
    const one = await KafkaEventLog.connect({
      brokers,
      clientId: 'faults',
      timing: TIMING,
      log: SILENT,
      socketFactory,
    });
    opened.push(one);
    return one;
  };
  const group = (handle: OwnedOptions['handle'], options: Partial<OwnedOptions> = {}): OwnedOptions => ({
    group: `group.${topic}`,
    topics: [topic],
    offsets: 'port',
    handle,
    ...options,
  });
  /** What retention does, at a moment of our choice. */
  const deleteBelow = async (partition: number, offset: number) => {
    const admin = new kafkajs.Kafka({ brokers: kafka!.brokers, logLevel: kafkajs.logLevel.NOTHING }).admin();
    await admin.connect();
    // Makes the topic known to this admin, which would otherwise not find its leaders.
    await admin.fetchTopicOffsets(topic);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(offset) }] });
    await admin.disconnect();
  };

  beforeEach(async () => {
    released = new Promise((resolve) => (release = resolve));
    log = await connect();
    topic = `faults.${randomUUID()}`;
    await log.ensureTopics([{ name: topic }]);
  });
  afterEach(async () => {
    release();
    for (const each of opened.splice(0).reverse()) await each.close();
  });

  it('loses no acknowledged record when the broker is killed and comes back, and is soon in use again', async () => {
    const read: string[] = [];
    const member = await log.owned(
      group(async ({ records }) => void read.push(...records.map(({ value }) => value.toString()))),
    );
    const acknowledged: string[] = [];
    let lastAckAt = 0;
    let writing = true;
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      for (let i = 0; writing; i++) {
        const value = `${writer}:${i}`;
        await log.append([{ topic, key: value, value }]).then(
          () => {
            acknowledged.push(value);
            lastAckAt = performance.now();
          },
          () => sleep(20),
        );
      }
    });
    await until(() => acknowledged.length > 200, 'appends are acknowledged');
    await kafka!.kill();
    const before = acknowledged.length;
    await sleep(1_000);
    expect(await log.ping()).toBe(false);
    await kafka!.restart();
    const upAt = performance.now();
    await until(() => acknowledged.length > before && lastAckAt > upAt - 500, 'appends are acknowledged again');
    const firstAckMs = performance.now() - upAt;
    await sleep(500);
    writing = false;
    await Promise.all(writers);

    // What the broker took without being able to say so is read as well, so that a count would tell nothing.
    const unread = () => acknowledged.filter((value) => !read.includes(value));
    await until(() => unread().length === 0, 'the group reads on', 30_000).catch(() => {});
    expect(unread()).toEqual([]);
    await until(() => member.healthy(), 'the member is healthy again');
    // kafkajs alone took 18 s.
    expect(firstAckMs).toBeLessThan(6_000);
  }, 120_000);

  it('is not alive once its session has passed without an answer, gives its partitions up, and comes back', async () => {
    const proxy = await proxied();
    const cutOff = await connect(({ onConnect }) => net.connect({ host: proxy.host, port: proxy.port }, onConnect));
    const steps: string[] = [];
    let read = 0;
    const member = await cutOff.owned(
      group(async ({ records }) => void (read += records.length), {
        assigned: async () => void steps.push('assigned'),
        revoked: () => void steps.push('revoked'),
      }),
    );
    await until(() => member.owned().length === 12, 'the partitions are assigned');
    proxy.dropAnswers = true;
    const startedAt = performance.now();
    await until(() => !member.alive(), 'the session passes');
    expect(performance.now() - startedAt).toBeLessThan(TIMING.sessionMs + 1_000);
    expect(member.healthy()).toBe(false);
    await until(() => steps.includes('revoked'), 'the partitions are given up');
    expect(member.owned()).toEqual([]);

    proxy.dropAnswers = false;
    await log.append([{ topic, key: 'k', value: 'v' }]);
    await until(() => read === 1 && member.healthy(), 'the member reads again');
    expect(steps).toEqual(['assigned', 'revoked', 'assigned']);
  }, 60_000);

  it('can be closed while it tries to join', async () => {
    const proxy = await proxied();
    let joins = true;
    const joining = await connect(({ onConnect }) => {
      if (!joins) throw new Error('no way');
      return net.connect({ host: proxy.host, port: proxy.port }, onConnect);
    });
    await joining.bounds([topic]);
    joins = false;
    const opening = joining.owned(group(async () => {})).catch((error: unknown) => error);
    await sleep(500);
    await joining.close();
    expect(await opening).toMatchObject({ code: 'LOG_UNAVAILABLE' });
  });

  it('stops a partition whose next records have been deleted while it was read, and moves no position', async () => {
    const value = 'x'.repeat(300_000);
    for (let i = 0; i < 20; i++) await log.append([{ topic, key: 'k', value, partition: 1 }]);
    const handled: number[] = [];
    const stopped: PositionOutOfLog[] = [];
    const slow = group(
      async ({ records }) => {
        await released;
        handled.push(...records.filter(({ partition }) => partition === 1).map(({ offset }) => offset));
      },
      { maxBatchRecords: 1, partitionStopped: (error) => stopped.push(error) },
    );
    const member = await log.owned(slow);
    await until(() => member.owned().length === 12, 'the partitions are assigned');
    await sleep(600);
    await deleteBelow(1, 19);
    release();
    await until(() => stopped.length === 1, 'the partition is stopped');
    expect(stopped[0]!.at).toMatchObject({ topic, partition: 1, start: 19, end: 20 });
    expect(member.healthy()).toBe(false);
    await log.append([{ topic, key: 'k', value: 'on', partition: 2 }]);
    await sleep(700);
    expect(handled).toEqual(Array.from({ length: stopped[0]!.at.offset }, (_, offset) => offset));
    await member.close();

    const again: PositionOutOfLog[] = [];
    await log.owned(group(async () => {}, { partitionStopped: (error) => again.push(error) }));
    await until(() => again.length === 1, 'the next member stops there too');
    expect(again[0]!.at).toEqual(stopped[0]!.at);
  });

  it('stops at once a partition whose kept position has expired', async () => {
    await log.append(Array.from({ length: 5 }, () => ({ topic, key: 'k', value: 'v', partition: 3 })));
    await deleteBelow(3, 4);
    const stopped: PositionOutOfLog[] = [];
    const fresh: number[] = [];
    await log.owned(
      group(async () => {}, {
        offsets: 'handler',
        assigned: async () => [{ topic, partition: 3, offset: 2 }],
        partitionStopped: (error) => stopped.push(error),
      }),
    );
    await until(() => stopped.length === 1, 'the partition is stopped');
    expect(stopped[0]!.at).toMatchObject({ partition: 3, offset: 2, start: 4, end: 5 });
    // A new group has no position: it begins at what is kept.
    await log.owned(
      group(async ({ records }) => void fresh.push(...records.map(({ offset }) => offset)), { group: `new.${topic}` }),
    );
    await until(() => fresh.length > 0, 'the new group reads');
    expect(fresh).toEqual([4]);
  });

  it('fetches no more than it may buffer while the handler is busy', async () => {
    const proxy = await proxied();
    const reader = await connect(({ onConnect }) => net.connect({ host: proxy.host, port: proxy.port }, onConnect));
    const value = 'x'.repeat(100_000);
    for (let i = 0; i < 25; i++) {
      await log.append(Array.from({ length: 24 }, (_, n) => ({ topic, key: 'k', value, partition: n % 12 })));
    }
    let read = 0;
    const member = await reader.owned(
      group(async ({ records }) => {
        await released;
        read += records.length;
      }),
    );
    await sleep(3 * TIMING.sessionMs);
    expect(member.alive()).toBe(true);
    expect(member.owned()).toHaveLength(12);
    // 60 MB wait; 16 MB may be buffered, a fetch of 8 MB may have been on its way, and another may have been repeated.
    expect(proxy.bytesToClients).toBeLessThan(34_000_000);
    release();
    await until(() => read === 600, 'everything is read in the end');
  });

  it('costs little while nothing happens', async () => {
    await log.append([{ topic, key: 'k', value: 'v' }]);
    const member = await log.owned(group(async () => {}));
    await until(() => member.healthy(), 'the member has joined');
    await sleep(500);
    const before = process.cpuUsage();
    await sleep(3_000);
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 3_000_000).toBeLessThan(0.05);
  });

  it('refuses a topic with another number of partitions, and a subscription to one that is missing', async () => {
    const other = await KafkaEventLog.connect({
      brokers: kafka!.brokers,
      clientId: 'other',
      partitionCount: 3,
      log: SILENT,
    });
    await expect(other.ensureTopics([{ name: topic }])).rejects.toThrow(/12 partitions.*set up with 3/);
    await expect(other.owned(group(async () => {}, { topics: ['missing.topic'] }))).rejects.toThrow(/missing\.topic/);
    await other.close();
  });

  it('says that nobody answers when it cannot connect', async () => {
    const nobody = KafkaEventLog.connect({ brokers: ['127.0.0.1:1'], clientId: 'nobody', log: SILENT });
    await expect(nobody).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE' });
  });
});
