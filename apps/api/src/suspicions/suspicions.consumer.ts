import { Controller, Inject } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { webhookSuspicious } from '@tickwire/contracts';
import { eventsOf, OwnedBatches, type EventBatch } from '@tickwire/event-log';
import { Suspicions } from './suspicions.js';

export const SUSPICIONS_GROUP = 'api.suspicions';

/**
 * What the door found suspicious -> the tenant's list, and what its policy makes of it. Safe to redeliver: a suspicion
 * is stored once, and its restriction in the same transaction.
 */
@Controller()
export class SuspicionsConsumer {
  constructor(@Inject(Suspicions) private readonly suspicions: Suspicions) {}

  @OwnedBatches({ group: SUSPICIONS_GROUP, events: [webhookSuspicious], offsets: 'port' })
  async handleBatch(@Payload() batch: EventBatch): Promise<void> {
    await this.suspicions.store(eventsOf(batch, webhookSuspicious).map(({ event }) => event.data));
  }
}
