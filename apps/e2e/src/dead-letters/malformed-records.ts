import { eventDefinitions, type EventDefinition, type InvalidEventReason } from '@tickwire/contracts';
import type { NewRecord } from '@tickwire/event-log';

export interface MalformedRecord {
  definition: EventDefinition;
  reason: InvalidEventReason;
  record: NewRecord;
}

/** Ids of a running system: a record under one of their keys lies in front of what comes next for them. */
export interface LivingIds {
  tenantId: string;
  accountId: string;
  worldId: string;
  agentId: string;
}

const envelope = (type: string, data: unknown): string =>
  JSON.stringify({
    specversion: '1.0',
    id: 'malformed',
    source: '/tickwire/nobody',
    type,
    time: '2026-01-01T00:00:00.000Z',
    data,
  });

/** Every way in which a record can be no event of its topic. */
const WAYS: [InvalidEventReason, (definition: EventDefinition) => string | Buffer][] = [
  ['NOT_UTF8', () => Buffer.from([0x7b, 0xff, 0xfe, 0x7d])],
  ['NOT_JSON', ({ type, sample }) => envelope(type, sample).slice(0, -1)],
  ['NOT_AN_EVENT', ({ sample }) => JSON.stringify(sample)],
  ['UNKNOWN_TYPE', ({ type, sample }) => envelope(`${type}.v9`, sample)],
  [
    'WRONG_TOPIC',
    ({ type }) => {
      const other = eventDefinitions().find((each) => each.type !== type)!;
      return envelope(other.type, other.sample);
    },
  ],
  ['SCHEMA', ({ type }) => envelope(type, { version: 'not a number' })],
];

/** For each event of the system one record that is none, in one way or another; over all of them every way occurs. */
export function malformedRecords(ids: LivingIds): MalformedRecord[] {
  return eventDefinitions().map((definition, index) => {
    const [reason, write] = WAYS[index % WAYS.length]!;
    const key = definition.key({ ...definition.sample, ...ids });
    return { definition, reason, record: { topic: definition.topic, key, value: write(definition) } };
  });
}
