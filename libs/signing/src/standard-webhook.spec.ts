import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { formatWebhookSecret, MAX_SIGNATURES, signStandardWebhook, verifyStandardWebhook } from './index.js';
import type { StandardWebhookRequest } from './index.js';

const key = Buffer.alloc(32, 1);
const otherKey = Buffer.alloc(32, 2);
const NOW_S = 1_769_851_800;
const TOLERANCE_MS = 300_000;

function signedRequest(change: Partial<StandardWebhookRequest> = {}): StandardWebhookRequest {
  const body = Buffer.from('{"action":"buy"}');
  return {
    id: 'msg_1',
    timestamp: String(NOW_S),
    signature: signStandardWebhook({ id: 'msg_1', timestampS: NOW_S, body, keys: [key] }),
    body,
    keys: [key],
    nowMs: NOW_S * 1000,
    toleranceMs: TOLERANCE_MS,
    ...change,
  };
}
const verdictOf = (change: Partial<StandardWebhookRequest>) => verifyStandardWebhook(signedRequest(change));

const id = fc.stringMatching(/^[A-Za-z0-9_:-]{1,128}$/);
const timestampS = fc.integer({ min: 0, max: 4_000_000_000 });
const body = fc.uint8Array({ maxLength: 300 });
const secretBytes = fc.uint8Array({ minLength: 24, maxLength: 64 });

/** Replaces the byte at `at` (modulo the length) by another one. */
function mutated(text: string, at: number, by: number): string {
  const bytes = Buffer.from(text, 'latin1');
  const index = at % bytes.length;
  bytes[index] = bytes[index]! ^ (1 + (by % 127));
  return bytes.toString('latin1');
}

