import { Controller, Inject } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import {
  configChanged,
  signalEventId,
  webhookReceived,
  type ConfigChanged,
  type WebhookReceived,
} from '@tickwire/contracts';
import { Directory } from '@tickwire/directory';
import {
  AssumedNew,
  BroadcastEvents,
  eventsOf,
  Fence,
  OwnedBatches,
  PartitionsAssigned,
  PartitionsRevoked,
  readSignalIdentity,
  type AssignmentChange,
  type EventBatch,
  type NewRecord,
  type Position,
  type Queryable,
  type ReceivedEvent,
} from '@tickwire/event-log';
import type { AppHost } from '@tickwire/runtime';
import { HOST } from '../tokens.js';
import { Instruments } from './instruments.js';
import { judgeSignal, type Refusal } from './judge-signal.js';
import { identityKey, insertVerdicts, readVerdicts, refusedRecord, validatedRecord, type Verdict } from './verdicts.js';

export const VALIDATOR_GROUP = 'validator';
/** Signals that come so close to each other share a transaction. */
const PACE_MS = 8;
/** What is committed goes out before the partitions do; what is left then, the next owner sends. */
const REVOKE_FLUSH_MS = 1_000;

const INTERNAL: Refusal = { code: 'INTERNAL', message: 'The signal could not be processed; operators have been told' };

/**
 * `webhook.received` -> a stored verdict -> `webhook.validated` or `webhook.failed`.
 * Safe to redeliver: a verdict is stored under the signal's identity, the stored one wins, and it is sent again with the same id.
 */
@Controller()
export class ReceivedSignalsConsumer {
  private readonly instruments = new Instruments();
  private readonly standing = new AssumedNew('verdict');

  constructor(
    @Inject(HOST) private readonly host: AppHost,
    @Inject(Fence) private readonly fence: Fence,
    @Inject(Directory) private readonly directory: Directory,
  ) {}

  @PartitionsAssigned(VALIDATOR_GROUP)
  assigned(@Payload() { partitions, alive }: AssignmentChange): Promise<Position[]> {
    return this.fence.take(partitions, alive);
  }

  @PartitionsRevoked(VALIDATOR_GROUP)
  async revoked(@Payload() { partitions }: AssignmentChange): Promise<void> {
    await this.fence.flush(REVOKE_FLUSH_MS);
    this.fence.drop(partitions);
  }

  @BroadcastEvents({ name: 'validator.config', events: [configChanged], from: 'end' })
  configChanged(@Payload() events: ReceivedEvent<ConfigChanged>[]): void {
    this.directory.changed(events);
  }

  @OwnedBatches({ group: VALIDATOR_GROUP, events: [webhookReceived], offsets: 'handler', paceMs: PACE_MS })
  async handleBatch(@Payload() batch: EventBatch): Promise<void> {
    const nowMs = this.host.now();
    const candidates = await this.judge(eventsOf(batch, webhookReceived), nowMs);
    candidates.push(...faultVerdicts(batch, nowMs));

    // Only this partition's owner writes verdicts of its accounts, so what is not there now will not appear before the commit.
    await this.standing.run(
      new Map<string, NewRecord>(),
      () =>
        readVerdicts(
          this.host.pool as unknown as Queryable,
          candidates.map((each) => each.identity),
        ),
      (standing) => this.store(batch, candidates, standing, nowMs),
    );
  }

  private store(
    batch: EventBatch,
    candidates: readonly Verdict[],
    standing: ReadonlyMap<string, NewRecord>,
    nowMs: number,
  ): Promise<void> {
    const emit: { partition: number; record: NewRecord }[] = batch.faults.map(({ record, letter }) => ({
      partition: record.partition,
      record: letter,
    }));
    const records = new Map(standing);
    const fresh: Verdict[] = [];
    for (const verdict of candidates) {
      const key = identityKey(verdict.identity);
      if (!records.has(key)) {
        records.set(key, verdict.record);
        fresh.push(verdict);
      }
      emit.push({ partition: verdict.partition, record: records.get(key)! });
    }
    return this.fence.transact({
      next: batch.next,
      write: (transaction) => insertVerdicts(transaction, fresh, nowMs),
      emit,
    });
  }

  private async judge(events: readonly ReceivedEvent<WebhookReceived>[], nowMs: number): Promise<Verdict[]> {
    const signals = events.map(({ event }) => event.data);
    const [tenants, accounts, bots] = await Promise.all([
      this.directory.tenants(distinct(signals.map((signal) => signal.tenantId))),
      this.directory.accounts(distinct(signals.map((signal) => signal.accountId))),
      this.directory.bots(distinct(signals.flatMap((signal) => signal.botId ?? []))),
    ]);
    const worlds = await this.directory.worlds(distinct([...accounts.values()].map((account) => account.quoteSource)));
    return events.map(({ record, event }) => {
      const { data } = event;
      const account = accounts.get(data.accountId);
      const world = account && worlds.get(account.quoteSource);
      const refusal = judgeSignal(data, {
        tenant: tenants.get(data.tenantId),
        account,
        bot: data.botId === undefined ? null : bots.get(data.botId),
        instrument: world && this.instruments.find(world, data.symbol),
      });
      return {
        identity: data,
        webhookId: event.id,
        partition: record.partition,
        record: refusal
          ? refusedRecord({ ...data, webhookId: event.id, traceparent: event.traceparent }, refusal, nowMs)
          : validatedRecord(event, nowMs),
      };
    });
  }
}

/** A dead-lettered signal whose identity can be read still gets its final event. */
function faultVerdicts(batch: EventBatch, nowMs: number): Verdict[] {
  return batch.faults.flatMap(({ record }) => {
    const identity = readSignalIdentity(record.value);
    if (!identity) return [];
    const webhookId = signalEventId(identity.tenantId, identity.accountId, identity.signalId);
    return [
      {
        identity,
        webhookId,
        partition: record.partition,
        record: refusedRecord({ ...identity, webhookId }, INTERNAL, nowMs),
      },
    ];
  });
}

function distinct(ids: readonly string[]): string[] {
  return [...new Set(ids)];
}
