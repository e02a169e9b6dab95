import { Controller, Inject } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import {
  Fence,
  OwnedBatches,
  PartitionsAssigned,
  PartitionsRevoked,
  type AssignmentChange,
  type EventBatch,
  type Position,
} from '@tickwire/event-log';
import { SignalNews } from '../signals/signal-news.js';
import { ApiMetrics } from './api-metrics.js';
import { insertLifecycle, toLifecycleRow } from './lifecycle-rows.js';
import { LIFECYCLE_EVENTS } from './lifecycle-types.js';

export const PROJECTOR_GROUP = 'api.projector';
/** What a status may lag behind; the stages of a signal pass meanwhile and are stored together. */
const PACE_MS = 100;

/**
 * Every event of every signal's life -> one history per tenant. Safe to redeliver: the positions move in the
 * transaction that stores the events, and an event whose id is known is skipped, whoever sent it twice.
 */
@Controller()
export class LifecycleConsumer {
  constructor(
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
    const rows = batch.events.map(toLifecycleRow);
    await this.fence.transact({
      next: batch.next,
      write: (transaction) => insertLifecycle(transaction, rows, (stored) => this.metrics.projected(stored)),
      emit: batch.faults.map(({ record, letter }) => ({ partition: record.partition, record: letter })),
    });
    this.news.tell(rows.map((row) => row.webhookId));
  }
}
