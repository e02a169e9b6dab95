import { setTimeout as sleep } from 'node:timers/promises';
import { DEFAULT_PARTITIONS } from '@tickwire/event-log';
import { verifyWorlds } from '@tickwire/execution';
import { createPool } from '@tickwire/persistence';
import { KafkaSystem } from '../src/exactly-once/kafka-system.js';
import { Oracle } from '../src/exactly-once/oracle.js';
import { SignalSender, type SentSignal } from '../src/exactly-once/signal-sender.js';
import { CallbackReceiver } from './callback-receiver.js';

/** After a fault a group's session has to run out, and the backlog of all of them has to be worked off. */
const FINAL_WITHIN_MS = 300_000;

/** The deployment on Kafka with somebody who sends and somebody who judges. */
export class FaultGround {
  private constructor(
    readonly system: KafkaSystem,
    readonly sender: SignalSender,
    private readonly oracle: Oracle,
    private readonly receiver: CallbackReceiver,
  ) {}

  /** @param env of every process, besides what it needs */
  static async prepare(env: Record<string, string> = {}): Promise<FaultGround> {
    const system = await KafkaSystem.start({ env });
    const { port } = new URL(system.dev.agents[0]!.callbackUrl);
    const receiver = await CallbackReceiver.listen(Number(port)).catch(async (error: unknown) => {
      await system.remove();
      throw error;
    });
    const oracle = new Oracle(system.postgres.connectionString);
    return new FaultGround(system, new SignalSender(system.dev), oracle, receiver);
  }

  /** Every signal final once, executed once, and the position their sum. */
  async expectExactlyOnce(sent: readonly SentSignal[]): Promise<void> {
    const verdict = await this.oracle.judge(this.system.dev.accountId!, sent, FINAL_WITHIN_MS);
    expect(verdict).toEqual({
      final: sent.length,
      lost: [],
      doubled: [],
      executions: sent.length,
      position: sent.length,
      filled: sent.length,
    });
  }

  /** The tenant has been told every signal's end, and never the same message in two versions. */
  async expectCallbacks(sent: readonly SentSignal[]): Promise<void> {
    const untold = (): string[] =>
      sent.filter(({ webhookId }) => !this.receiver.heardFinals.has(webhookId)).map(({ signalId }) => signalId);
    const until = performance.now() + FINAL_WITHIN_MS;
    while (untold().length > 0 && performance.now() < until) await sleep(100);
    expect(untold()).toEqual([]);
    expect(this.receiver.changed).toEqual([]);
  }

  /** Every tick of every world replays from tick 0 to the recorded hash. */
  async expectProvenWorlds(): Promise<void> {
    const { connectionString } = this.system.postgres;
    const pool = createPool({ connectionString, applicationName: 'nightly-proof', max: 1 });
    const [proof] = await verifyWorlds(pool, DEFAULT_PARTITIONS).finally(() => pool.end());
    expect(proof).toMatchObject({ worldId: this.system.dev.worldId });
    expect(proof!.ticks).toBeGreaterThan(0);
  }

  async remove(): Promise<void> {
    await this.sender.close();
    await this.oracle.close();
    await this.system.remove();
    await this.receiver.close();
  }
}