describe('Standard Webhooks', () => {
  it('accepts what it signed, for any id, time, body and key', () => {
    fc.assert(
      fc.property(id, timestampS, body, secretBytes, (id, timestampS, body, key) => {
        const signature = signStandardWebhook({ id, timestampS, body, keys: [key] });
        const request = { id, timestamp: String(timestampS), signature, body, keys: [key] };
        const verdict = verifyStandardWebhook({ ...request, nowMs: timestampS * 1000, toleranceMs: 0 });
        expect(verdict).toEqual({ ok: true, keyIndex: 0 });
      }),
    );
  });

  it('refuses every request with one byte of id, timestamp, body or signature changed', () => {
    const field = fc.constantFrom('id' as const, 'timestamp' as const, 'signature' as const, 'body' as const);
    fc.assert(
      fc.property(field, fc.nat(), fc.nat(), (field, at, by) => {
        const request = signedRequest();
        const change =
          field === 'body'
            ? { body: Buffer.from(mutated(Buffer.from(request.body).toString('latin1'), at, by), 'latin1') }
            : { [field]: mutated(request[field] as string, at, by) };
        expect(verifyStandardWebhook({ ...request, toleranceMs: 1e15, ...change }).ok).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  it('agrees with the reference library on any text body and key', () => {
    fc.assert(
      fc.property(id, timestampS, fc.string({ unit: 'grapheme' }), secretBytes, (id, timestampS, body, key) => {
        const theirs = new Webhook(formatWebhookSecret(key)).sign(id, new Date(timestampS * 1000), body);
        expect(signStandardWebhook({ id, timestampS, body, keys: [key] })).toBe(theirs);
      }),
    );
  });

  it('is accepted by the reference library, also with two keys', () => {
    const now = Math.floor(Date.now() / 1000);
    const signature = signStandardWebhook({ id: 'm', timestampS: now, body: '{"a":1}', keys: [otherKey, key] });
    const headers = { 'webhook-id': 'm', 'webhook-timestamp': String(now), 'webhook-signature': signature };
    for (const live of [key, otherKey]) {
      expect(new Webhook(formatWebhookSecret(live)).verify('{"a":1}', headers)).toEqual({ a: 1 });
    }
  });

  it('tells which of several live keys signed', () => {
    expect(verdictOf({ keys: [otherKey, key] })).toEqual({ ok: true, keyIndex: 1 });
    expect(verdictOf({ keys: [otherKey] })).toEqual({ ok: false, reason: 'BAD_SIGNATURE' });
  });

  it('refuses an unknown sender, who has no keys, like a wrong signature', () => {
    expect(verdictOf({ keys: [] })).toEqual({ ok: false, reason: 'BAD_SIGNATURE' });
  });

  it('accepts both ends of the window and tells a late or early sender by how much', () => {
    const at = NOW_S * 1000;
    expect(verdictOf({ nowMs: at + TOLERANCE_MS }).ok).toBe(true);
    expect(verdictOf({ nowMs: at - TOLERANCE_MS }).ok).toBe(true);
    const late = { ok: false, reason: 'STALE_TIMESTAMP', skewMs: TOLERANCE_MS + 1 };
    expect(verdictOf({ nowMs: at + TOLERANCE_MS + 1 })).toEqual(late);
    expect(verdictOf({ nowMs: at - TOLERANCE_MS - 1 })).toEqual({ ...late, skewMs: -TOLERANCE_MS - 1 });
  });

  it('does not tell a sender without a valid signature that the time is off', () => {
    expect(verdictOf({ keys: [otherKey], nowMs: 0 })).toEqual({ ok: false, reason: 'BAD_SIGNATURE' });
  });

  it.each(['', 'a.b', 'a b', 'é', 'x'.repeat(129), 'msg_1\n'])('refuses the id %j', (id) => {
    expect(verdictOf({ id })).toEqual({ ok: false, reason: 'MALFORMED_ID' });
  });

  it.each(['', '1614265330abc', '1614265330.5', '-1', '+1', ' 1', '1\n', '01', '1e9', '٣', '9'.repeat(13)])(
    'refuses the timestamp %j',
    (timestamp) => {
      expect(verdictOf({ timestamp })).toEqual({ ok: false, reason: 'MALFORMED_TIMESTAMP' });
    },
  );

  it('refuses a body that was cut again into another id and time', () => {
    const body = Buffer.from(`${NOW_S}.{"action":"sell"}`);
    const signature = signStandardWebhook({ id: 'a', timestampS: 5, body, keys: [key] });
    const recut = { id: 'a.5', timestamp: String(NOW_S), body: Buffer.from('{"action":"sell"}'), signature };
    expect(verdictOf(recut)).toEqual({ ok: false, reason: 'MALFORMED_ID' });
  });

  it('skips entries of other versions and finds the valid one among them', () => {
    const { signature } = signedRequest();
    expect(verdictOf({ signature: `v1a,AAAA v2,zzz  ${signature as string}` }).ok).toBe(true);
    expect(verdictOf({ signature: ['v1a,AAAA', signature as string] }).ok).toBe(true);
    const digest = (signature as string).slice(3);
    for (const other of [`v1a,${digest}`, `v2,${digest}`, `V1,${digest}`, digest, '', 'v1,']) {
      expect(verdictOf({ signature: other })).toEqual({ ok: false, reason: 'MALFORMED_SIGNATURE' });
    }
  });

  it('refuses base64 that is not canonical, or not of 32 bytes', () => {
    const digest = (signedRequest().signature as string).slice(3);
    const lastDigit = digest.at(-2)!;
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
    const sameBytes = digest.slice(0, -2) + alphabet[alphabet.indexOf(lastDigit) + 1]! + '=';
    expect(Buffer.from(sameBytes, 'base64')).toEqual(Buffer.from(digest, 'base64'));
    const short = Buffer.alloc(31).toString('base64');
    const long = Buffer.alloc(33).toString('base64');
    for (const text of [sameBytes, digest.slice(0, -1), `${digest}=`, `${digest}\n`, `${digest},`, short, long]) {
      expect(verdictOf({ signature: `v1,${text}` })).toEqual({ ok: false, reason: 'MALFORMED_SIGNATURE' });
    }
  });

  it('looks at no more than the first 16 entries, over all values of the header', () => {
    const valid = signedRequest().signature as string;
    const filler = Array<string>(MAX_SIGNATURES - 1).fill(`v1,${Buffer.alloc(32).toString('base64')}`);
    expect(verdictOf({ signature: [...filler, valid].join(' ') }).ok).toBe(true);
    expect(verdictOf({ signature: ['v1,x', ...filler, valid].join(' ') }).ok).toBe(false);
    expect(verdictOf({ signature: ['v1,x', ...filler, valid] }).ok).toBe(false);
    expect(verdictOf({ signature: ['v1,x', [...filler, valid].join(' ')] }).ok).toBe(false);
  });

  it('throws on what only a caller can get wrong: an empty key, a bad id or time to sign, an endless window', () => {
    const message = { id: 'm', timestampS: 1, body: '', keys: [key] };
    expect(() => signStandardWebhook({ ...message, keys: [Buffer.alloc(0)] })).toThrow('empty');
    expect(() => signStandardWebhook({ ...message, keys: [] })).toThrow('keys');
    expect(() => signStandardWebhook({ ...message, id: 'a.b' })).toThrow('id must be');
    expect(() => signStandardWebhook({ ...message, timestampS: 1.5 })).toThrow('timestampS');
    expect(() => verdictOf({ keys: [Buffer.alloc(0)] })).toThrow('empty');
    expect(() => verdictOf({ toleranceMs: Number.NaN })).toThrow('toleranceMs');
    expect(() => verdictOf({ nowMs: Number.NaN })).toThrow('finite');
  });
});
