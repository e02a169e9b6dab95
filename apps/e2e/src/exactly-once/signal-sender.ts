import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseWebhookSecret, signStandardWebhook } from '@tickwire/signing';
import type { DevFile } from '@tickwire/standalone';
import { Agent, request } from 'undici';

export interface SentSignal {
  signalId: string;
  webhookId: string;
  attempts: number;
}

/** A sender as the guide asks for one: the same nonce and bytes until there is an answer that is not 503. */
export class SignalSender {
  private readonly agent = new Agent({ connections: 50, headersTimeout: 10_000, bodyTimeout: 10_000 });
  private readonly keys: Buffer[];

  constructor(private readonly dev: DevFile) {
    this.keys = [parseWebhookSecret(dev.signingSecret!)];
  }

  /** Sends `count` signals of quantity 1, `concurrency` at a time; resolves when each has its 202. */
  async send(
    count: number,
    options: { concurrency?: number; accepted?: (soFar: number) => void; deadlineMs?: number } = {},
  ): Promise<SentSignal[]> {
    const { concurrency = 100, accepted, deadlineMs = 120_000 } = options;
    const until = performance.now() + deadlineMs;
    const run = randomUUID().slice(0, 8);
    const sent: SentSignal[] = [];
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < count) {
        const signalId = `s-${run}-${next++}`;
        sent.push(await this.sendOne(signalId, until));
        accepted?.(sent.length);
      }
    };
    await Promise.all(Array.from({ length: concurrency }, worker));
    return sent;
  }

  close(): Promise<void> {
    return this.agent.close();
  }

  private async sendOne(signalId: string, until: number): Promise<SentSignal> {
    const { tenantId, accountId, botId, symbol, ingressUrl } = this.dev;
    const body = JSON.stringify({ tenantId, accountId, botId, symbol, action: 'buy', quantity: 1, signalId });
    const id = `msg_${signalId}`;
    for (let attempts = 1; ; attempts += 1) {
      const timestampS = Math.floor(Date.now() / 1000);
      const signature = signStandardWebhook({ id, timestampS, body, keys: this.keys });
      const headers = {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': String(timestampS),
        'webhook-signature': signature,
      };
      try {
        const answer = await request(`${ingressUrl}/api/v1/webhooks/signals`, {
          method: 'POST',
          body,
          headers,
          dispatcher: this.agent,
        });
        const text = await answer.body.text();
        if (answer.statusCode === 202)
          return { signalId, webhookId: (JSON.parse(text) as SentSignal).webhookId, attempts };
        const retriable = answer.statusCode === 503 || (answer.statusCode === 409 && text.includes('IN_FLIGHT'));
        if (!retriable) throw new Error(`${signalId} was answered ${answer.statusCode}: ${text}`);
      } catch (error) {
        if ((error as Error).message.includes('was answered')) throw error;
      }
      if (performance.now() > until) throw new Error(`${signalId} has no 202 after ${attempts} attempts`);
      await sleep(100 + Math.random() * 200);
    }
  }
}
