import { Controller, Inject } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import {
  configChanged,
  webhookCompleted,
  webhookFailed,
  webhookSuspicious,
  webhookReceived,
  webhookTradeExecuted,
  webhookValidated,
  type ConfigChanged,
} from '@tickwire/contracts';
import { Directory, type EndpointEntry } from '@tickwire/directory';
import { BroadcastEvents, OwnedBatches, type EventBatch, type ReceivedEvent } from '@tickwire/event-log';
import { deliveryKey, type NewDelivery } from '../deliveries/delivery.js';
import { DeliveryStore } from '../deliveries/delivery-store.js';
import { CallbackSender } from '../sending/callback-sender.js';
import { planDeliveries, TieBreaker, type LifecycleFacts } from './plan-deliveries.js';

export const NOTIFIER_GROUP = 'notifier';
/** The stages of a signal pass meanwhile, and their callbacks are stored together. */
const PACE_MS = 50;

/**
 * The lifecycle of signals -> deliveries to the tenants' endpoints. A batch is through when its deliveries are stored; only
 * then does its position move. Safe to redeliver: a delivery is stored once per endpoint and event.
 */
@Controller()
export class LifecycleEventsConsumer {
  private readonly ties = new TieBreaker();

  constructor(
    @Inject(Directory) private readonly directory: Directory,
    @Inject(DeliveryStore) private readonly store: DeliveryStore,
    @Inject(CallbackSender) private readonly sender: CallbackSender,
  ) {}

  @BroadcastEvents({ name: 'notifier.config', events: [configChanged], from: 'end' })
  configChanged(@Payload() events: ReceivedEvent<ConfigChanged>[]): void {
    this.directory.changed(events);
  }

  @OwnedBatches({
    group: NOTIFIER_GROUP,
    paceMs: PACE_MS,
    events: [
      webhookReceived,
      webhookValidated,
      webhookTradeExecuted,
      webhookCompleted,
      webhookFailed,
      webhookSuspicious,
    ],
    offsets: 'port',
  })
  async handleBatch(@Payload() batch: EventBatch): Promise<void> {
    const events = batch.events as readonly ReceivedEvent<LifecycleFacts>[];
    const planned = planDeliveries(events, await this.endpointsOf(events), this.ties);
    if (planned.length > 0) await this.storeAndSend(planned);
  }

  private async endpointsOf(events: readonly ReceivedEvent<LifecycleFacts>[]): Promise<Map<string, EndpointEntry[]>> {
    const tenantIds = new Set(events.map(({ event }) => event.data.tenantId));
    const found = await Promise.all(
      [...tenantIds].map(async (id) => [id, await this.directory.endpoints(id)] as const),
    );
    return new Map(found);
  }

  /** What the sender has room for is stored as claimed by it and sent without being read back. */
  private async storeAndSend(planned: readonly Omit<NewDelivery, 'claimed'>[]): Promise<void> {
    const deliveries: NewDelivery[] = [];
    const queued = new Set<string>();
    for (const delivery of planned) {
      const { endpointId } = delivery;
      const claimed = !queued.has(endpointId) && this.sender.reserve(endpointId);
      if (!claimed) queued.add(endpointId); // what follows it stays behind it
      deliveries.push({ ...delivery, claimed });
    }
    const claimedAtMs = performance.now();
    const claimed = deliveries.filter((delivery) => delivery.claimed);
    let inserted: Set<string>;
    try {
      inserted = await this.store.insert(deliveries);
    } catch (error) {
      for (const { endpointId } of claimed) this.sender.giveUp(endpointId);
      throw error;
    }
    for (const { endpointId, event, dueAtMs, target } of claimed) {
      const { eventId, body } = event;
      if (!inserted.delete(deliveryKey({ endpointId, eventId }))) this.sender.giveUp(endpointId);
      else this.sender.send({ endpointId, eventId, attempts: 0, dueAtMs, body, target }, claimedAtMs);
    }
    this.sender.leftWaiting(queued);
  }
}
