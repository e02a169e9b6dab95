import path from 'node:path';
import { readOptions } from './options.js';
import { runLocal, type StartSystem } from './run-local.js';
import { Deployment } from './system/kafka-deployment.js';
import { startKafkaAndRedis } from './system/kafka-and-redis.js';

/** All that the log is to grow to: made under load, each part of it stops ten processes at once. */
const LOG_AHEAD_MB = 1024;

const options = readOptions(
  'npm run start:kafka --',
  'Tickwire as it is deployed: a process per app, on Kafka and Redis.',
  '.tickwire/kafka-system',
  process.argv,
);

const startSystem: StartSystem = async (environment, { dataDir, ports, say }) => {
  const infrastructure = await startKafkaAndRedis(dataDir, say);
  const deployment = new Deployment({
    env: environment(infrastructure),
    logDir: path.join(dataDir, 'logs'),
    managementBase: ports.management + 10,
    onExit: (name, code, signal) => {
      process.stderr.write(
        `${name} ended (${signal ?? `code ${code}`}); its log is in ${path.join(dataDir, 'logs')}. Restarting it.\n`,
      );
      setTimeout(() => deployment.spawn(name), 1_000);
    },
  });
  try {
    await deployment.start((line) => say(`  ${line}`));
  } catch (error) {
    await deployment.stop();
    await infrastructure.stop();
    throw error;
  }
  return {
    kafkaBrokers: infrastructure.brokers,
    stop: async () => {
      await deployment.stop();
      await infrastructure.stop();
    },
  };
};

await runLocal(options, startSystem, { logAheadMb: LOG_AHEAD_MB });
