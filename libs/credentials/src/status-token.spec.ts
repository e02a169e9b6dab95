import fc from 'fast-check';
import { signStatusToken, STATUS_TOKEN_LIFETIME_MS, verifyStatusToken } from './index.js';

const key = Buffer.alloc(32, 1);
const otherKey = Buffer.alloc(32, 2);
const subject = { tenantId: 'ten_1', webhookId: '0196b7a2-0000-5000-8000-000000000001' };
const RECEIVED_AT_MS = 1_769_851_800_000;

describe('status tokens', () => {
  const token = signStatusToken(subject, RECEIVED_AT_MS, key);
  const verdictAt = (nowMs: number) => verifyStatusToken(token, subject, [key], nowMs);

  it('carries the time of receipt in clear and holds for its signal', () => {
    expect(token).toMatch(/^1769851800000\.[A-Za-z0-9_-]{43}$/);
    expect(verdictAt(RECEIVED_AT_MS)).toEqual({ ok: true, receivedAtMs: RECEIVED_AT_MS });
  });

  it('is good for 24 hours from the receipt, and for a reader whose clock is behind', () => {
    expect(verdictAt(RECEIVED_AT_MS + STATUS_TOKEN_LIFETIME_MS).ok).toBe(true);
    expect(verdictAt(RECEIVED_AT_MS + STATUS_TOKEN_LIFETIME_MS + 1)).toEqual({ ok: false, reason: 'EXPIRED' });
    expect(verdictAt(RECEIVED_AT_MS - 5_000).ok).toBe(true);
  });

  it('opens no other signal and no other tenant, also where the ids run together', () => {
    const others = [
      { ...subject, tenantId: 'ten_2' },
      { ...subject, webhookId: '0196b7a2-0000-5000-8000-000000000002' },
      { tenantId: `ten_1","${subject.webhookId}`, webhookId: '' },
    ];
    for (const other of others) {
      const verdict = verifyStatusToken(token, other, [key], RECEIVED_AT_MS);
      expect(verdict).toEqual({ ok: false, reason: 'BAD_SIGNATURE' });
    }
  });

  it('holds under any live key and under no other', () => {
    expect(verifyStatusToken(token, subject, [otherKey, key], RECEIVED_AT_MS).ok).toBe(true);
    expect(verifyStatusToken(token, subject, [otherKey], RECEIVED_AT_MS).ok).toBe(false);
    expect(verifyStatusToken(token, subject, [], RECEIVED_AT_MS).ok).toBe(false);
  });

  it('tells nobody without the key that a token is old', () => {
    const verdict = verifyStatusToken(token, subject, [otherKey], RECEIVED_AT_MS + 2 * STATUS_TOKEN_LIFETIME_MS);
    expect(verdict).toEqual({ ok: false, reason: 'BAD_SIGNATURE' });
  });

  it('refuses every token with one character changed', () => {
    fc.assert(
      fc.property(fc.nat(token.length - 1), fc.stringMatching(/^[\x20-\x7e]$/), (at, character) => {
        fc.pre(token[at] !== character);
        const changed = token.slice(0, at) + character + token.slice(at + 1);
        expect(verifyStatusToken(changed, subject, [key], RECEIVED_AT_MS).ok).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  it('does not sign under a short key', () => {
    expect(() => signStatusToken(subject, RECEIVED_AT_MS, Buffer.alloc(31))).toThrow('32 bytes');
    expect(() => signStatusToken(subject, 1.5, key)).toThrow('whole ms');
  });
});
