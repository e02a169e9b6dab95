import { decodeEvent, webhookReceived, webhookTradeExecuted, webhookValidated } from '@tickwire/contracts';
import { Executions } from '../pipeline/executions.js';
import { BARE_TOPICS, executedRecord, receivedRecord, validatedRecord } from './bare-records.js';

const received = receivedRecord('r', 5, 4);
const validated = validatedRecord(Buffer.from(received.value));
const executed = executedRecord(Buffer.from(validated.value));

it('goes through three topics under one key', () => {
  expect([received, validated, executed].map(({ topic }) => topic)).toEqual(Object.values(BARE_TOPICS));
  expect(new Set([received, validated, executed].map(({ key }) => key)).size).toBe(1);
});

it('carries at each hop the event that a signal would be there', () => {
  const hops = [
    [webhookReceived, received],
    [webhookValidated, validated],
    [webhookTradeExecuted, executed],
  ] as const;
  for (const [definition, { value }] of hops)
    expect(decodeEvent(definition.topic, Buffer.from(value)).type).toBe(definition.type);
});

it('is measured by the same reader as the real pipeline', () => {
  const executions = new Executions('r', 8);
  executions.see(Buffer.from(executed.value), 9);
  expect(executions.executedAtMs[5]).toBe(9);
});

it('spreads its records over as many keys as there are accounts', () => {
  const keys = Array.from({ length: 12 }, (_, index) => receivedRecord('r', index, 4).key);
  expect(new Set(keys).size).toBe(4);
  expect(keys[0]).toBe(keys[4]);
});
