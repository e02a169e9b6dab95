import fc from 'fast-check';
import {
  signBodyHex,
  signTick,
  signTimestampedHex,
  textKey,
  verifyBodyHex,
  verifyTick,
  verifyTimestampedHex,
} from './index.js';
import type { TimestampedHexRequest } from './index.js';

const key = textKey('correct horse battery staple');
const otherKey = textKey('another secret');
const AT = '2026-01-31T09:30:00.250Z';
const AT_MS = Date.parse(AT);
const TEXT = '{"action":"buy"}';
const BODY = Buffer.from(TEXT);

const bytes = fc.uint8Array({ maxLength: 300 });
const secret = fc.string({ unit: 'grapheme', minLength: 1 });
/** Where to change a text, and into which other character. */
const change = fc.tuple(fc.nat(), fc.integer({ min: 1, max: 127 }));

function mutated(text: string, [at, by]: [number, number]): string {
  const bytes = Buffer.from(text, 'latin1');
  bytes[at % bytes.length]! ^= by;
  return bytes.toString('latin1');
}
/** The same hex digit in the other case is the same signature, not a forged one. */
const sameDigest = (a: string, b: string) => a.slice(0, 7) === b.slice(0, 7) && a.toLowerCase() === b.toLowerCase();

/** Forms of a `sha256=<hex>` header that hold the right digits, or nearly, and are not it. */
const malformed = (hex: string): string[] => [
  '',
  'sha256=',
  `sha256=${hex.slice(1)}`,
  `sha256=${hex.slice(2)}`,
  `sha256=${hex}0`,
  `sha256=${hex}00`,
  `sha256=sha256=${hex}`,
  `sha256=${hex},sha256=${hex}`,
  `sha256=${hex}, ${hex}`,
  `sha256= ${hex}`,
  `sha256=${hex}\n`,
  `\nsha256=${hex}`,
  `sha256:${hex}`,
  `SHA256=${hex}`,
  `sha1=${hex.slice(0, 40)}`,
  `sha256=0x${hex.slice(2)}`,
  `sha256=${'g'.repeat(64)}`,
  `sha256=${'\u0660'.repeat(64)}`,
  `sha256=${'\uff11'.repeat(64)}`,
  `sha256=${Buffer.from(hex, 'hex').toString('base64')}`,
];

