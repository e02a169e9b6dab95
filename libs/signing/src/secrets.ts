import { strict as assert } from 'node:assert';
import { DomainError } from '@tickwire/errors';
import { parseCanonicalBase64 } from './digest.js';

const WEBHOOK_SECRET_PREFIX = 'whsec_';
const TICK_SECRET_PREFIX = 'ticksec_';
const MIN_SECRET_BYTES = 24;
const MAX_SECRET_BYTES = 64;

/** A text that is no Standard Webhooks secret. The message says why and never repeats the text. */
export class InvalidWebhookSecret extends DomainError {
  readonly code = 'INVALID_WEBHOOK_SECRET';
}

/**
 * Reads a Standard Webhooks secret: `whsec_` and 24 to 64 bytes in canonical base64.
 * @returns the key: the decoded bytes
 * @throws InvalidWebhookSecret also for the bare prefix, which other libraries read as the empty key
 */
export function parseWebhookSecret(secret: string): Buffer {
  if (!secret.startsWith(WEBHOOK_SECRET_PREFIX)) throw new InvalidWebhookSecret('The secret must begin with "whsec_"');
  const key = parseCanonicalBase64(secret.slice(WEBHOOK_SECRET_PREFIX.length));
  if (key === undefined) throw new InvalidWebhookSecret('The part after "whsec_" must be canonical, padded base64');
  if (key.length < MIN_SECRET_BYTES || key.length > MAX_SECRET_BYTES) {
    throw new InvalidWebhookSecret(`The secret must hold ${MIN_SECRET_BYTES} to ${MAX_SECRET_BYTES} bytes`);
  }
  return key;
}

/** Writes a new Standard Webhooks secret. @param random 24 to 64 bytes from a cryptographic source */
export function formatWebhookSecret(random: Uint8Array): string {
  return WEBHOOK_SECRET_PREFIX + Buffer.from(checkedRandom(random)).toString('base64');
}

/**
 * Writes a new secret for tick callbacks. Its own prefix keeps it from being read as a `whsec_` secret and decoded:
 * the key of a tick signature is the text as it stands.
 * @param random 24 to 64 bytes from a cryptographic source
 */
export function formatTickSecret(random: Uint8Array): string {
  return TICK_SECRET_PREFIX + Buffer.from(checkedRandom(random)).toString('base64url');
}

/**
 * The key of the hex schemes: the UTF-8 text of the secret as it stands, prefix and all, so that
 * `openssl dgst -sha256 -hmac "$SECRET"` makes the same signature.
 */
export function textKey(secret: string): Buffer {
  return Buffer.from(secret, 'utf8');
}

function checkedRandom(random: Uint8Array): Uint8Array {
  assert(
    random.length >= MIN_SECRET_BYTES && random.length <= MAX_SECRET_BYTES,
    `random must hold ${MIN_SECRET_BYTES} to ${MAX_SECRET_BYTES} bytes`,
  );
  return random;
}
