import type { IncomingHttpHeaders } from 'node:http';
import { verifyBodyHex } from '@tickwire/signing';
import { textHeader, type Proven, type Scheme, type UnprovenRequest } from './scheme.js';
import { claimedSender, proveSigned } from './signed-request.js';
import type { TenantSecrets } from './tenant-secrets.js';

const DEFAULT_TOLERANCE_MS = 300_000;

/**
 * `X-Webhook-Signature: sha256=<hex>`: HMAC over the raw body. The time is the body's own `timestamp`, ISO 8601 or unix
 * seconds as text; without one a recorded request could be sent again for ever, so it is refused. The scheme has no
 * nonce: the signalId counts.
 */
export class BodyHex implements Scheme {
  readonly name = 'body-hex';

  /** @param toleranceMs how far the body's time may lie in the past or in the future */
  constructor(
    private readonly secrets: TenantSecrets,
    private readonly toleranceMs: number = DEFAULT_TOLERANCE_MS,
  ) {}

  credentials(headers: IncomingHttpHeaders): string[] {
    return headers['x-webhook-signature'] === undefined ? [] : ['x-webhook-signature'];
  }

  prove({ headers, body, claims, nowMs }: UnprovenRequest): Promise<Proven> {
    const signature = textHeader(headers, 'x-webhook-signature');
    return proveSigned(
      this.secrets,
      {
        scheme: this.name,
        sender: claimedSender(claims),
        timestamp: claims.timestamp,
        toleranceMs: this.toleranceMs,
        keyOf: ({ textKey }) => textKey,
        verify: (keys) => verifyBodyHex({ signature, body, keys }),
      },
      nowMs,
    );
  }
}
