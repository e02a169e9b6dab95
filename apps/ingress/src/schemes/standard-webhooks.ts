import type { IncomingHttpHeaders } from 'node:http';
import { verifyStandardWebhook } from '@tickwire/signing';
import { textHeader, type Proven, type Scheme, type UnprovenRequest } from './scheme.js';
import { ANY_AGE_MS, claimedSender, proveSigned } from './signed-request.js';
import type { TenantSecrets } from './tenant-secrets.js';

/** Standard Webhooks 1.0.0: HMAC over `webhook-id.webhook-timestamp.body`; the nonce is `webhook-id`. */
export class StandardWebhooks implements Scheme {
  readonly name = 'standard-webhooks';

  /** @param toleranceMs how far the signed time may lie in the past or in the future */
  constructor(
    private readonly secrets: TenantSecrets,
    private readonly toleranceMs: number,
  ) {}

  credentials(headers: IncomingHttpHeaders): string[] {
    return headers['webhook-signature'] === undefined ? [] : ['webhook-signature'];
  }

  prove({ headers, body, claims, nowMs }: UnprovenRequest): Promise<Proven> {
    const id = textHeader(headers, 'webhook-id');
    const timestamp = textHeader(headers, 'webhook-timestamp');
    const signature = headers['webhook-signature'] ?? '';
    return proveSigned(
      this.secrets,
      {
        scheme: this.name,
        sender: claimedSender(claims),
        timestamp,
        toleranceMs: this.toleranceMs,
        nonce: id,
        keyOf: ({ webhookKey }) => webhookKey,
        verify: (keys) =>
          verifyStandardWebhook({ id, timestamp, signature, body, keys, nowMs, toleranceMs: ANY_AGE_MS }),
      },
      nowMs,
    );
  }
}
