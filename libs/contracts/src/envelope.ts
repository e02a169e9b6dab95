import { eventDefinition, type AppName, type EventDefinition } from './define-event.js';
import { isoTime } from './iso-time.js';

/**
 * CloudEvents 1.0, structured JSON: the one form on the log, in callbacks and on the stream.
 * Extension names are lower case letters and digits, as CloudEvents asks.
 */
export interface EventEnvelope<T extends object = object> {
  specversion: '1.0';
  id: string;
  /** `/tickwire/<app>`. */
  source: string;
  type: string;
  subject: string;
  /** ISO 8601 UTC with milliseconds. */
  time: string;
  datacontenttype: 'application/json';
  dataschema: string;
  tenantid?: string;
  accountid?: string;
  /** The id of the event that began the story: a signal's webhookId. */
  correlationid?: string;
  /** The id of the event that caused this one. */
  causationid?: string;
  /** W3C trace context. */
  traceparent?: string;
  data: T;
}

export interface EventFacts<T extends object> {
  id: string;
  source: AppName;
  subject: string;
  timeMs: number;
  tenantId?: string;
  accountId?: string;
  correlationId?: string;
  causationId?: string;
  traceparent?: string;
  data: T;
}

export function createEvent<T extends object>(definition: EventDefinition<T>, facts: EventFacts<T>): EventEnvelope<T> {
  return {
    specversion: '1.0',
    id: facts.id,
    source: `/tickwire/${facts.source}`,
    type: definition.type,
    subject: facts.subject,
    time: isoTime(facts.timeMs),
    datacontenttype: 'application/json',
    dataschema: definition.dataschema,
    tenantid: facts.tenantId,
    accountid: facts.accountId,
    correlationid: facts.correlationId,
    causationid: facts.causationId,
    traceparent: facts.traceparent,
    data: facts.data,
  };
}

/** What the log has to know of an event to append it. */
export interface EncodedEvent {
  topic: string;
  key: string;
  value: string;
}

/** @throws InvalidEvent when the data breaks the contract: a producer's bug, found before the log has it */
export function encodeEvent<T extends object>(definition: EventDefinition<T>, event: EventEnvelope<T>): EncodedEvent {
  const problem = definition.problemOf(event.data);
  if (problem) throw new InvalidEvent('SCHEMA', `${definition.type} ${event.id}: data${problem}`);
  return { topic: definition.topic, key: definition.key(event.data), value: JSON.stringify(event) };
}

/** Why a record is not an event. Kept in the dead letter's headers. */
export type InvalidEventReason = 'NOT_UTF8' | 'NOT_JSON' | 'NOT_AN_EVENT' | 'UNKNOWN_TYPE' | 'WRONG_TOPIC' | 'SCHEMA';

export class InvalidEvent extends Error {
  constructor(
    readonly reason: InvalidEventReason,
    message: string,
  ) {
    super(message);
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads a record's value as an event of the topic it was found on.
 * @throws InvalidEvent with the reason; the record belongs into the dead letters
 */
export function decodeEvent(topic: string, value: Uint8Array): EventEnvelope {
  let text: string;
  try {
    text = utf8.decode(value);
  } catch {
    throw new InvalidEvent('NOT_UTF8', 'The value is not UTF-8');
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new InvalidEvent('NOT_JSON', 'The value is not JSON');
  }
  const event = parsed as Partial<EventEnvelope> | null;
  if (
    !event ||
    typeof event !== 'object' ||
    event.specversion !== '1.0' ||
    typeof event.id !== 'string' ||
    typeof event.type !== 'string' ||
    typeof event.time !== 'string' ||
    !event.data ||
    typeof event.data !== 'object'
  ) {
    throw new InvalidEvent('NOT_AN_EVENT', 'The value is not a CloudEvents 1.0 event');
  }
  const definition = eventDefinition(event.type);
  if (!definition) throw new InvalidEvent('UNKNOWN_TYPE', `No event of type ${event.type.slice(0, 100)} is known`);
  if (definition.topic !== topic) throw new InvalidEvent('WRONG_TOPIC', `${event.type} does not belong on ${topic}`);
  const problem = definition.problemOf(event.data);
  if (problem) throw new InvalidEvent('SCHEMA', `data${problem}`);
  return event as EventEnvelope;
}
