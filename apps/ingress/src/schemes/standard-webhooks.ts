import type { IncomingHttpHeaders } from 'node:http';
import { ProblemError } from '@tickwire/problem-details';
import { verifyStandardWebhook } from '@tickwire/signing';
import { notAuthenticated, type Proof, type Scheme, type UnprovenRequest } from './scheme.js';
import type { SenderSecret, TenantSecrets } from './tenant-secrets.js';

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

  async prove(request: UnprovenRequest): Promise<Proof> {
    const { tenantId, botId } = request.claims;
    if (tenantId === undefined) return this.#verify(request, '', []) ?? refuse();
    const sender = { tenantId, botId };
    const cached = await this.secrets.of(sender, request.nowMs);
    const proof = this.#verify(request, tenantId, cached);
    if (proof !== undefined) return proof;
    // An unknown tenant has just been looked for in the database; a known one is read there now.
    if (cached.length === 0) return refuse();
    return this.#verify(request, tenantId, await this.secrets.confirmedOf(sender, request.nowMs)) ?? refuse();
  }

  /** @returns undefined where the signature does not hold. @throws ProblemError STALE_TIMESTAMP where it does */
  #verify(
    { headers, body, nowMs }: UnprovenRequest,
    tenantId: string,
    secrets: readonly SenderSecret[],
  ): Proof | undefined {
    const usable = secrets.filter(({ webhookKey }) => webhookKey !== undefined);
    const id = textHeader(headers, 'webhook-id');
    const verdict = verifyStandardWebhook({
      id,
      timestamp: textHeader(headers, 'webhook-timestamp'),
      signature: headers['webhook-signature'] ?? '',
      body,
      keys: usable.map(({ webhookKey }) => webhookKey!),
      nowMs,
      toleranceMs: this.toleranceMs,
    });
    if (verdict.ok) {
      const { botId } = usable[verdict.keyIndex]!;
      return { scheme: this.name, tenantId, nonce: id, ...(botId === null ? {} : { botId }) };
    }
    if (verdict.reason !== 'STALE_TIMESTAMP') return undefined;
    const { skewMs } = verdict;
    throw new ProblemError(
      'STALE_TIMESTAMP',
      `The clocks differ by ${skewMs} ms; ${this.toleranceMs} ms are accepted.`,
      {
        details: { skewMs, toleranceMs: this.toleranceMs },
      },
    );
  }
}

function refuse(): never {
  throw notAuthenticated();
}

function textHeader(headers: IncomingHttpHeaders, name: string): string {
  const value = headers[name];
  return typeof value === 'string' ? value : '';
}
