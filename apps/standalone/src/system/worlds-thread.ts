import { parentPort } from 'node:worker_threads';
import { loadConfig } from '@tickwire/config';
import { ExecutionConfig, startExecution } from '@tickwire/execution';
import { createLogger, ManagementServer, openHost } from '@tickwire/runtime';
import type { WorldsCommand, WorldsMessage } from './in-process.js';
import { reportMetrics } from './thread-metrics.js';

const HEALTH_EVERY_MS = 1_000;

// The worlds' role of execution in a thread of the standalone process: its own event loop, pool and log.
const port = parentPort!;
const config = loadConfig(ExecutionConfig);
const logger = createLogger({ app: 'execution', level: config.LOG_LEVEL as 'info' }).child({ role: 'worlds' });
// Its checks and metrics are asked here and told to the main thread, which answers for the process.
const management = new ManagementServer({ port: 0, host: '127.0.0.1' });
const host = await openHost('execution', config, { logger, management, otherProcesses: false });
const running = await startExecution(config, host);
const managementPort = await management.listen();

const tell = (message: WorldsMessage): void => port.postMessage(message);
const timer = setInterval(() => {
  fetch(`http://127.0.0.1:${managementPort}/readyz`).then(
    async (answer) => {
      await answer.arrayBuffer();
      tell({ kind: 'health', ok: answer.ok });
    },
    () => tell({ kind: 'health', ok: false }),
  );
}, HEALTH_EVERY_MS);

port.on('message', (command: WorldsCommand) => {
  if (command.kind === 'metrics') return void reportMetrics(management.registry, command.answer);
  clearInterval(timer);
  void (async () => {
    await running.stop();
    await host.close();
    await management.close();
    tell({ kind: 'stopped' });
    port.close();
    process.exit(0);
  })();
});
tell({ kind: 'ready' });
