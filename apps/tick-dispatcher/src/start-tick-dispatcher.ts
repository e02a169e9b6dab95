import 'reflect-metadata';
import { Module, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ConfigError } from '@tickwire/config';
import { parseSealingKeys, SecretBox } from '@tickwire/credentials';
import {
  AddressGuard,
  CallbackClient,
  CLOSED_BREAKER,
  OriginLimiter,
  parseAllowCidrs,
  parsePorts,
  type AddressGuardSettings,
  type CallbackClientSettings,
} from '@tickwire/delivery';
import { Directory } from '@tickwire/directory';
import { EventLogServer } from '@tickwire/event-log';
import { NestLogger, type AppHost, type RunningApp } from '@tickwire/runtime';
import { TickSecrets } from './callbacks/tick-secrets.js';
import { NewestTicks } from './controls/newest-ticks.js';
import { DeliveryLog } from './deliveries/delivery-log.js';
import { DispatchMetrics } from './deliveries/dispatch-metrics.js';
import type { LaneServices } from './lanes/lane-services.js';
import { Lanes } from './lanes/lanes.js';
import { Settlements } from './settlement/settlements.js';
import type { TickDispatcherConfig } from './tick-dispatcher.config.js';
import { MarketTicksConsumer } from './ticks/market-ticks.consumer.js';
import { PreparedTicks } from './ticks/prepared-ticks.js';

/** Beyond an attempt's deadline: for the log to acknowledge its end. */
const DRAIN_MARGIN_MS = 5_000;

/** The network as the dispatcher finds it, where that is not the machine's: specs have names and authorities of their own. */
export type CallbackNetwork = Pick<AddressGuardSettings, 'resolver'> & Pick<CallbackClientSettings, 'ca'>;

@Module({})
class TickDispatcherModule {
  static of(host: AppHost, lanes: Lanes, deliveries: DeliveryLog, prepared: PreparedTicks): DynamicModule {
    return {
      module: TickDispatcherModule,
      controllers: [MarketTicksConsumer],
      providers: [
        { provide: Lanes, useValue: lanes },
        { provide: DeliveryLog, useValue: deliveries },
        { provide: PreparedTicks, useValue: prepared },
        { provide: Directory, useFactory: () => new Directory(host.pool, host.log.partitionCount) },
      ],
    };
  }
}

/**
 * Starts the tick dispatcher on the host's database and log.
 * @throws ConfigError for sealing keys, networks or ports that cannot be read
 */
export async function startTickDispatcher(
  config: TickDispatcherConfig,
  host: AppHost,
  { resolver, ca }: CallbackNetwork = {},
): Promise<RunningApp> {
  const { logger, log, pool, now } = host;
  const client = new CallbackClient({
    guard: new AddressGuard({
      allowHttp: config.CALLBACK_ALLOW_HTTP,
      allowCidrs: read('CALLBACK_ALLOW_CIDRS', () => parseAllowCidrs(config.CALLBACK_ALLOW_CIDRS.join(','))),
      allowedPorts: read('CALLBACK_PORTS', () => parsePorts(config.CALLBACK_PORTS)),
      ...(resolver && { resolver }),
    }),
    ...(ca !== undefined && { ca }),
    connectionsPerOrigin: 2 * config.MAX_IN_FLIGHT_PER_ORIGIN, // one for each that may be in flight, overdue or not
  });
  const limiter = new OriginLimiter({
    maxInFlight: config.MAX_IN_FLIGHT,
    maxPerOrigin: config.MAX_IN_FLIGHT_PER_ORIGIN,
    // Agents of one host that hang must not cost their neighbours a tick: they give up their places before their deadline.
    maxOverduePerOrigin: config.MAX_IN_FLIGHT_PER_ORIGIN,
    // Each agent waits at most once, so their number is the bound.
    maxWaitingPerOrigin: Infinity,
  });
  const secrets = new TickSecrets(read('SECRETS_KEYS', () => new SecretBox(parseSealingKeys(config.SECRETS_KEYS))));
  const deliveries = new DeliveryLog(log, logger, now);
  const settlements = new Settlements(pool, logger);
  const metrics = new DispatchMetrics(host.management.registry, () => limiter.stats());
  const prepared = new PreparedTicks();
  const services: LaneServices = {
    client,
    limiter,
    secrets,
    deliveries,
    settlements,
    metrics,
    newestTicks: new NewestTicks(log, prepared),
    logger,
    freshBreaker: CLOSED_BREAKER,
    timeoutMs: config.CALLBACK_TIMEOUT_MS,
    now,
    random: Math.random,
  };
  const lanes = new Lanes(pool, services, log);
  const server = new EventLogServer(log, logger);
  const app = await NestFactory.createMicroservice(TickDispatcherModule.of(host, lanes, deliveries, prepared), {
    strategy: server,
    logger: new NestLogger(logger),
    abortOnError: false,
  });
  await app.listen();
  const forgetReadiness = host.management.addReadiness('tick-dispatcher', 'consumers', () => {
    if (!server.healthy()) throw new Error('a consumer lost its session, or one of its partitions is stopped');
  });
  return {
    stop: async () => {
      await lanes.drain(config.CALLBACK_TIMEOUT_MS + DRAIN_MARGIN_MS);
      await app.close();
      settlements.close();
      await client.destroy();
      forgetReadiness();
      metrics.remove();
    },
  };
}

/** What a config class cannot check is refused as it would: by the variable's name. */
function read<T>(name: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new ConfigError([{ name, wanted: [(error as Error).message] }]);
  }
}
