import { spawnSync } from 'node:child_process';
import type { Deployed } from '@tickwire/standalone';
import { KafkaSystem } from './kafka-system.js';
import { Oracle } from './oracle.js';
import { SignalSender, type SentSignal } from './signal-sender.js';

const found = (command: string, flag: string): boolean => spawnSync(command, [flag], { stdio: 'ignore' }).status === 0;
const present = found('java', '-version') && found('mvn', '--version') && found('redis-server', '--version');
if (!present && process.env['TICKWIRE_REQUIRE_ALL'] === '1')
  throw new Error('Java 17, Maven and redis-server are required here');

(present ? describe : describe.skip)('exactly once, a process per app on Kafka and Redis', () => {
  let system: KafkaSystem;
  let sender: SignalSender;
  let oracle: Oracle;
  const sent: SentSignal[] = [];

  const expectExactlyOnce = async (): Promise<void> => {
    const verdict = await oracle.judge(system.dev.accountId!, sent);
    expect(verdict).toEqual({
      final: sent.length,
      lost: [],
      doubled: [],
      executions: sent.length,
      position: sent.length,
      filled: sent.length,
    });
  };

  beforeAll(async () => {
    system = await KafkaSystem.start();
    sender = new SignalSender(system.dev);
    oracle = new Oracle(system.postgres.connectionString);
  }, 180_000);

  afterAll(async () => {
    await sender?.close();
    await oracle?.close();
    await system?.remove();
  }, 90_000);

  it('gives 1,000 signals sent at once exactly one final event each, and a position that is the sum of the fills', async () => {
    sent.push(...(await sender.send(1_000, { concurrency: 200 })));
    await expectExactlyOnce();
  }, 150_000);

  it('does so while execution, validator, ingress and api are killed in turn and started again', async () => {
    const victims: Deployed[] = ['execution-accounts', 'validator', 'ingress', 'api'];
    const sending = sender.send(600, { concurrency: 20, deadlineMs: 150_000 });
    for (const victim of victims) {
      await new Promise((resolve) => setTimeout(resolve, 400));
      await system.deployment.kill(victim);
      await system.deployment.startOne(victim);
    }
    sent.push(...(await sending));
    await expectExactlyOnce();
  }, 240_000);
});
