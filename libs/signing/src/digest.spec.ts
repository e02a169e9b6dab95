import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { digestsEqual, hmacSha256, signTick } from './index.js';

describe('digestsEqual', () => {
  it('agrees with a comparison of the bytes, also where the lengths differ', () => {
    const bytes = fc.uint8Array({ maxLength: 4, max: 3 });
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        expect(digestsEqual(a, b)).toBe(Buffer.compare(a, b) === 0);
        expect(digestsEqual(a, Uint8Array.from(a))).toBe(true);
      }),
    );
  });
});

describe('an HMAC with a key that is prepared once', () => {
  it('is what createHmac makes of the raw key, whatever its length, in bytes and in hex', () => {
    // Keys beyond the block of 64 bytes are hashed first.
    const secret = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 150 });
    const body = fc.uint8Array({ maxLength: 1_000 });
    fc.assert(
      fc.property(secret, body, (secret, body) => {
        const expected = createHmac('sha256', Buffer.from(secret)).update(body).digest();
        expect(hmacSha256(secret, [body]).equals(expected)).toBe(true);
        expect(hmacSha256(Buffer.from(secret), [body.subarray(0, 7), body.subarray(7)]).equals(expected)).toBe(true);
        expect(signTick(body, secret)).toBe(`sha256=${expected.toString('hex')}`);
      }),
    );
  });
});
