import { randomUUID } from 'node:crypto';
import { parseWebhookSecret, signStandardWebhook } from '@tickwire/signing';
import got from 'got';
import type { DevFile } from '../local/dev-file.js';

/** Signs and sends one market order, as a tenant's own code would. */
export async function sendDemoSignal(
  dev: DevFile,
  action: 'buy' | 'sell',
): Promise<{ webhookId: string; statusUrl: string }> {
  const { tenantId, accountId, botId, symbol } = dev;
  const body = JSON.stringify({
    tenantId,
    accountId,
    botId,
    symbol,
    action,
    quantity: 1,
    signalId: `demo-${randomUUID()}`,
  });
  const id = `msg_${randomUUID()}`;
  const timestampS = Math.floor(Date.now() / 1000);
  const signature = signStandardWebhook({ id, timestampS, body, keys: [parseWebhookSecret(dev.signingSecret!)] });
  return got
    .post(`${dev.ingressUrl}/api/v1/webhooks/signals`, {
      body,
      headers: {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': String(timestampS),
        'webhook-signature': signature,
      },
      retry: { limit: 0 },
      timeout: { request: 10_000 },
    })
    .json();
}
