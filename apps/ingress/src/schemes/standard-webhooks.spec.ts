import { parseWebhookSecret, signStandardWebhook } from '@tickwire/signing';
import { authenticate, type Proof } from './scheme.js';
import type { SchemePolicy } from './scheme-policy.js';
import { Senders } from '../../fixtures/senders.js';
import { StandardWebhooks } from './standard-webhooks.js';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const SIGNED_AT_S = 1_769_851_800;
const BODY = '{"tenantId":"ten_1"}';

describe('Standard Webhooks', () => {
  function send(senders: Senders, ageMs: number, policy: SchemePolicy = {}): Promise<Proof> {
    const keys = [parseWebhookSecret(SECRET)];
    const headers = {
      'webhook-id': 'msg_1',
      'webhook-timestamp': String(SIGNED_AT_S),
      'webhook-signature': signStandardWebhook({ id: 'msg_1', timestampS: SIGNED_AT_S, body: BODY, keys }),
    };
    return authenticate(
      [new StandardWebhooks(senders.secrets, 120_000)],
      { headers, body: Buffer.from(BODY), claims: { tenantId: 'ten_1' }, nowMs: SIGNED_AT_S * 1_000 + ageMs },
      () => Promise.resolve(policy),
    );
  }

  it('skips the secrets of another form, and brings its nonce', async () => {
    const senders = new Senders();
    senders.add('a plain text');
    await expect(send(senders, 0)).rejects.toMatchObject({ code: 'BAD_SIGNATURE' });
    senders.add(SECRET);
    const proof = await send(senders, 0);
    expect(proof).toEqual({
      scheme: 'standard-webhooks',
      tenantId: 'ten_1',
      nonce: 'msg_1',
      clock: { skewMs: 0, toleranceMs: 120_000 },
    });
  });

  it('keeps the operator’s window unless the tenant sets its own, and the tenant’s choice of schemes', async () => {
    const senders = new Senders();
    senders.add(SECRET);
    const stale = { code: 'STALE_TIMESTAMP' };
    await expect(send(senders, 120_000)).resolves.toBeDefined();
    await expect(send(senders, 120_001)).rejects.toMatchObject(stale);
    const narrow = { toleranceMs: { 'standard-webhooks': 30_000 } };
    await expect(send(senders, 30_000, narrow)).resolves.toBeDefined();
    await expect(send(senders, 30_001, narrow)).rejects.toMatchObject(stale);
    await expect(send(senders, 0, { schemes: ['body-hex'] })).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });
});