describe('timestamped hex', () => {
  const signature = signTimestampedHex({ timestamp: AT, body: BODY, key });
  const verdictOf = (change: Partial<TimestampedHexRequest>) =>
    verifyTimestampedHex({
      timestamp: AT,
      signature,
      body: BODY,
      keys: [key],
      nowMs: AT_MS,
      toleranceMs: 60_000,
      ...change,
    });

  it('accepts what it signed, for any body, secret and time in either form', () => {
    const times = fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true });
    fc.assert(
      fc.property(times, fc.boolean(), bytes, secret, (date, iso, body, secret) => {
        const timestamp = iso ? date.toISOString() : String(Math.floor(date.getTime() / 1000));
        const signature = signTimestampedHex({ timestamp, body, key: textKey(secret) });
        const window = { nowMs: date.getTime(), toleranceMs: 999 };
        const verdict = verifyTimestampedHex({ timestamp, signature, body, keys: [textKey(secret)], ...window });
        expect(verdict).toEqual({ ok: true, keyIndex: 0 });
      }),
    );
  });

  it('refuses every request with one byte of timestamp, body or signature changed', () => {
    const field = fc.constantFrom('timestamp' as const, 'body' as const, 'signature' as const);
    fc.assert(
      fc.property(field, change, (field, change) => {
        const original = { timestamp: AT, body: TEXT, signature };
        const forged = mutated(original[field], change);
        fc.pre(field !== 'signature' || !sameDigest(forged, signature));
        const body = field === 'body' ? Buffer.from(forged, 'latin1') : BODY;
        expect(verdictOf({ ...original, [field]: forged, body, toleranceMs: 1e15 }).ok).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  it('takes the digits bare or prefixed, in either case', () => {
    const hex = signature.slice(7);
    for (const form of [hex, hex.toUpperCase(), `sha256=${hex.toUpperCase()}`]) {
      expect(verdictOf({ signature: form })).toEqual({ ok: true, keyIndex: 0 });
    }
    const bare = [hex.slice(1), hex.slice(2), `${hex}0`, `${hex}00`, ` ${hex}`, `${hex}\n`, `${hex},${hex}`];
    for (const form of [...malformed(hex), ...bare]) {
      expect(verdictOf({ signature: form })).toEqual({ ok: false, reason: 'MALFORMED_SIGNATURE' });
    }
  });

  it('checks the signature first, then the time, inclusive at both ends', () => {
    expect(verdictOf({ nowMs: AT_MS + 60_000 }).ok).toBe(true);
    expect(verdictOf({ nowMs: AT_MS - 60_000 }).ok).toBe(true);
    const stale = { ok: false, reason: 'STALE_TIMESTAMP' };
    expect(verdictOf({ nowMs: AT_MS + 60_001 })).toEqual({ ...stale, skewMs: 60_001 });
    expect(verdictOf({ nowMs: AT_MS - 60_001 })).toEqual({ ...stale, skewMs: -60_001 });
    expect(verdictOf({ nowMs: 0, keys: [otherKey] })).toEqual({ ok: false, reason: 'BAD_SIGNATURE' });
    expect(verdictOf({ timestamp: 'yesterday' })).toEqual({ ok: false, reason: 'MALFORMED_TIMESTAMP' });
  });

  it('tells which key signed, and refuses without keys', () => {
    expect(verdictOf({ keys: [otherKey, key] })).toEqual({ ok: true, keyIndex: 1 });
    expect(verdictOf({ keys: [] })).toEqual({ ok: false, reason: 'BAD_SIGNATURE' });
  });

  it('has one reading of the signed bytes, although an ISO time may hold a dot', () => {
    const message = `${AT}.${TEXT}`;
    const readings = [...message.matchAll(/\./g)].filter(({ index }) => {
      const cut = { timestamp: message.slice(0, index), body: Buffer.from(message.slice(index + 1)) };
      return verdictOf({ ...cut, toleranceMs: 1e15 }).ok;
    });
    expect(readings).toHaveLength(1);
  });
});

describe('body hex', () => {
  const signature = signBodyHex({ body: BODY, key });

  it('accepts what it signed, for any body and secret, the digits in either case', () => {
    fc.assert(
      fc.property(bytes, secret, (body, secret) => {
        const signature = signBodyHex({ body, key: textKey(secret) });
        const upper = `sha256=${signature.slice(7).toUpperCase()}`;
        for (const form of [signature, upper]) {
          expect(verifyBodyHex({ signature: form, body, keys: [otherKey, textKey(secret)] }).ok).toBe(true);
        }
      }),
    );
  });

  it('refuses every request with one byte of body or signature changed', () => {
    fc.assert(
      fc.property(fc.boolean(), change, (ofBody, change) => {
        const forged = mutated(ofBody ? TEXT : signature, change);
        fc.pre(ofBody || !sameDigest(forged, signature));
        const request = ofBody ? { signature, body: Buffer.from(forged, 'latin1') } : { signature: forged, body: BODY };
        expect(verifyBodyHex({ ...request, keys: [key] }).ok).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  it('requires the prefix once, and 64 hex digits behind it', () => {
    const hex = signature.slice(7);
    for (const form of [hex, ...malformed(hex)]) {
      const verdict = verifyBodyHex({ signature: form, body: BODY, keys: [key] });
      expect(verdict).toEqual({ ok: false, reason: 'MALFORMED_SIGNATURE' });
    }
  });

  it('tells which key signed, and refuses without keys', () => {
    expect(verifyBodyHex({ signature, body: BODY, keys: [otherKey, key] })).toEqual({ ok: true, keyIndex: 1 });
    expect(verifyBodyHex({ signature, body: BODY, keys: [] })).toEqual({ ok: false, reason: 'BAD_SIGNATURE' });
  });

  it('does not pass for a timestamped request, nor that for it', () => {
    const timestamped = signTimestampedHex({ timestamp: '1769851800', body: TEXT, key });
    expect(verifyBodyHex({ signature: timestamped, body: BODY, keys: [key] }).ok).toBe(false);
    const window = { nowMs: 1_769_851_800_000, toleranceMs: 60_000 };
    const bare = { timestamp: '1769851800', signature, body: BODY, keys: [key], ...window };
    expect(verifyTimestampedHex(bare)).toEqual({ ok: false, reason: 'BAD_SIGNATURE' });
  });
});

describe('the tick signature', () => {
  it('accepts what it signed, for any body and secret', () => {
    fc.assert(
      fc.property(bytes, secret, (body, secret) => expect(verifyTick(body, signTick(body, secret), secret)).toBe(true)),
    );
  });

  it('refuses every callback with one byte of body or signature changed, or another secret', () => {
    const signature = signTick(TEXT, 'secret');
    fc.assert(
      fc.property(fc.boolean(), change, (ofBody, change) => {
        const forged = mutated(ofBody ? TEXT : signature, change);
        fc.pre(ofBody || !sameDigest(forged, signature));
        const accepted = ofBody
          ? verifyTick(Buffer.from(forged, 'latin1'), signature, 'secret')
          : verifyTick(TEXT, forged, 'secret');
        expect(accepted).toBe(false);
      }),
      { numRuns: 500 },
    );
    expect(verifyTick(TEXT, signature, 'Secret')).toBe(false);
  });

  it('refuses a header of another length instead of throwing', () => {
    for (const header of ['', 'sha256=', 'sha256=ab', `${signTick(TEXT, 's')}00`]) {
      expect(verifyTick(TEXT, header, 's')).toBe(false);
    }
  });

  it('refuses to sign with the empty secret', () => {
    expect(() => signTick(TEXT, '')).toThrow('empty');
  });
});
