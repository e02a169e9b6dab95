import { Controller, Inject } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { agentDelivery, marketTick } from '@tickwire/contracts';
import { eventsOf, OwnedBatches, type EventBatch, type Queryable } from '@tickwire/event-log';
import { toTransient } from '@tickwire/persistence';
import type { AppHost } from '@tickwire/runtime';
import { HOST } from '../tokens.js';
import { countDeliveries } from './delivery-stats.js';
import { TickViews } from './tick-views.js';

export const AGENTS_GROUP = 'api.agents';
/** A tick record may hold 512 KiB. */
const MOST_RECORDS = 200;

/**
 * Ticks and settled callbacks -> what the API shows of agents and worlds. Safe to redeliver: a delivery at or below
 * the last counted tick is skipped, a view is only replaced by a newer one.
 */
@Controller()
export class AgentsConsumer {
  private readonly views = new TickViews();

  constructor(@Inject(HOST) private readonly host: AppHost) {}

  @OwnedBatches({
    group: AGENTS_GROUP,
    events: [agentDelivery, marketTick],
    offsets: 'port',
    maxBatchRecords: MOST_RECORDS,
  })
  async handleBatch(@Payload() batch: EventBatch): Promise<void> {
    const db = this.host.pool as unknown as Queryable;
    try {
      await countDeliveries(
        db,
        eventsOf(batch, agentDelivery).map(({ event }) => event.data),
      );
      await this.views.store(
        db,
        eventsOf(batch, marketTick).map(({ event }) => event.data),
      );
    } catch (error) {
      throw toTransient(error);
    }
  }
}
