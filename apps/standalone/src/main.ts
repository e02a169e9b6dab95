import { ManagementServer, tuneHeap } from '@tickwire/runtime';
import { readOptions } from './options.js';
import { runLocal } from './run-local.js';
import { startInProcess } from './system/in-process.js';

const options = readOptions(
  'npm start --',
  'Tickwire in one process, on a Postgres of its own.',
  '.tickwire',
  process.argv,
);

tuneHeap();
await runLocal(options, async (environment, { ports }) => {
  const management = new ManagementServer({ port: ports.management, host: '127.0.0.1' });
  const system = await startInProcess(environment(), management);
  await management.listen();
  return {
    stop: async () => {
      management.startDraining();
      await system.stop();
      await management.close();
    },
  };
});
