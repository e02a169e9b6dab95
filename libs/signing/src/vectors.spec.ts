import { readFileSync } from 'node:fs';
import { Webhook } from 'standardwebhooks';
import {
  parseTimestamp,
  parseWebhookSecret,
  signBodyHex,
  signStandardWebhook,
  signTick,
  signTimestampedHex,
  textKey,
  verifyBodyHex,
  verifyStandardWebhook,
  verifyTick,
  verifyTimestampedHex,
} from './index.js';

interface Vectors {
  standardWebhook: {
    name: string;
    secrets: string[];
    id: string;
    timestampS: number;
    body: string;
    signature: string;
  }[];
  timestampedHex: { name: string; secret: string; timestamp: string; body: string; signature: string }[];
  bodyHex: { name: string; secret: string; body: string; signature: string }[];
  tick: { name: string; secret: string; body: string; signature: string }[];
}
const vectors = JSON.parse(readFileSync(new URL('./vectors.json', import.meta.url), 'utf8')) as Vectors;

describe('the published test vectors', () => {
  it.each(vectors.standardWebhook)('Standard Webhooks: $name', ({ secrets, id, timestampS, body, signature }) => {
    const keys = secrets.map(parseWebhookSecret);
    expect(signStandardWebhook({ id, timestampS, body, keys })).toBe(signature);
    const window = { nowMs: timestampS * 1000, toleranceMs: 0 };
    const request = { id, timestamp: String(timestampS), signature, body: Buffer.from(body), ...window };
    expect(verifyStandardWebhook({ ...request, keys })).toEqual({ ok: true, keyIndex: 0 });
    // The reference library agrees, secret by secret.
    const theirs = secrets.map((secret) => new Webhook(secret).sign(id, new Date(timestampS * 1000), body));
    expect(theirs.join(' ')).toBe(signature);
  });

  it.each(vectors.timestampedHex)('timestamped hex: $name', ({ secret, timestamp, body, signature }) => {
    expect(signTimestampedHex({ timestamp, body, key: textKey(secret) })).toBe(signature);
    const request = { timestamp, signature, body: Buffer.from(body), keys: [textKey(secret)] };
    const nowMs = parseTimestamp(timestamp)!;
    expect(verifyTimestampedHex({ ...request, nowMs, toleranceMs: 0 })).toEqual({ ok: true, keyIndex: 0 });
  });

  it.each(vectors.bodyHex)('body hex: $name', ({ secret, body, signature }) => {
    expect(signBodyHex({ body, key: textKey(secret) })).toBe(signature);
    const request = { signature, body: Buffer.from(body), keys: [textKey(secret)] };
    expect(verifyBodyHex(request)).toEqual({ ok: true, keyIndex: 0 });
  });

  it.each(vectors.tick)('tick: $name', ({ secret, body, signature }) => {
    expect(signTick(body, secret)).toBe(signature);
    expect(signTick(Buffer.from(body), secret)).toBe(signature);
    expect(verifyTick(body, signature, secret)).toBe(true);
  });
});
