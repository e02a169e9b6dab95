import 'reflect-metadata';
import { Module, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Directory } from '@tickwire/directory';
import { EventLogServer, Fence } from '@tickwire/event-log';
import { NestLogger, type AppHost, type RunningApp } from '@tickwire/runtime';
import { AccountsConsumer, ACCOUNTS_GROUP } from './accounts/accounts.consumer.js';
import type { ExecutionConfig } from './execution.config.js';
import { ACCOUNTS_FENCE, CONFIG, HOST, WORLDS_FENCE } from './tokens.js';
import { WorldsConsumer, WORLDS_GROUP } from './worlds/worlds.consumer.js';

@Module({})
class ExecutionModule {
  static of(config: ExecutionConfig, host: AppHost): DynamicModule {
    const fence = (group: string) => () => new Fence(host.pool, host.log, group, host.logger);
    return {
      module: ExecutionModule,
      controllers: [
        ...(config.ROLE === 'worlds' ? [] : [AccountsConsumer]),
        ...(config.ROLE === 'accounts' ? [] : [WorldsConsumer]),
      ],
      providers: [
        { provide: HOST, useValue: host },
        { provide: CONFIG, useValue: config },
        { provide: ACCOUNTS_FENCE, useFactory: fence(ACCOUNTS_GROUP) },
        { provide: WORLDS_FENCE, useFactory: fence(WORLDS_GROUP) },
        { provide: Directory, useFactory: () => new Directory(host.pool, host.log.partitionCount) },
      ],
    };
  }
}

/** Starts the roles of `config.ROLE`: accounts, worlds, or both. */
export async function startExecution(config: ExecutionConfig, host: AppHost): Promise<RunningApp> {
  const server = new EventLogServer(host.log, host.logger);
  const app = await NestFactory.createMicroservice(ExecutionModule.of(config, host), {
    strategy: server,
    logger: new NestLogger(host.logger),
    abortOnError: false,
  });
  await app.listen();
  const removeCheck = host.management.addReadiness('execution', 'consumers', () => {
    if (!server.healthy()) throw new Error('a consumer lost its session, or one of its partitions is stopped');
  });
  const removeChecks = [removeCheck];
  if (config.ROLE !== 'accounts') {
    const worlds = app.get(WorldsConsumer);
    const removeWorlds = host.management.addReadiness('execution', 'worlds', () => {
      const failed = worlds.failedWorlds();
      if (failed.length > 0) throw new Error(`these worlds do not tick: ${failed.join(', ')}`);
    });
    removeChecks.push(removeWorlds);
  }
  return {
    stop: async () => {
      for (const remove of removeChecks) remove();
      await app.close();
    },
  };
}
