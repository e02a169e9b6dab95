import { SignalRequest } from '@tickwire/contracts';
import { formatWebhookSecret, parseWebhookSecret, verifyStandardWebhook } from '@tickwire/signing';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import { indexOfSignal, signSignals, type Senders } from './signed-signals.js';

const NOW_MS = Date.UTC(2026, 10, 22, 8);
const senders: Senders = {
  tenantId: 'ten_1',
  accountIds: ['acc_1', 'acc_2'],
  symbol: 'NVLT',
  signingSecret: formatWebhookSecret(Buffer.alloc(32, 7)),
};
const signals = signSignals(senders, 'r1', 8, NOW_MS);
const bodies = signals.map(({ body }) => JSON.parse(body) as { accountId: string; action: string; signalId: string });

it('makes requests that the door takes: authentic and well formed', () => {
  for (const { body, headers } of signals) {
    const verdict = verifyStandardWebhook({
      id: headers['webhook-id']!,
      timestamp: headers['webhook-timestamp']!,
      signature: headers['webhook-signature']!,
      body: Buffer.from(body),
      keys: [parseWebhookSecret(senders.signingSecret)],
      nowMs: NOW_MS + 299_000,
      toleranceMs: 300_000,
    });
    expect(verdict.ok).toBe(true);
    expect(validateSync(plainToInstance(SignalRequest, JSON.parse(body)))).toEqual([]);
  }
});

it('serves all accounts in turn, and leaves each of them flat after an even number of turns', () => {
  expect(bodies.slice(0, 4).map(({ accountId }) => accountId)).toEqual(['acc_1', 'acc_2', 'acc_1', 'acc_2']);
  for (const accountId of senders.accountIds) {
    const actions = bodies.filter((body) => body.accountId === accountId).map(({ action }) => action);
    expect(actions).toEqual(['buy', 'sell', 'buy', 'sell']);
  }
});

it('gives each signal an id that leads back to its index, and to its run alone', () => {
  expect(bodies.map(({ signalId }) => indexOfSignal('r1', signalId))).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect(indexOfSignal('r', bodies[3]!.signalId)).toBeUndefined();
  expect(indexOfSignal('r2', bodies[3]!.signalId)).toBeUndefined();
});
