import { DEFAULT_PARTITIONS } from '@tickwire/event-log';
import { verifyWorlds } from '@tickwire/execution';
import { createPool } from '@tickwire/persistence';
import { KafkaSystem } from '../src/exactly-once/kafka-system.js';
import { Oracle } from '../src/exactly-once/oracle.js';
import { SignalSender, type SentSignal } from '../src/exactly-once/signal-sender.js';

/** After a fault a group's session has to run out, and the backlog of all of them has to be worked off. */
const FINAL_WITHIN_MS = 300_000;

/** The deployment on Kafka with somebody who sends and somebody who judges. */
export class FaultGround {
  private constructor(
    readonly system: KafkaSystem,
    readonly sender: SignalSender,
    private readonly oracle: Oracle,
  ) {}

  /** @param env of every process, besides what it needs */
  static async prepare(env: Record<string, string> = {}): Promise<FaultGround> {
    const system = await KafkaSystem.start({ env });
    return new FaultGround(system, new SignalSender(system.dev), new Oracle(system.postgres.connectionString));
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
  }
}
