import { join } from 'node:path';
import { migrate, startEmbeddedPostgres } from '@tickwire/persistence';
// eslint-disable-next-line @nx/enforce-module-boundaries -- the launcher belongs to no project: `npm run kafka` uses it too
import { startBroker } from '../../../../../tools/kafka/broker.mjs';
import type { BenchSystem } from './bench-system.js';

/** Only what the bare loop needs: the log and a migrated database, without a single app. */
export async function startBareSystem(log: 'kafka' | 'postgres', dataDir: string): Promise<BenchSystem> {
  const postgres = await startEmbeddedPostgres({ dataDir: join(dataDir, 'postgres') });
  try {
    await migrate(postgres.connectionString);
    const broker =
      log === 'kafka' ? await startBroker({ dataDir: join(dataDir, 'kafka'), isLongLived: true }) : undefined;
    return {
      log,
      postgresUrl: postgres.connectionString,
      kafkaBrokers: broker?.brokers,
      stop: async () => {
        await broker?.stop();
        await postgres.stop();
      },
    };
  } catch (error) {
    await postgres.stop();
    throw error;
  }
}
