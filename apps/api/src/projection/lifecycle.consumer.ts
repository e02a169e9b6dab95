import { Controller, Inject } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import {
  AssumedNew,
  Fence,
  OwnedBatches,
  PartitionsAssigned,
  PartitionsRevoked,
  type AssignmentChange,
  type EventBatch,
  type Position,
  type Queryable,
} from '@tickwire/event-log';
import type { AppHost } from '@tickwire/runtime';
import { SignalNews } from '../signals/signal-news.js';
import { HOST } from '../tokens.js';
import { ApiMetrics } from './api-metrics.js';
import {
  distinctEvents,
  insertLifecycle,
  readStoredEvents,
  toLifecycleRow,
  type LifecycleRow,
} from './lifecycle-rows.js';
import { LIFECYCLE_EVENTS } from './lifecycle-types.js';

export const PROJECTOR_GROUP = 'api.projector';
/** What a status may lag behind; the stages of a signal pass meanwhile and are stored together. */
const PACE_MS = 100;

/**
 * Every event of every signal's life -> one history per tenant. Safe to redeliver: the positions move in the
 * transaction that stores the events, and an event that is stored is skipped, whoever sent it twice.
 */
@Controller()
export class LifecycleConsumer {
  private readonly stored = new AssumedNew('lifecycle_event');

  constructor(
    @Inject(HOST) private readonly host: AppHost,
    @Inject(Fence) private readonly fence: Fence,
    @Inject(SignalNews) private readonly news: SignalNews,
    @Inject(ApiMetrics) private readonly metrics: ApiMetrics,
  ) {}

  @PartitionsAssigned(PROJECTOR_GROUP)
  assigned(@Payload() { partitions, alive }: AssignmentChange): Promise<Position[]> {
    return this.fence.take(partitions, alive);
  }

  @PartitionsRevoked(PROJECTOR_GROUP)
  revoked(@Payload() { partitions }: AssignmentChange): void {
    this.fence.drop(partitions);
  }

  @OwnedBatches({ group: PROJECTOR_GROUP, events: LIFECYCLE_EVENTS, offsets: 'handler', paceMs: PACE_MS })
  async handleBatch(@Payload() batch: EventBatch): Promise<void> {
    const rows = distinctEvents(batch.events.map(toLifecycleRow));
    const emit = batch.faults.map(({ record, letter }) => ({ partition: record.partition, record: letter }));
    let fresh: LifecycleRow[] = [];
    await this.stored.run(
      new Set<string>(),
      () => readStoredEvents(this.host.pool as unknown as Queryable, rows),
      (stored) => {
        fresh = rows.filter((row) => !stored.has(row.eventId));
        return this.fence.transact({
          next: batch.next,
          write: (transaction) => insertLifecycle(transaction, fresh),
          emit,
        });
      },
    );
    this.metrics.projected(fresh);
    this.news.tell(rows.map((row) => row.webhookId));
  }
}
