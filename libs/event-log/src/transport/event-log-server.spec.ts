import 'reflect-metadata';
import { Controller, Module } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { accountControl, createEvent, encodeEvent, type AccountControl } from '@tickwire/contracts';
import { TransientError } from '@tickwire/errors';
import { testDatabase, type TestDatabase } from '@tickwire/testing';
import { readDeadLetter, replayRecord, type LogSink } from '../index.js';
import { PostgresEventLog } from '../postgres/postgres-event-log.js';
import { BroadcastEvents, OwnedBatches, PartitionsAssigned, PartitionsRevoked } from './decorators.js';
import { eventsOf, type AssignmentChange, type EventBatch, type ReceivedEvent } from './event-batch.js';
import { EventLogServer } from './event-log-server.js';

const quiet: LogSink = { info: () => undefined, warn: () => undefined, error: () => undefined };
const handled: string[] = [];
const heard: string[] = [];
const changes: string[] = [];
let transientFailures = 0;

@Controller()
class AccountsConsumer {
  @PartitionsAssigned('spec')
  assigned(@Payload() change: AssignmentChange): void {
    changes.push(`assigned ${change.partitions.length}`);
  }

  @PartitionsRevoked('spec')
  revoked(@Payload() change: AssignmentChange): void {
    changes.push(`revoked ${change.partitions.length}`);
  }

  @OwnedBatches({ group: 'spec', events: [accountControl], offsets: 'port' })
  handleBatch(@Payload() batch: EventBatch): void {
    for (const { event } of eventsOf(batch, accountControl)) {
      if (event.data.accountId === 'acc_bug') throw new TypeError('a bug');
      if (event.data.accountId === 'acc_away' && transientFailures > 0) {
        transientFailures -= 1;
        throw new TransientError('the database is away');
      }
    }
    handled.push(...eventsOf(batch, accountControl).map(({ event }) => event.data.accountId));
  }

  @BroadcastEvents({ name: 'listener', events: [accountControl], from: 'end' })
  hear(@Payload() events: ReceivedEvent<AccountControl>[]): void {
    heard.push(...events.map(({ event }) => event.data.accountId));
  }
}

@Module({ controllers: [AccountsConsumer] })
class SpecModule {}

const account = (accountId: string) =>
  encodeEvent(
    accountControl,
    createEvent(accountControl, {
      id: accountId,
      source: 'api',
      subject: accountId,
      timeMs: 0,
      data: { ...accountControl.sample, accountId },
    }),
  );
const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
};

describe('the event log as a Nest transport', () => {
  let database: TestDatabase;
  let log: PostgresEventLog;
  let app: Awaited<ReturnType<typeof start>>;

  const start = async () => {
    const testing = await Test.createTestingModule({ imports: [SpecModule] }).compile();
    const service = testing.createNestMicroservice({ strategy: new EventLogServer(log, quiet), logger: false });
    await service.listen();
    return service;
  };

  beforeEach(async () => {
    handled.length = heard.length = changes.length = 0;
    database = await testDatabase();
    log = await PostgresEventLog.connect({
      pool: database.pool(),
      connectionString: database.connectionString,
      clientId: 'spec',
      log: quiet,
    });
    await log.ensureTopics([{ name: 'account.control' }, { name: 'account.control.dead' }]);
    app = await start();
  });

  afterEach(async () => {
    await app.close();
    await log.close();
    await database.drop();
  });

  const deadLetters = async () => {
    const bounds = await log.bounds(['account.control.dead']);
    return (await Promise.all(bounds.map((bound) => log.read({ ...bound, offset: bound.start }, 100)))).flat();
  };

  it('hands decorated methods their assignment, their batches and what is broadcast', async () => {
    await log.append([account('acc_1'), account('acc_2')]);
    await until(() => handled.length === 2 && heard.length === 2);
    expect(handled.sort()).toEqual(['acc_1', 'acc_2']);
    expect(changes).toEqual(['assigned 12']);
    await app.close();
    expect(changes).toEqual(['assigned 12', 'revoked 12']);
  });

  it('puts a malformed record and one that trips a bug into the dead letters, each with its reason, and goes on', async () => {
    const key = 'acc_same';
    await log.append([
      { topic: 'account.control', key, value: '{"no":' },
      { ...account('acc_bug'), key },
      { ...account('acc_after'), key },
    ]);
    await until(() => handled.includes('acc_after'));
    const letters = (await deadLetters()).map((record) => readDeadLetter(record)!);
    const own = letters.filter((letter) => letter.group === 'spec');
    expect(own.map((letter) => [letter.topic, letter.offset, letter.reason])).toEqual([
      ['account.control', 0, 'NOT_JSON'],
      ['account.control', 1, 'CODE_FAULT'],
    ]);
    expect(own[1]!.message).toContain('a bug');
  });

  it('retries the same batch while infrastructure is away, and buries nothing', async () => {
    transientFailures = 2;
    await log.append([account('acc_away')]);
    await until(() => handled.includes('acc_away'));
    expect(handled).toEqual(['acc_away']);
    expect(await deadLetters()).toEqual([]);
  });

  it('brings a mended dead letter back to its own group alone', async () => {
    await log.append([{ topic: 'account.control', key: 'acc_3', value: 'broken' }]);
    let letters = await deadLetters();
    while (letters.length < 2) letters = await deadLetters();
    const mine = letters.find((record) => readDeadLetter(record)!.group === 'spec')!;
    await log.append([replayRecord(readDeadLetter(mine)!, mine, account('acc_3').value)]);
    await until(() => handled.includes('acc_3'));
    expect(heard).toEqual([]);
  });
});
