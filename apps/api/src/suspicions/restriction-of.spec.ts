import { webhookSuspicious, type WebhookSuspicious } from '@tickwire/contracts';
import { CONSEQUENCE } from '@tickwire/throttle';
import { restrictionOf } from './restriction-of.js';

const AT = Date.parse('2026-11-22T10:00:00.000Z');
const suspicion = (change: Partial<WebhookSuspicious> = {}): WebhookSuspicious => ({
  ...webhookSuspicious.sample,
  pattern: 'replay_storm',
  suspect: { kind: 'nonce', id: 'n-1' },
  detectedAt: new Date(AT).toISOString(),
  ...change,
});
const quarantine = { suspicion: { replay_storm: 'quarantine', signature_failure_storm: 'quarantine' } } as const;

it('follows the policy for the pattern, counted from when it was found', () => {
  const { throttleFactor: factor, throttleMs, quarantineMs } = CONSEQUENCE;
  const later = AT + 60_000;
  expect(restrictionOf(suspicion(), { suspicion: { replay_storm: 'throttle' } }, later)).toEqual({
    kind: 'throttle',
    factor,
    until: new Date(AT + throttleMs),
  });
  expect(restrictionOf(suspicion(), quarantine, later)).toEqual({
    kind: 'quarantine',
    until: new Date(AT + quarantineMs),
  });
  for (const settings of [{}, { suspicion: {} }, { suspicion: { wrong_clock: 'quarantine' } } as const]) {
    expect(restrictionOf(suspicion(), settings, later)).toBeUndefined();
  }
});

it('restricts nothing for what is over', () => {
  const end = AT + CONSEQUENCE.quarantineMs;
  expect(restrictionOf(suspicion(), quarantine, end - 1)).toBeDefined();
  expect(restrictionOf(suspicion(), quarantine, end)).toBeUndefined();
});

it('never restricts a tenant or a bot for bad signatures, which anybody can send in its name', () => {
  const storm = (kind: WebhookSuspicious['suspect']['kind']) =>
    restrictionOf(suspicion({ pattern: 'signature_failure_storm', suspect: { kind, id: 'x' } }), quarantine, AT)?.kind;
  expect([storm('tenant'), storm('bot'), storm('source')]).toEqual([undefined, undefined, 'quarantine']);
});
