import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { hmacSha256, signTick } from './index.js';

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

  it('is the same for parts of any kind and length, one after the other', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'é', '漢', '😀', '\ud800', '\u0000'), maxLength: 200 });
    const part = fc.oneof(text, fc.uint8Array({ maxLength: 200 }), fc.constant(Buffer.alloc(70_000, 0x61)));
    fc.assert(
      fc.property(fc.array(part, { maxLength: 5 }), (parts) => {
        const expected = createHmac('sha256', 'secret');
        for (const each of parts) expected.update(each);
        expect(hmacSha256('secret', parts).toString('hex')).toBe(expected.digest('hex'));
      }),
    );
  });

  it.each([131_071, 131_072, 131_073, 1_000_000])('takes a message of %d bytes', (length) => {
    const message = Buffer.alloc(length, 'message');
    const expected = createHmac('sha256', 'secret').update(message).digest('hex');
    expect(signTick(message, 'secret')).toBe(`sha256=${expected}`);
  });

  it('refuses the empty key', () => {
    expect(() => hmacSha256('', ['message'])).toThrow('must not be empty');
    expect(() => hmacSha256(new Uint8Array(), ['message'])).toThrow('must not be empty');
  });
});
