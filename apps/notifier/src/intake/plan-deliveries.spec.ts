import {
  createEvent,
  encodeEvent,
  decodeEvent,
  webhookFailed,
  webhookReceived,
  webhookSuspicious,
  webhookValidated,
  type EventDefinition,
} from '@tickwire/contracts';
import type { EndpointEntry } from '@tickwire/directory';
import type { ReceivedEvent } from '@tickwire/event-log';
import { v7 } from 'uuid';
import { planDeliveries, TieBreaker, type LifecycleFacts } from './plan-deliveries.js';

const endpoint = (id: string, events: string[] = []): EndpointEntry => ({
  id,
  tenantId: 'ten_1',
  url: 'https://example.test/',
  events,
  sealedSecret: '',
  sealedPreviousSecret: null,
  previousSecretUntil: null,
  status: 'active',
  version: 1,
});

function read<T extends object>(
  definition: EventDefinition<T>,
  timestampMs: number,
  accountId?: string,
): ReceivedEvent<LifecycleFacts> {
  const data = { ...definition.sample, tenantId: 'ten_1', accountId } as T;
  const encoded = encodeEvent(
    definition,
    createEvent(definition, { id: v7(), source: 'ingress', subject: 's', timeMs: 0, data }),
  );
  const record = {
    topic: encoded.topic,
    partition: 0,
    offset: 0,
    key: 'k',
    value: Buffer.from(encoded.value),
    headers: {},
    timestampMs,
  };
  return { record, event: decodeEvent(encoded.topic, record.value) } as ReceivedEvent<LifecycleFacts>;
}

describe('planDeliveries', () => {
  it('goes by the log’s time and, within a millisecond, by the stages of a signal', () => {
    const late = read(webhookReceived, 200, 'acc_1');
    const validated = read(webhookValidated, 100, 'acc_1');
    const received = read(webhookReceived, 100, 'acc_1');
    const planned = planDeliveries(
      [late, validated, received],
      new Map([['ten_1', [endpoint('whe_1')]]]),
      new TieBreaker(),
    );
    expect(planned.map(({ event, dueAtMs, tie }) => [event.eventId, dueAtMs, tie])).toEqual([
      [received.event.id, 100, 0],
      [validated.event.id, 100, 1],
      [late.event.id, 200, 0],
    ]);
  });

  it('numbers on from batch to batch within a millisecond, each account for itself', () => {
    const ties = new TieBreaker();
    expect([ties.next('a', 1), ties.next('b', 1), ties.next('a', 1), ties.next('a', 2)]).toEqual([0, 0, 1, 0]);
  });

  it('plans one delivery per endpoint that wants the type, with the bytes of the log', () => {
    const failed = read(webhookFailed, 1);
    const endpoints = [
      endpoint('whe_all'),
      endpoint('whe_failed', ['webhook.failed']),
      endpoint('whe_other', ['webhook.received']),
    ];
    const planned = planDeliveries([failed], new Map([['ten_1', endpoints]]), new TieBreaker());
    expect(planned.map(({ endpointId }) => endpointId)).toEqual(['whe_all', 'whe_failed']);
    expect(planned.every(({ event }) => event.body === failed.record.value)).toBe(true);
  });

  it('tells of suspicious senders only where it was asked to', () => {
    const endpoints = [endpoint('whe_all'), endpoint('whe_asked', ['webhook.suspicious'])];
    const planned = planDeliveries(
      [read(webhookSuspicious, 100), read(webhookReceived, 100, 'acc_1')],
      new Map([['ten_1', endpoints]]),
      new TieBreaker(),
    );
    expect(planned.map(({ endpointId, event }) => [endpointId, event.type])).toEqual([
      ['whe_asked', 'webhook.suspicious'],
      ['whe_all', 'webhook.received'],
    ]);
  });

  it('plans nothing for a tenant without endpoints', () => {
    expect(planDeliveries([read(webhookReceived, 1, 'acc_1')], new Map([['ten_1', []]]), new TieBreaker())).toEqual([]);
  });
});
