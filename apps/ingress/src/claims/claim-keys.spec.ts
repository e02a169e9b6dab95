import fc from 'fast-check';
import { claimKeys } from './claim-keys.js';

const text = fc.string({ unit: 'binary', maxLength: 8 });

describe('claimKeys', () => {
  it('keys a request by its nonce within tenant and scheme, and by its signal within tenant and account', () => {
    const request = {
      tenantId: 'ten_1',
      nonce: { scheme: 'standard', value: 'msg_1' },
      signal: { accountId: 'acc_1', signalId: 's-1' },
    };
    expect(claimKeys(request)).toEqual(['["nonce","ten_1","standard","msg_1"]', '["signal","ten_1","acc_1","s-1"]']);
    expect(claimKeys({ ...request, nonce: undefined })).toHaveLength(1);
    expect(claimKeys({ ...request, signal: undefined })).toHaveLength(1);
  });

  it('gives different keys to different tenants, schemes, nonces, accounts and signals, whatever they hold', () => {
    const parts = fc.tuple(text, text, text);
    fc.assert(
      fc.property(parts, parts, (a, b) => {
        fc.pre(a.some((part, index) => part !== b[index]));
        const keysOf = ([tenantId, first, second]: [string, string, string]) =>
          claimKeys({
            tenantId,
            nonce: { scheme: first, value: second },
            signal: { accountId: first, signalId: second },
          });
        expect(new Set([...keysOf(a), ...keysOf(b)]).size).toBe(4);
      }),
    );
  });
});
