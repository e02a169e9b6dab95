import type { IncomingHttpHeaders } from 'node:http';
import { verifyTimestampedHex } from '@tickwire/signing';
import { textHeader, type Proven, type Scheme, type UnprovenRequest } from './scheme.js';
import { ANY_AGE_MS, proveSigned } from './signed-request.js';
import type { ClaimedSender, TenantSecrets } from './tenant-secrets.js';

const DEFAULT_TOLERANCE_MS = 60_000;
/** What is looked up before the proof; ours are shorter. */
const ID = /^[\x21-\x7e]{1,64}$/;

/**
 * Whose a signing secret or a bot is. Neither changes its tenant, so an answer may be remembered; undefined is confirmed
 * in the database each time.
 * @throws TransientError while the database is away
 */
export interface TenantOf {
  secret(secretId: string): Promise<string | undefined>;
  bot(botId: string): Promise<string | undefined>;
}

export interface TimestampedHexOptions {
  /** How far the signed time may lie in the past or in the future, ms. */
  toleranceMs?: number;
  /** For bodies that name no tenant; without it they are refused. */
  tenantOf?: TenantOf;
}

/**
 * `X-Signature: sha256=<hex>`, or the bare digits: HMAC over `X-Timestamp.body`. `X-Key-Id` names the one secret that
 * may have signed; else `X-Bot-ID`, or the body's botId, a bot whose secrets may have, beside its tenant's. Neither
 * header is signed: they pick candidates, and where the body names a tenant only from that tenant's. The scheme has no
 * nonce: the signalId counts.
 */
export class TimestampedHex implements Scheme {
  readonly name = 'timestamped-hex';
  readonly #toleranceMs: number;
  readonly #tenantOf: TenantOf | undefined;

  constructor(
    private readonly secrets: TenantSecrets,
    { toleranceMs = DEFAULT_TOLERANCE_MS, tenantOf }: TimestampedHexOptions = {},
  ) {
    this.#toleranceMs = toleranceMs;
    this.#tenantOf = tenantOf;
  }

  credentials(headers: IncomingHttpHeaders): string[] {
    return headers['x-signature'] === undefined ? [] : ['x-signature'];
  }

  async prove(request: UnprovenRequest): Promise<Proven> {
    const { headers, body, nowMs } = request;
    const timestamp = textHeader(headers, 'x-timestamp');
    const signature = textHeader(headers, 'x-signature');
    return proveSigned(
      this.secrets,
      {
        scheme: this.name,
        sender: await this.#sender(request),
        timestamp,
        toleranceMs: this.#toleranceMs,
        keyOf: ({ textKey }) => textKey,
        verify: (keys) => verifyTimestampedHex({ timestamp, signature, body, keys, nowMs, toleranceMs: ANY_AGE_MS }),
      },
      nowMs,
    );
  }

  async #sender({ headers, claims }: UnprovenRequest): Promise<ClaimedSender | undefined> {
    // A header that is there and says nothing names nobody; it does not fall back to the body.
    const keyId = headers['x-key-id'] === undefined ? undefined : textHeader(headers, 'x-key-id');
    const botId = headers['x-bot-id'] === undefined ? claims.botId : textHeader(headers, 'x-bot-id');
    const tenantId = claims.tenantId ?? (await this.#tenant(keyId, botId));
    return tenantId === undefined ? undefined : { tenantId, botId, keyId };
  }

  async #tenant(keyId: string | undefined, botId: string | undefined): Promise<string | undefined> {
    const id = keyId ?? botId;
    if (this.#tenantOf === undefined || id === undefined || !ID.test(id)) return undefined;
    return keyId === undefined ? this.#tenantOf.bot(id) : this.#tenantOf.secret(id);
  }
}
