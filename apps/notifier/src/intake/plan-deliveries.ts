import { webhookSuspicious } from '@tickwire/contracts';
import type { EndpointEntry } from '@tickwire/directory';
import type { ReceivedEvent } from '@tickwire/event-log';
import type { NewDelivery } from '../deliveries/delivery.js';

/** A lifecycle event, as far as its delivery depends on its content. */
export interface LifecycleFacts {
  tenantId: string;
  accountId?: string;
}

/** The stages of a signal, for events that the log took in the same millisecond. */
const STAGES = [
  'webhook.received',
  'webhook.validated',
  'webhook.trade_executed',
  'webhook.completed',
  'webhook.failed',
];

const MAX_ACCOUNTS = 10_000;

/** Numbers an account's events of one millisecond, across batches: the log's time alone would leave their order open. */
export class TieBreaker {
  private readonly latest = new Map<string, { timestampMs: number; tie: number }>();

  /** @returns 0 for the first event of the account in this millisecond, then 1, … */
  next(account: string, timestampMs: number): number {
    const last = this.latest.get(account);
    const tie = last?.timestampMs === timestampMs ? last.tie + 1 : 0;
    if (!last && this.latest.size >= MAX_ACCOUNTS) this.latest.clear();
    this.latest.set(account, { timestampMs, tie });
    return tie;
  }
}

/**
 * Which endpoints get which events of a batch, in the order of the log's time.
 *
 * @param events of any partitions and topics; within a partition of a topic in offset order
 * @param endpoints active ones, by tenant
 */
export function planDeliveries(
  events: readonly ReceivedEvent<LifecycleFacts>[],
  endpoints: ReadonlyMap<string, readonly EndpointEntry[]>,
  ties: TieBreaker,
): Omit<NewDelivery, 'claimed'>[] {
  return [...events].sort(byLogTime).flatMap(({ event, record }) => {
    const { tenantId, accountId = '' } = event.data;
    const wanting = endpoints.get(tenantId)?.filter((endpoint) => wants(endpoint, event.type)) ?? [];
    if (wanting.length === 0) return [];
    const dueAtMs = record.timestampMs;
    const tie = ties.next(`${tenantId} ${accountId}`, dueAtMs);
    const stored = { eventId: event.id, tenantId, type: event.type, body: record.value };
    return wanting.map((target) => ({ endpointId: target.id, tenantId, event: stored, dueAtMs, tie, target }));
  });
}

function wants({ events }: EndpointEntry, type: string): boolean {
  // Unasked an endpoint gets the life of its signals; what is told of senders only where it asks for it.
  return events.length === 0 ? type !== webhookSuspicious.type : events.includes(type);
}

/** Stable, so that offsets decide where time and stage do not. */
function byLogTime(a: ReceivedEvent, b: ReceivedEvent): number {
  return a.record.timestampMs - b.record.timestampMs || STAGES.indexOf(a.event.type) - STAGES.indexOf(b.event.type);
}
