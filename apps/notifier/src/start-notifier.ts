import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { Module, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ConfigError } from '@tickwire/config';
import { parseSealingKeys, SecretBox } from '@tickwire/credentials';
import { AddressGuard, CallbackClient, parseAllowCidrs, parsePorts } from '@tickwire/delivery';
import { Directory } from '@tickwire/directory';
import { EventLogServer } from '@tickwire/event-log';
import { NestLogger, type AppHost, type RunningApp } from '@tickwire/runtime';
import { DeliveryStore } from './deliveries/delivery-store.js';
import { LifecycleEventsConsumer } from './intake/lifecycle-events.consumer.js';
import { NotifierMetrics } from './metrics/notifier-metrics.js';
import type { NotifierConfig } from './notifier.config.js';
import { CallbackPruner } from './retention/callback-pruner.js';
import { ExpiredCallbacks } from './retention/expired-callbacks.js';
import { CallbackCaller } from './sending/callback-caller.js';
import { CallbackSender } from './sending/callback-sender.js';
import { CallbackSigner } from './sending/callback-signer.js';
import { parseSchedule } from './sending/retry-schedule.js';

/** Many endpoints may lie behind one host; together they get this many connections, or one endpoint's part if that is more. */
const MAX_PER_ORIGIN = 64;
const DAY_MS = 24 * 3_600_000;

@Module({})
class NotifierModule {
  static of(host: AppHost, store: DeliveryStore, sender: CallbackSender): DynamicModule {
    return {
      module: NotifierModule,
      controllers: [LifecycleEventsConsumer],
      providers: [
        { provide: Directory, useFactory: () => new Directory(host.pool, host.log.partitionCount) },
        { provide: DeliveryStore, useValue: store },
        { provide: CallbackSender, useValue: sender },
      ],
    };
  }
}

/**
 * Starts the notifier on the host's database and log.
 * @throws ConfigError naming the variable that makes no sense
 */
export async function startNotifier(config: NotifierConfig, host: AppHost): Promise<RunningApp> {
  const store = new DeliveryStore(host.pool, `notifier-${randomUUID()}`, config.CLAIM_LEASE_MS);
  const { sender, metrics } = createSender(config, host, store);
  const expired = new ExpiredCallbacks(host.pool, config.CALLBACK_RETENTION_DAYS * DAY_MS);
  const pruner = new CallbackPruner(expired, host.logger, metrics.pruned);
  const server = new EventLogServer(host.log, host.logger);
  const removers = [
    () => metrics.remove(),
    host.management.addReadiness('notifier', 'consumers', () => {
      if (!server.healthy()) throw new Error('a consumer lost its session, or one of its partitions is stopped');
    }),
  ];
  const stop = async (close: () => Promise<void>): Promise<void> => {
    try {
      await close(); // intake first: it hands deliveries to the sender
    } finally {
      await Promise.all([sender.stop(), pruner.stop()]);
      for (const remove of removers) remove();
    }
  };
  sender.start();
  pruner.start();
  try {
    const app = await NestFactory.createMicroservice(NotifierModule.of(host, store, sender), {
      strategy: server,
      logger: new NestLogger(host.logger),
      abortOnError: false,
    });
    await app.listen();
    return { stop: () => stop(() => app.close()) };
  } catch (error) {
    await stop(() => server.close());
    throw error;
  }
}

function createSender(
  config: NotifierConfig,
  host: AppHost,
  store: DeliveryStore,
): { sender: CallbackSender; metrics: NotifierMetrics } {
  const timeoutMs = config.CALLBACK_TIMEOUT_MS;
  if (config.CLAIM_LEASE_MS < 2 * timeoutMs) {
    throw new ConfigError([{ name: 'CLAIM_LEASE_MS', wanted: ['must be at least twice CALLBACK_TIMEOUT_MS'] }]);
  }
  const maxPerOrigin = Math.max(MAX_PER_ORIGIN, config.MAX_IN_FLIGHT_PER_ENDPOINT);
  const guard = new AddressGuard({
    allowHttp: config.CALLBACK_ALLOW_HTTP,
    allowCidrs: allowedCidrs(config),
    allowedPorts: allowedPorts(config),
  });
  const client = new CallbackClient({
    guard,
    connectTimeoutMs: Math.min(timeoutMs, 10_000),
    connectionsPerOrigin: maxPerOrigin,
  });
  const signer = new CallbackSigner(secretBox(config));
  const schedule = parseSchedule(config.RETRY_SCHEDULE_MS);
  const caller = new CallbackCaller(
    client,
    signer,
    { timeoutMs, schedule, now: host.now, random: Math.random },
    host.logger,
  );
  const metrics: NotifierMetrics = new NotifierMetrics(host.management.registry, store, () => sender.stats());
  const sender: CallbackSender = new CallbackSender(
    {
      maxInFlight: config.MAX_IN_FLIGHT,
      maxInFlightPerOrigin: maxPerOrigin,
      maxInFlightPerEndpoint: config.MAX_IN_FLIGHT_PER_ENDPOINT,
      timeoutMs,
      stopGraceMs: config.STOP_GRACE_MS,
    },
    { store, client, caller, logger: host.logger, onSettled: metrics.settled },
  );
  return { sender, metrics };
}

function allowedCidrs(config: NotifierConfig): ReturnType<typeof parseAllowCidrs> {
  try {
    return parseAllowCidrs(config.CALLBACK_ALLOW_CIDRS);
  } catch (error) {
    throw new ConfigError([{ name: 'CALLBACK_ALLOW_CIDRS', wanted: [(error as Error).message] }]);
  }
}

function allowedPorts(config: NotifierConfig): ReturnType<typeof parsePorts> {
  try {
    return parsePorts(config.CALLBACK_PORTS);
  } catch (error) {
    throw new ConfigError([{ name: 'CALLBACK_PORTS', wanted: [(error as Error).message] }]);
  }
}

function secretBox(config: NotifierConfig): SecretBox {
  try {
    return new SecretBox(parseSealingKeys(config.SECRETS_KEYS));
  } catch (error) {
    throw new ConfigError([{ name: 'SECRETS_KEYS', wanted: [(error as Error).message] }]);
  }
}
