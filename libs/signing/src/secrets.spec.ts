import fc from 'fast-check';
import { formatTickSecret, formatWebhookSecret, InvalidWebhookSecret, parseWebhookSecret } from './index.js';

describe('webhook secrets', () => {
  it('reads back the bytes it wrote', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 24, maxLength: 64 }), (random) => {
        expect(parseWebhookSecret(formatWebhookSecret(random))).toEqual(Buffer.from(random));
      }),
    );
  });

  it.each([
    ['without its prefix', Buffer.alloc(32).toString('base64')],
    ['with another prefix', `WHSEC_${Buffer.alloc(32).toString('base64')}`],
    ['that is empty', 'whsec_'],
    ['of 23 bytes', `whsec_${Buffer.alloc(23).toString('base64')}`],
    ['of 65 bytes', `whsec_${Buffer.alloc(65).toString('base64')}`],
    ['without padding', `whsec_${Buffer.alloc(32).toString('base64').slice(0, -1)}`],
    ['in the URL alphabet', `whsec_${Buffer.alloc(32, 0xff).toString('base64url')}=`],
    ['with unused bits set', `whsec_${Buffer.alloc(32).toString('base64').replace('A=', 'B=')}`],
    ['with a line break', `whsec_${Buffer.alloc(32).toString('base64')}\n`],
  ])('refuses a secret %s, and does not repeat it', (_, secret) => {
    expect(() => parseWebhookSecret(secret)).toThrow(InvalidWebhookSecret);
    try {
      parseWebhookSecret(secret);
    } catch (error) {
      expect((error as InvalidWebhookSecret).code).toBe('INVALID_WEBHOOK_SECRET');
      if (secret.length > 6) expect((error as Error).message).not.toContain(secret.slice(6));
    }
  });

  it('writes tick secrets that nobody takes for webhook secrets', () => {
    const secret = formatTickSecret(Buffer.alloc(32, 7));
    expect(secret).toMatch(/^ticksec_[A-Za-z0-9_-]{43}$/);
    expect(() => parseWebhookSecret(secret)).toThrow(InvalidWebhookSecret);
  });

  it('refuses to write a secret of too few random bytes', () => {
    expect(() => formatWebhookSecret(Buffer.alloc(23))).toThrow('24 to 64');
    expect(() => formatTickSecret(Buffer.alloc(0))).toThrow('24 to 64');
  });
});
