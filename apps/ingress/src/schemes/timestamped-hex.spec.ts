import type { IncomingHttpHeaders } from 'node:http';
import { signTimestampedHex, textKey } from '@tickwire/signing';
import type { Proven, UnprovenRequest } from './scheme.js';
import { Senders } from '../../fixtures/senders.js';
import { TimestampedHex } from './timestamped-hex.js';

const TIMESTAMP = '2026-01-31T09:30:00Z';
const NOW_MS = Date.parse(TIMESTAMP);
const BODY = '{"action":"buy"}';

describe('timestamped hex', () => {
  let senders: Senders;
  beforeEach(() => {
    senders = new Senders();
  });

  /** Sends `BODY`, signed with `secret`; what it says of itself is up to the test. */
  function prove(
    secret: string,
    claims: UnprovenRequest['claims'],
    headers: IncomingHttpHeaders = {},
    { tenantOf }: Partial<Pick<Senders, 'tenantOf'>> = senders,
  ): Promise<Proven> {
    const signature = signTimestampedHex({ timestamp: TIMESTAMP, body: BODY, key: textKey(secret) });
    return new TimestampedHex(senders.secrets, { tenantOf }).prove({
      headers: { 'x-timestamp': TIMESTAMP, 'x-signature': signature, ...headers },
      body: Buffer.from(BODY),
      claims,
      nowMs: NOW_MS,
    });
  }
  const refused = { code: 'BAD_SIGNATURE' };

  it('takes the bare digits, in either case', async () => {
    senders.add('secret');
    const digits = signTimestampedHex({ timestamp: TIMESTAMP, body: BODY, key: textKey('secret') }).slice(7);
    for (const bare of [digits, digits.toUpperCase()]) {
      await expect(prove('another', { tenantId: 'ten_1' }, { 'x-signature': bare })).resolves.toBeDefined();
    }
    for (const form of [digits.slice(1), `${digits}0`, `${digits},${digits}`, ` ${digits}`, `${digits}\n`, '']) {
      await expect(prove('another', { tenantId: 'ten_1' }, { 'x-signature': form })).rejects.toMatchObject(refused);
    }
  });

  it('takes the key of a whsec_ secret from its text, not from the bytes that it encodes', async () => {
    const secret = `whsec_${Buffer.from('these bytes are encoded in base64').toString('base64')}`;
    senders.add(secret);
    await expect(prove(secret, { tenantId: 'ten_1' })).resolves.toBeDefined();
    await expect(prove('these bytes are encoded in base64', { tenantId: 'ten_1' })).rejects.toMatchObject(refused);
  });

  it('leaves the age of what was signed to the tenant’s policy', async () => {
    senders.add('secret');
    const { signed } = await prove('secret', { tenantId: 'ten_1' });
    expect(signed).toEqual({ atMs: NOW_MS, toleranceMs: 60_000 });
    const narrow = new TimestampedHex(senders.secrets, { toleranceMs: 30_000 });
    const signature = signTimestampedHex({ timestamp: '1', body: BODY, key: textKey('secret') });
    const headers = { 'x-timestamp': '1', 'x-signature': signature };
    const old = await narrow.prove({ headers, body: Buffer.from(BODY), claims: { tenantId: 'ten_1' }, nowMs: NOW_MS });
    expect(old.signed).toEqual({ atMs: 1_000, toleranceMs: 30_000 });
  });

  it('is not signed where X-Timestamp or X-Signature is missing', async () => {
    senders.add('secret');
    for (const header of ['x-timestamp', 'x-signature']) {
      await expect(prove('secret', { tenantId: 'ten_1' }, { [header]: undefined })).rejects.toMatchObject(refused);
    }
  });

  describe('X-Bot-ID', () => {
    beforeEach(() => {
      senders.add('of the tenant');
      senders.add('of the bot', { botId: 'bot_1' });
      senders.add('of another tenant', { tenantId: 'ten_2', botId: 'bot_2' });
    });

    it('makes the secrets of that bot candidates, whatever bot the body names', async () => {
      const named = { 'x-bot-id': 'bot_1' };
      for (const botId of [undefined, 'bot_9']) {
        const proof = await prove('of the bot', { tenantId: 'ten_1', botId }, named);
        expect([proof.tenantId, proof.botId]).toEqual(['ten_1', 'bot_1']);
      }
      const proof = await prove('of the tenant', { tenantId: 'ten_1' }, named);
      expect([proof.tenantId, proof.botId]).toEqual(['ten_1', undefined]);
    });

    it('stands for the body’s botId, also where it names no bot', async () => {
      for (const other of ['bot_9', '', ' bot_1', 'bot_1, bot_1']) {
        const claims = { tenantId: 'ten_1', botId: 'bot_1' };
        await expect(prove('of the bot', claims, { 'x-bot-id': other })).rejects.toMatchObject(refused);
      }
    });

    it('does not reach into another tenant than the body’s', async () => {
      const named = { 'x-bot-id': 'bot_2' };
      await expect(prove('of another tenant', { tenantId: 'ten_1' }, named)).rejects.toMatchObject(refused);
      await expect(prove('of another tenant', {}, named)).resolves.toMatchObject({ tenantId: 'ten_2', botId: 'bot_2' });
    });
  });

  describe('X-Key-Id', () => {
    it('makes one secret the only candidate', async () => {
      const first = senders.add('first');
      const second = senders.add('second');
      const claims = { tenantId: 'ten_1' };
      await expect(prove('first', claims, { 'x-key-id': first })).resolves.toBeDefined();
      await expect(prove('first', claims, { 'x-key-id': second })).rejects.toMatchObject(refused);
      for (const none of ['sec_9', '', `${first} `, `${first}, ${second}`, first.toUpperCase()]) {
        await expect(prove('first', claims, { 'x-key-id': none })).rejects.toMatchObject(refused);
      }
    });

    it('names a bot’s secret too, and what it signs is that bot’s', async () => {
      const keyId = senders.add('of the bot', { botId: 'bot_1' });
      for (const claims of [{ tenantId: 'ten_1' }, { tenantId: 'ten_1', botId: 'bot_9' }]) {
        await expect(prove('of the bot', claims, { 'x-key-id': keyId })).resolves.toMatchObject({ botId: 'bot_1' });
      }
    });

    it('names a secret of the body’s tenant, or none', async () => {
      senders.add('shared');
      const theirs = senders.add('shared', { tenantId: 'ten_2' });
      await expect(prove('shared', { tenantId: 'ten_1' }, { 'x-key-id': theirs })).rejects.toMatchObject(refused);
      await expect(prove('shared', { tenantId: 'ten_2' }, { 'x-key-id': theirs })).resolves.toMatchObject({
        tenantId: 'ten_2',
      });
    });

    it('names the tenant where the body does not', async () => {
      const theirs = senders.add('theirs', { tenantId: 'ten_2' });
      await expect(prove('theirs', {}, { 'x-key-id': theirs })).resolves.toMatchObject({ tenantId: 'ten_2' });
      await expect(prove('wrong', {}, { 'x-key-id': theirs })).rejects.toMatchObject(refused);
      await expect(prove('theirs', {}, { 'x-key-id': 'sec_9' })).rejects.toMatchObject(refused);
      await expect(prove('theirs', {}, { 'x-key-id': theirs }, {})).rejects.toMatchObject(refused);
    });

    it('asks no database for what can be no id', async () => {
      const asked: string[] = [];
      const remember = (id: string) => {
        asked.push(id);
        return Promise.resolve(undefined);
      };
      const tenantOf = { secret: remember, bot: remember };
      for (const id of ['', 'a'.repeat(65), 'a b', 'a\u00e9', 'a\u0000']) {
        for (const header of ['x-key-id', 'x-bot-id']) {
          await expect(prove('s', {}, { [header]: id }, { tenantOf })).rejects.toMatchObject(refused);
        }
      }
      expect(asked).toEqual([]);
      await expect(prove('s', {}, { 'x-key-id': 'sec_9', 'x-bot-id': 'bot_9' }, { tenantOf })).rejects.toMatchObject(
        refused,
      );
      expect(asked).toEqual(['sec_9']);
    });

    it('is no live secret once that has expired, and is found when the cache is behind', async () => {
      const claims = { tenantId: 'ten_1' };
      const expired = senders.add('secret', { expiresAtMs: NOW_MS });
      const young = senders.add('young', { cached: false });
      await expect(prove('secret', claims, { 'x-key-id': expired })).rejects.toMatchObject(refused);
      await expect(prove('young', claims, { 'x-key-id': young })).resolves.toBeDefined();
    });
  });
});
