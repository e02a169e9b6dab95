import 'reflect-metadata';
import { Kafka, CloudEvent } from 'cloudevents';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import fc from 'fast-check';
import {
  createEvent,
  decodeEvent,
  encodeEvent,
  eventDefinitions,
  InvalidEvent,
  schemaOf,
  SignalRequest,
  webhookReceived,
  type EventDefinition,
} from './index.js';
import { Ajv } from 'ajv';

const events = eventDefinitions();

describe('the registry', () => {
  it.each(events.map((event) => [event.type, event] as const))('%s: its sample keeps its contract', (_type, event) => {
    expect(event.problemOf(event.sample)).toBeUndefined();
    expect(classProblems(event, event.sample)).toEqual([]);
    expect(event.key(event.sample)).toBeTruthy();
  });

  it.each(events.map((event) => [event.type, event] as const))(
    '%s: class and compiled schema judge mutated samples alike',
    (_type, event) => {
      const fields = Object.keys(event.schema['properties'] as object);
      const junk = fc.oneof(
        fc.constant(undefined),
        fc.constant(null),
        fc.boolean(),
        fc.integer(),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.string({ maxLength: 200 }),
        fc.constantFrom('', '1', '1.5', '-1', '1e5', 'buy', '2026-11-22T08:00:00.000Z', 'X'.repeat(2000)),
        fc.constant([]),
        fc.constant({}),
      );
      fc.assert(
        fc.property(fc.constantFrom(...fields), junk, (field, value) => {
          const mutated: Record<string, unknown> = { ...(event.sample as Record<string, unknown>), [field]: value };
          if (value === undefined) delete mutated[field];
          // class-validator takes null for absent where a field is optional; on the log absent means absent.
          if (value === null) return;
          const bySchema = event.problemOf(mutated) === undefined;
          const byClass = classProblems(event, mutated).length === 0;
          if (bySchema !== byClass)
            throw new Error(`${field}=${JSON.stringify(value)}: schema ${bySchema}, class ${byClass}`);
        }),
        { numRuns: 300 },
      );
    },
  );

  it('judges a signal request by class and by schema alike', () => {
    const validate = new Ajv({ strict: false }).compile(schemaOf(SignalRequest));
    const base = { tenantId: 't', accountId: 'a', symbol: 'NVLT', action: 'buy', quantity: 1 };
    const values = fc.oneof(
      fc.double(),
      fc.integer(),
      fc.constantFrom('1', '1.50', '0', '0.0', '1e3', '+1', ' 1', '0x1', 'NaN', '-3', '1e', '00.1'),
    );
    fc.assert(
      fc.property(fc.constantFrom('quantity', 'price', 'stopLoss', 'takeProfit'), values, (field, value) => {
        if (typeof value === 'number' && !Number.isFinite(value)) return;
        const request = { ...base, [field]: value };
        const byClass = validateSync(plainToInstance(SignalRequest, request)).length === 0;
        expect(validate(request)).toBe(byClass);
      }),
    );
  });
});

describe('the envelope', () => {
  const event = createEvent(webhookReceived, {
    id: webhookReceived.sample.webhookId,
    source: 'ingress',
    subject: webhookReceived.sample.signalId,
    timeMs: 1_000,
    tenantId: webhookReceived.sample.tenantId,
    accountId: webhookReceived.sample.accountId,
    correlationId: webhookReceived.sample.webhookId,
    data: webhookReceived.sample,
  });

  it('is a CloudEvents 1.0 event in the eyes of the official library', () => {
    const parsed = Kafka.toEvent({
      headers: { 'content-type': 'application/cloudevents+json' },
      body: undefined,
      value: encodeEvent(webhookReceived, event).value,
    } as never) as CloudEvent<unknown>;
    expect(parsed.validate()).toBe(true);
    expect(parsed.type).toBe('webhook.received');
    expect(parsed.tenantid).toBe(webhookReceived.sample.tenantId);
  });

  it('comes back from its bytes as it went', () => {
    const { topic, value } = encodeEvent(webhookReceived, event);
    expect(decodeEvent(topic, Buffer.from(value))).toEqual(JSON.parse(value));
  });

  it.each([
    ['NOT_UTF8', Buffer.from([0xff, 0xfe, 0x00])],
    ['NOT_JSON', Buffer.from('{')],
    ['NOT_AN_EVENT', Buffer.from('{"id":1}')],
    ['NOT_AN_EVENT', Buffer.from('null')],
    ['UNKNOWN_TYPE', Buffer.from(JSON.stringify({ ...event, type: 'webhook.unheard' }))],
    ['WRONG_TOPIC', Buffer.from(JSON.stringify({ ...event, type: 'webhook.validated' }))],
    ['SCHEMA', Buffer.from(JSON.stringify({ ...event, data: { ...event.data, quantity: 'ten' } }))],
  ])('refuses a record with the reason %s', (reason, value) => {
    expect(() => decodeEvent('webhook.received', value)).toThrow(expect.objectContaining({ reason }) as InvalidEvent);
  });

  it('does not encode what breaks its contract', () => {
    const broken = { ...event, data: { ...event.data, action: 'hold' as never } };
    expect(() => encodeEvent(webhookReceived, broken)).toThrow(InvalidEvent);
  });
});

function classProblems(event: EventDefinition, data: object): unknown[] {
  return validateSync(plainToInstance(event.payload, data) as object);
}
