import 'reflect-metadata';
import { Module, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Directory } from '@tickwire/directory';
import { EventLogServer, Fence } from '@tickwire/event-log';
import { NestLogger, type AppHost, type RunningApp } from '@tickwire/runtime';
import { ReceivedSignalsConsumer, VALIDATOR_GROUP } from './signals/received-signals.consumer.js';
import { HOST } from './tokens.js';
import type { ValidatorConfig } from './validator.config.js';

@Module({})
class ValidatorModule {
  static of(host: AppHost): DynamicModule {
    return {
      module: ValidatorModule,
      controllers: [ReceivedSignalsConsumer],
      providers: [
        { provide: HOST, useValue: host },
        { provide: Fence, useFactory: () => new Fence(host.pool, host.log, VALIDATOR_GROUP, host.logger) },
        { provide: Directory, useFactory: () => new Directory(host.pool, host.log.partitionCount) },
      ],
    };
  }
}

/** Starts the validator on the host's database and log. */
export async function startValidator(_config: ValidatorConfig, host: AppHost): Promise<RunningApp> {
  const server = new EventLogServer(host.log, host.logger);
  const app = await NestFactory.createMicroservice(ValidatorModule.of(host), {
    strategy: server,
    logger: new NestLogger(host.logger),
    abortOnError: false,
  });
  await app.listen();
  const removeCheck = host.management.addReadiness('validator', 'consumers', () => {
    if (!server.healthy()) throw new Error('a consumer lost its session, or one of its partitions is stopped');
  });
  return {
    stop: async () => {
      removeCheck();
      await app.close();
    },
  };
}
