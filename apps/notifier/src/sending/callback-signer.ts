import { signStandardWebhook, parseWebhookSecret } from '@tickwire/signing';
import type { SecretBox } from '@tickwire/credentials';
import type { CallbackTarget, Delivery } from '../deliveries/delivery.js';

const MAX_KEYS = 10_000;

/** Makes the Standard Webhooks headers of an attempt. */
export class CallbackSigner {
  /** Opened keys by their sealed text and row: opening costs more than signing, and a rotated secret is another text. */
  private readonly keys = new Map<string, Buffer>();

  constructor(private readonly box: SecretBox) {}

  /**
   * @param timestampS unix seconds of this attempt; the id stays the event's on every attempt
   * @throws SecretUnreadable, InvalidWebhookSecret for a stored secret that cannot sign: an operator has to look
   */
  headers({ endpointId, eventId, body }: Delivery, target: CallbackTarget, timestampS: number): Record<string, string> {
    const keys = [this.key(endpointId, target.sealedSecret)];
    const { sealedPreviousSecret, previousSecretUntil } = target;
    if (
      sealedPreviousSecret !== null &&
      previousSecretUntil !== null &&
      previousSecretUntil.getTime() > timestampS * 1_000
    ) {
      keys.push(this.key(endpointId, sealedPreviousSecret));
    }
    return {
      'content-type': 'application/cloudevents+json',
      'webhook-id': eventId,
      'webhook-timestamp': String(timestampS),
      'webhook-signature': signStandardWebhook({ id: eventId, timestampS, body, keys }),
    };
  }

  private key(endpointId: string, sealed: string): Buffer {
    const name = `${endpointId} ${sealed}`;
    const known = this.keys.get(name);
    if (known) return known;
    const key = parseWebhookSecret(this.box.open(sealed, [endpointId]));
    if (this.keys.size >= MAX_KEYS) this.keys.clear();
    this.keys.set(name, key);
    return key;
  }
}
