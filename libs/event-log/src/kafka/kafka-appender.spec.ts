import { randomUUID } from 'node:crypto';
import net from 'node:net';
import { startKafka, startTcpProxy, type TcpProxy } from '@tickwire/testing';
import { LogUnavailable } from '../log-errors.js';
import type { LogSink } from '../port.js';
import { KafkaEventLog, type KafkaEventLogOptions } from './kafka-event-log.js';

const SILENT: LogSink = { info: () => {}, warn: () => {}, error: () => {} };
const kafka = await startKafka();
afterAll(() => kafka?.stop());

(kafka ? describe : describe.skip)('appending to Kafka', () => {
  let proxy: TcpProxy;
  let log: KafkaEventLog;
  let topic: string;

  const connect = (options: Partial<KafkaEventLogOptions> = {}) =>
    KafkaEventLog.connect({
      brokers: kafka!.brokers,
      clientId: 'appender',
      appendTimeoutMs: 2_000,
      log: SILENT,
      // Whatever address a broker advertises, the way leads through the proxy.
      socketFactory: ({ onConnect }) => net.connect({ host: proxy.host, port: proxy.port }, onConnect),
      ...options,
    });
  const values = async (partition = 0) =>
    (await log.read({ topic, partition, offset: 0 }, 1_000)).map(({ value }) => value.toString());
  const record = (value: string, partition = 0) => ({ topic, key: 'k', value, partition });

  beforeEach(async () => {
    const [host, port] = kafka!.brokers[0]!.split(':');
    proxy = await startTcpProxy({ host: host!, port: Number(port) });
    log = await connect();
    topic = `appender.${randomUUID()}`;
    await log.ensureTopics([{ name: topic }]);
  });
  afterEach(async () => {
    await log.close();
    await proxy.close();
  });

  it('has both batches in the log when the answer to the first is lost and the second has the same length', async () => {
    await log.append([record('before')]);
    proxy.dropAnswers = true;
    await expect(log.append([record('first')])).rejects.toBeInstanceOf(LogUnavailable);
    proxy.dropAnswers = false;
    await log.append([record('other')]);
    expect(await values()).toEqual(['before', 'first', 'other']);
  });

  it('sends what waits behind a lost send on a new producer, within its own deadline', async () => {
    await log.append([record('before')]);
    proxy.dropAnswers = true;
    const lost = log.append([record('lost')]).catch((error: unknown) => error);
    // A turn later, so that it does not share the send.
    await new Promise((resolve) => setTimeout(resolve, 400));
    const waiting = log.append([record('waiting')]);
    expect(await lost).toBeInstanceOf(LogUnavailable);
    proxy.dropAnswers = false;
    await waiting;
    expect(await values()).toEqual(['before', 'lost', 'waiting']);
  });

  it('goes on after its connections were cut, and puts no record in twice within a send', async () => {
    const sent: string[] = [];
    const acknowledged: string[] = [];
    for (let i = 0; i < 60; i++) {
      if (i % 20 === 10) proxy.cut();
      sent.push(String(i));
      await log.append([record(String(i))]).then(
        () => acknowledged.push(String(i)),
        (error: unknown) => expect(error).toBeInstanceOf(LogUnavailable),
      );
    }
    const read = await values();
    expect(read.filter((value) => acknowledged.includes(value))).toEqual(acknowledged);
    expect(new Set(read).size).toBe(read.length);
    expect(acknowledged.length).toBeGreaterThan(50);
  });

  it('tells its callers in time when nothing answers, whether their records were sent or still wait', async () => {
    await log.append([record('before')]);
    proxy.dropAnswers = true;
    const startedAt = performance.now();
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => log.append([record(String(i))])));
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    proxy.dropAnswers = false;
  });

  it('refuses at once what does not fit into its queue', async () => {
    const small = await connect({ maxQueuedBytes: 2_000 });
    const fits = small.append([record('x'.repeat(1_000))]);
    await expect(small.append([record('x'.repeat(1_000))])).rejects.toBeInstanceOf(LogUnavailable);
    await fits;
    await small.append([record('x'.repeat(1_000))]);
    await small.close();
  });

  it('refuses what could never be appended, and appends what came with it', async () => {
    const good = log.append([record('good')]);
    const outcomes = await Promise.allSettled([
      log.append([{ topic: `${topic}.missing`, key: 'k', value: 'v' }]),
      log.append([record('v', 12)]),
      log.append([record('x'.repeat(1_000_000))]),
    ]);
    await good;
    for (const outcome of outcomes) {
      expect(outcome.status).toBe('rejected');
      expect((outcome as PromiseRejectedResult).reason).not.toBeInstanceOf(LogUnavailable);
    }
    expect(await values()).toEqual(['good']);
  });

  it('acknowledges what was queued before it was closed', async () => {
    const appends = Array.from({ length: 50 }, (_, i) => log.append([record(String(i))]));
    await log.close();
    await Promise.all(appends);
    log = await connect();
    expect(await values()).toHaveLength(50);
  });
});
