import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
// eslint-disable-next-line @nx/enforce-module-boundaries -- the launcher belongs to no project: `npm run kafka` uses it too
import { ToolMissing, startBroker } from '../../../../tools/kafka/broker.mjs';

/** A broker for tests. */
export interface TestKafka {
  /** `host:port`, one entry or more. */
  brokers: string[];
  /** Of the broker's process; absent when the broker is shared and not ours to kill. */
  readonly pid: number | undefined;
  /** Ends it in order and removes its data; nothing for a shared one. */
  stop(): Promise<void>;
  /** SIGKILL; its data stays. @throws Error for a shared broker */
  kill(): Promise<void>;
  /** Up again on the same port with the same data; resolves once it answers. @throws Error for a shared broker */
  restart(): Promise<void>;
}

export interface TestKafkaOptions {
  /** A free one when absent. */
  port?: number;
  /** A temporary folder, removed by `stop`, when absent. */
  dataDir?: string;
  /** A broker for this test alone, which it may kill, even where tests share one. */
  own?: boolean;
}

/**
 * A real single-node Kafka on loopback, ready to use. With `TICKWIRE_TEST_KAFKA` (broker addresses, comma-separated) tests
 * share that one, which saves each of them the start.
 *
 * @returns undefined when Java 17 or Maven is missing, so that a test can skip itself
 * @throws ToolMissing instead, when `TICKWIRE_REQUIRE_ALL=1`; says what to install
 */
export async function startKafka(options: TestKafkaOptions = {}): Promise<TestKafka | undefined> {
  const shared = process.env['TICKWIRE_TEST_KAFKA'];
  const wantsOwn = options.own === true || options.port !== undefined || options.dataDir !== undefined;
  if (shared && !wantsOwn) return sharedKafka(shared);
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'tickwire-kafka-')));
  const removeData = async () => {
    if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true });
  };
  try {
    const broker = await startBroker({ dataDir, ...(options.port === undefined ? {} : { port: options.port }) });
    return {
      brokers: broker.brokers,
      get pid() {
        return broker.pid;
      },
      stop: () => broker.stop().then(removeData),
      kill: () => broker.kill(),
      restart: () => broker.restart(),
    };
  } catch (error) {
    await removeData();
    if (error instanceof ToolMissing && process.env['TICKWIRE_REQUIRE_ALL'] !== '1') return undefined;
    throw error;
  }
}

function sharedKafka(addresses: string): TestKafka {
  const refuse = async () => {
    throw new Error('This broker is shared; ask for one with own: true');
  };
  return { brokers: addresses.split(','), pid: undefined, stop: async () => {}, kill: refuse, restart: refuse };
}
