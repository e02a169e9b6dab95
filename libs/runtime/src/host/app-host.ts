import { ConfigError, loadConfig, type ConfigClass } from '@tickwire/config';
import { allTopics, type AppName } from '@tickwire/contracts';
import { KafkaEventLog, PostgresEventLog, watchConsumers, type EventLog } from '@tickwire/event-log';
import { createPool } from '@tickwire/persistence';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { createLogger } from '../logging/create-logger.js';
import { ManagementServer } from '../management/management-server.js';
import { tuneHeap } from '../process/heap.js';
import { onStopSignals } from '../process/stop-signals.js';
import type { HostConfig } from './host-config.js';

/** What an app finds when it starts: its database, the event log, its logger, the operators' server. */
export interface AppHost {
  app: AppName;
  logger: Logger;
  pool: Pool;
  log: EventLog;
  management: ManagementServer;
  /** Wall clock, ms since the epoch. */
  now(): number;
}

export interface RunningApp {
  /** Where it listens, if it does. */
  url?: string;
  /** Ends intake, finishes what is running, hands over. The host's pool and log are closed by the host, afterwards. */
  stop(): Promise<void>;
}

export type StartApp<C extends HostConfig> = (config: C, host: AppHost) => Promise<RunningApp>;

export interface HostOptions {
  /** Shared where several apps live in one process. */
  management?: ManagementServer;
  logger?: Logger;
  /** Whether other processes use the Postgres log too. */
  otherProcesses?: boolean;
}

/** Opens what the app needs; the topics exist afterwards. */
export async function openHost(
  app: AppName,
  config: HostConfig,
  options: HostOptions = {},
): Promise<AppHost & { close(): Promise<void> }> {
  const logger = options.logger ?? createLogger({ app, level: config.LOG_LEVEL as 'info' });
  const pool = createPool({
    connectionString: config.DATABASE_URL,
    max: config.DATABASE_POOL_SIZE,
    applicationName: app,
    onIdleError: (error) => logger.warn({ err: error }, 'a database connection was lost'),
  });
  let log: EventLog | undefined;
  try {
    log = await connectLog(app, config, pool, logger, options);
    await log.ensureTopics(allTopics());
  } catch (error) {
    await log?.close();
    await pool.end();
    throw error;
  }
  const management = options.management ?? new ManagementServer({ port: config.MANAGEMENT_PORT });
  management.addReadiness(app, 'database', async () => void (await pool.query('SELECT 1')));
  const opened = log;
  management.addReadiness(app, 'event log', async () => {
    if (!(await opened.ping())) throw new Error('the event log does not answer');
  });
  const forgetConsumers = watchConsumers(management.registry, opened);
  return {
    app,
    logger,
    pool,
    log: opened,
    management,
    now: Date.now,
    close: async () => {
      forgetConsumers();
      await opened.close();
      await pool.end();
    },
  };
}

function connectLog(
  app: AppName,
  config: HostConfig,
  pool: Pool,
  logger: Logger,
  options: HostOptions,
): Promise<EventLog> {
  if (config.EVENT_LOG === 'postgres') {
    const { otherProcesses } = options;
    return PostgresEventLog.connect({
      pool,
      connectionString: config.DATABASE_URL,
      clientId: app,
      log: logger,
      otherProcesses,
    });
  }
  if (!config.KAFKA_BROKERS) {
    throw new ConfigError([
      { name: 'KAFKA_BROKERS', wanted: ['has to be a comma-separated host:port list, because EVENT_LOG is kafka'] },
    ]);
  }
  return KafkaEventLog.connect({
    brokers: config.KAFKA_BROKERS.split(',').map((broker) => broker.trim()),
    clientId: app,
    replicationFactor: config.KAFKA_REPLICATION_FACTOR,
    minInSync: config.KAFKA_MIN_INSYNC,
    log: logger,
  });
}

/** The `main` of an app that has a process of its own: config, host, app, probes, graceful stop. */
export async function runApp<C extends HostConfig>(
  app: AppName,
  Config: ConfigClass<C>,
  start: StartApp<C>,
): Promise<void> {
  tuneHeap();
  const bootLogger = createLogger({ app });
  try {
    const config = loadConfig(Config);
    const host = await openHost(app, config);
    const running = await start(config, host);
    const port = await host.management.listen();
    host.logger.info({ url: running.url, managementPort: port }, 'started');
    onStopSignals(
      async () => {
        host.management.startDraining();
        await running.stop();
        await host.close();
        await host.management.close();
      },
      { logger: host.logger },
    );
  } catch (error) {
    if (error instanceof ConfigError) bootLogger.fatal(error.message);
    else bootLogger.fatal({ err: error }, 'the app could not start');
    process.exitCode = 1;
    // Half-open connections must not keep a failed start alive.
    setTimeout(() => process.exit(1), 100);
  }
}
