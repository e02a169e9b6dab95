import { allTopics } from '@tickwire/contracts';
import { KafkaEventLog } from '@tickwire/event-log';
import { startKafka, testDatabase } from '@tickwire/testing';
import { AgentReceiver } from '../fixtures/agent-receiver.js';
import { DispatchBench, until } from '../fixtures/dispatch-bench.js';

const AGENT = 'agt_kafka';
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

const kafka = await startKafka();
afterAll(() => kafka?.stop());

(kafka ? describe : describe.skip)('the tick dispatcher on Kafka (needs Java 17 and Maven)', () => {
  it('delivers, records, commits what is settled, and goes on behind it after a restart', async () => {
    const log = await KafkaEventLog.connect({
      brokers: kafka!.brokers,
      clientId: 'spec',
      replicationFactor: 1,
      minInSync: 1,
      log: quiet,
    });
    // A broker that has just begun leads some partitions later than others.
    await until(() =>
      log.ensureTopics(allTopics()).then(
        () => true,
        () => false,
      ),
    );
    const bench = await DispatchBench.open(await testDatabase(), log);
    const agent = await AgentReceiver.start(() => ({ body: '{"actions":[{"type":"FLEE","payload":{}}]}' }));
    try {
      await bench.agent(AGENT, { callbackUrl: agent.url });
      await bench.start();
      await bench.tick(1, [AGENT]);
      await bench.settled(AGENT, 1);
      await bench.tick(2, [AGENT]);
      await bench.settled(AGENT, 2);
      await bench.stop();
      // Without the database's word, only the committed offsets keep the settled ticks from being sent again.
      await bench.pool.query('DELETE FROM "agent_dispatch"');
      await bench.start();
      await bench.tick(3, [AGENT]);
      await bench.settled(AGENT, 3);
      expect(agent.ticks()).toEqual([1, 2, 3]);
      expect((await bench.deliveries(AGENT)).map(({ tick, outcome }) => [tick, outcome])).toEqual([
        [1, 'delivered'],
        [2, 'delivered'],
        [3, 'delivered'],
      ]);
      expect((await bench.actions(AGENT)).map(({ tick }) => tick)).toEqual([1, 2, 3]);
    } finally {
      await bench.close();
      await agent.stop();
    }
  }, 90_000);
});
