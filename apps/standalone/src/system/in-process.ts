import { Worker, type MessagePort } from 'node:worker_threads';
import { ApiConfig, startApi } from '@tickwire/api';
import { loadConfig, type ConfigClass } from '@tickwire/config';
import type { AppName } from '@tickwire/contracts';
import { ExecutionConfig, startExecution } from '@tickwire/execution';
import { IngressConfig, startIngress } from '@tickwire/ingress';
import { NotifierConfig, startNotifier } from '@tickwire/notifier';
import { createLogger, openHost, type HostConfig, type ManagementServer, type StartApp } from '@tickwire/runtime';
import { startTickDispatcher, TickDispatcherConfig } from '@tickwire/tick-dispatcher';
import { startValidator, ValidatorConfig } from '@tickwire/validator';
import type { Environment } from './environment.js';
import { serveThreadMetrics } from './thread-metrics.js';

export interface System {
  stop(): Promise<void>;
}

/** Starts every app in this process, the worlds in a thread of their own: their ticks must not wait for requests. */
export async function startInProcess(env: Environment, management: ManagementServer): Promise<System> {
  const stops: (() => Promise<void>)[] = [];
  const start = async <C extends HostConfig>(
    app: AppName,
    Config: ConfigClass<C>,
    startApp: StartApp<C>,
    extra: Environment = {},
  ) => {
    const config = loadConfig(Config, { ...env, ...extra });
    const logger = createLogger({ app, level: config.LOG_LEVEL as 'info' });
    const host = await openHost(app, config, { management, logger, otherProcesses: false });
    stops.push(() => host.close());
    const running = await startApp(config, host);
    stops.push(() => running.stop());
  };
  const stop = async (): Promise<void> => {
    // What was started last takes things in from what was started first.
    for (const each of stops.splice(0).reverse()) await each();
  };
  try {
    await start('api', ApiConfig, startApi);
    const worlds = await startWorldsThread(env, management);
    stops.push(worlds.stop);
    await start('execution', ExecutionConfig, startExecution, { ROLE: 'accounts' });
    await start('tick-dispatcher', TickDispatcherConfig, startTickDispatcher);
    await start('notifier', NotifierConfig, startNotifier);
    await start('validator', ValidatorConfig, startValidator);
    await start('ingress', IngressConfig, startIngress);
    return { stop };
  } catch (error) {
    await stop().catch(() => undefined);
    throw error;
  }
}

/** What the worlds' thread is told: to hand over and end, or to report its metrics. */
export type WorldsCommand = { kind: 'stop' } | { kind: 'metrics'; answer: MessagePort };

/** Messages of the worlds' thread. */
export type WorldsMessage = { kind: 'ready' } | { kind: 'health'; ok: boolean } | { kind: 'stopped' };

async function startWorldsThread(env: Environment, management: ManagementServer): Promise<System> {
  const worker = new Worker(new URL('./worlds-thread.js', import.meta.url), {
    env: { ...process.env, ...env, ROLE: 'worlds' },
  });
  let healthy = true;
  let stopping = false;
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`The worlds' thread ended with code ${code} before it was ready`)));
    worker.on('message', (message: WorldsMessage) => {
      if (message.kind === 'ready') resolve();
      if (message.kind === 'health') healthy = message.ok;
    });
  });
  worker.on('exit', (code) => {
    if (stopping) return;
    // As a process of its own would be: restarted from outside, with everything recovered from the database.
    process.stderr.write(`The worlds' thread ended unexpectedly with code ${code}; stopping\n`);
    process.exit(1);
  });
  management.addReadiness('execution worlds', 'consumers', () => {
    if (!healthy) throw new Error("the worlds' consumers are not healthy");
  });
  const tell = (command: WorldsCommand, transferred: MessagePort[] = []): void =>
    worker.postMessage(command, transferred);
  serveThreadMetrics(management.registry, [
    { name: 'worlds', ask: (answer) => tell({ kind: 'metrics', answer }, [answer]) },
  ]);
  return {
    stop: async () => {
      stopping = true;
      tell({ kind: 'stop' });
      await exited;
    },
  };
}
