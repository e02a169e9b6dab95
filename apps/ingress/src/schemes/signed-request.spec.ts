import { hmacSha256 } from '@tickwire/signing';
import { proveSigned } from './signed-request.js';
import { Senders } from '../../fixtures/senders.js';
import type { ClaimedSender } from './tenant-secrets.js';

const WRONG = Buffer.alloc(32);

describe('a request signed with a shared secret', () => {
  let senders: Senders;
  beforeEach(() => {
    senders = new Senders();
  });

  /** @returns the HMACs that it took, and how often cache and database were read */
  async function effortOf(
    sender: ClaimedSender | undefined,
    signature: Buffer = WRONG,
  ): Promise<{ hmacs: number; cacheReads: number; databaseReads: number; proven: boolean }> {
    let hmacs = 0;
    const before = { cache: senders.cacheReads.length, database: senders.databaseReads.length };
    const request = {
      scheme: 'body-hex' as const,
      sender,
      timestamp: '0',
      toleranceMs: 0,
      keyOf: ({ textKey }: { textKey: Buffer | undefined }) => textKey,
      verify: (keys: readonly Buffer[]) => {
        const keyIndex = keys.findIndex((key) => {
          hmacs += 1;
          return hmacSha256(key, ['body']).equals(signature);
        });
        return keyIndex < 0
          ? { ok: false as const, reason: 'BAD_SIGNATURE' as const }
          : { ok: true as const, keyIndex };
      },
    };
    const proven = await proveSigned(senders.secrets, request, 0).then(
      () => true,
      () => false,
    );
    return {
      hmacs,
      proven,
      cacheReads: senders.cacheReads.length - before.cache,
      databaseReads: senders.databaseReads.length - before.database,
    };
  }
  const signed = (secret: string): Buffer => hmacSha256(Buffer.from(secret), ['body']);

  it('is refused after as many HMACs whether its tenant is known, is rotating, has bots, or does not exist', async () => {
    senders.add('1', { tenantId: 'one' });
    for (const secret of ['1', '2']) senders.add(secret, { tenantId: 'rotating' });
    for (const secret of ['1', '2']) {
      senders.add(secret, { tenantId: 'botted' });
      senders.add(secret, { tenantId: 'botted', botId: 'bot_1' });
    }
    senders.add('young', { tenantId: 'lagging', cached: false });
    senders.add('1', { tenantId: 'lagging' });
    senders.add('1', { tenantId: 'expired', expiresAtMs: 0 });
    senders.add('', { tenantId: 'keyless' });
    const claimed = ['unknown', 'one', 'rotating', 'botted', 'lagging', 'expired', 'keyless'];
    for (const tenantId of claimed) {
      for (const named of [{}, { botId: 'bot_1' }, { botId: 'bot_9' }, { keyId: 'sec_1' }, { keyId: 'sec_9' }]) {
        const { hmacs, proven } = await effortOf({ tenantId, ...named });
        expect([tenantId, named, hmacs, proven]).toEqual([tenantId, named, 4, false]);
      }
    }
    expect(await effortOf(undefined)).toMatchObject({ hmacs: 4, proven: false });
  });

  it('is refused on the database’s word: once by the cache’s own reading of an absent tenant, once by a second one', async () => {
    senders.add('1', { tenantId: 'known' });
    senders.add('2', { tenantId: 'known', botId: 'bot_1', expiresAtMs: 0 });
    for (const sender of [{}, { botId: 'bot_1' }, { keyId: 'sec_2' }, { keyId: 'sec_9' }]) {
      const effort = await effortOf({ tenantId: 'known', ...sender });
      expect(effort).toMatchObject({ cacheReads: 1, databaseReads: 1 });
    }
    // The cache remembers no absence: this one reading was the database's.
    expect(await effortOf({ tenantId: 'unknown' })).toMatchObject({ cacheReads: 1, databaseReads: 0 });
  });

  it('is proven on the cached secrets alone, with no HMAC beyond the one that fits', async () => {
    for (const secret of ['1', '2']) senders.add(secret);
    const costs = { cacheReads: 1, databaseReads: 0, proven: true };
    expect(await effortOf({ tenantId: 'ten_1' }, signed('1'))).toEqual({ hmacs: 1, ...costs });
    expect(await effortOf({ tenantId: 'ten_1' }, signed('2'))).toEqual({ hmacs: 2, ...costs });
  });

  it('is proven on a secret that only the database has, which alone is tried anew', async () => {
    senders.add('1');
    senders.add('2', { cached: false });
    const effort = await effortOf({ tenantId: 'ten_1' }, signed('2'));
    expect(effort).toEqual({ hmacs: 2, cacheReads: 1, databaseReads: 1, proven: true });
  });

  it('tries every candidate of a tenant that has more than the usual number', async () => {
    for (let secret = 1; secret <= 7; secret += 1) senders.add(String(secret));
    expect(await effortOf({ tenantId: 'ten_1' }, signed('7'))).toMatchObject({ hmacs: 7, proven: true });
    expect(await effortOf({ tenantId: 'ten_1' })).toMatchObject({ hmacs: 7, proven: false });
  });
});
