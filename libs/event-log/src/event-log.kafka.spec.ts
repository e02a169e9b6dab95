import net from 'node:net';
import { startKafka } from '@tickwire/testing';
import { Kafka, logLevel, type ISocketFactory } from 'kafkajs';
import { describeEventLog } from './event-log.conformance.js';
import { KafkaEventLog } from './kafka/kafka-event-log.js';
import type { EventLog, LogSink, SessionTiming } from './port.js';

const SILENT: LogSink = { info: () => {}, warn: () => {}, error: () => {} };
/** The test broker allows sessions from one second on. */
const TIMING: SessionTiming = { sessionMs: 1_500, heartbeatMs: 300, rebalanceMs: 3_000 };

const kafka = await startKafka();
afterAll(() => kafka?.stop());

if (kafka) {
  describeEventLog('Kafka', async () => {
    const networks = new WeakMap<EventLog, KillableNetwork>();
    return {
      timing: TIMING,
      async connect(clientId) {
        const network = new KillableNetwork();
        const log = await KafkaEventLog.connect({
          brokers: kafka.brokers,
          clientId,
          timing: TIMING,
          log: SILENT,
          socketFactory: network.socketFactory,
        });
        networks.set(log, network);
        return log;
      },
      expire: async ({ topic, partition, offset }) => {
        const admin = new Kafka({ brokers: kafka.brokers, clientId: 'retention', logLevel: logLevel.NOTHING }).admin();
        await admin.connect();
        try {
          await admin.fetchTopicOffsets(topic); // kafkajs asks nobody where the topic is before it deletes
          await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(offset) }] });
        } finally {
          await admin.disconnect();
        }
      },
      kill: async (connection) => networks.get(connection)!.kill(),
    };
  });
} else {
  describe.skip('Kafka as an event log (needs Java 17 and Maven)', () => it('is not run', () => {}));
}

/** The network of one process, which ends without a word when the process is killed. */
class KillableNetwork {
  private readonly sockets = new Set<net.Socket>();
  private isDead = false;

  readonly socketFactory: ISocketFactory = ({ host, port, onConnect }) => {
    if (this.isDead) throw new Error('this process is dead');
    const socket = net.connect({ host, port }, onConnect);
    socket.setNoDelay(true);
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
    return socket;
  };

  kill(): void {
    this.isDead = true;
    for (const socket of this.sockets) socket.destroy(new Error('killed'));
  }
}
