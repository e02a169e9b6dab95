import fc from 'fast-check';
import { compact, ISSUER, senderWith } from '../../fixtures/jwt-sender.js';
import { MAX_TOKEN_LENGTH, peekIssuer } from '../index.js';

const withIssuer = (iss: unknown) => compact({ alg: 'none' }, { iss }, Buffer.of(0));

describe('peekIssuer', () => {
  it('reads the issuer of a token that nobody has verified', async () => {
    expect(peekIssuer(await senderWith('EdDSA').sign())).toBe(ISSUER);
    expect(peekIssuer(withIssuer('x'.repeat(512)))).toBe('x'.repeat(512));
  });

  it('returns undefined for an issuer that is no text of 1 to 512 characters', () => {
    for (const iss of [undefined, null, '', 7, [ISSUER], { iss: ISSUER }, 'x'.repeat(513)]) {
      expect(peekIssuer(withIssuer(iss))).toBeUndefined();
    }
  });

  it('does not read on above 8 KiB', () => {
    const long = `${withIssuer(ISSUER)}${'A'.repeat(MAX_TOKEN_LENGTH)}`;
    expect(peekIssuer(long)).toBeUndefined();
    expect(peekIssuer(long.slice(0, MAX_TOKEN_LENGTH))).toBe(ISSUER);
  });

  it('never throws', () => {
    for (const value of [undefined, null, 7, {}, []]) expect(peekIssuer(value as unknown as string)).toBeUndefined();
    const part = fc.oneof(
      fc.string(),
      fc.json().map((text) => Buffer.from(text).toString('base64url')),
      fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('base64url')),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 5 }), (parts) => {
        const issuer = peekIssuer(parts.join('.'));
        expect(issuer === undefined || typeof issuer === 'string').toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
