import { setTimeout as sleep } from 'node:timers/promises';
import { newId, type WebhookSuspicious } from '@tickwire/contracts';
import { formatWebhookSecret } from '@tickwire/signing';
import { testDatabase, type TestDatabase } from '@tickwire/testing';
import { addBot, restrict, setSettings } from '../fixtures/door-senders.js';
import { addSender, openDoor, post, sendSigned, signalOf, signed, type Door, type Sender } from '../fixtures/door.js';

const STRANGERS_SECRET = formatWebhookSecret(Buffer.alloc(24, 7));

/** Tries again until `check` no longer throws; after 10 s its last error counts. */
async function until<T>(check: () => Promise<T>): Promise<T> {
  for (const end = performance.now() + 10_000; ;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > end) throw error;
      await sleep(50);
    }
  }
}

describe('a sender that sends too much, or oddly', () => {
  let database: TestDatabase;
  let door: Door;
  let sender: Sender;

  beforeAll(async () => {
    database = await testDatabase();
    door = await openDoor({ pool: database.pool(), connectionString: database.connectionString });
  });
  afterAll(async () => {
    await door.close();
    await database.drop();
  });
  beforeEach(async () => {
    sender = await addSender(database.pool());
  });

  const suspicions = async (): Promise<WebhookSuspicious[]> =>
    (await door.appended(sender.tenantId))
      .filter(({ type }) => type === 'webhook.suspicious')
      .map(({ data }) => data as WebhookSuspicious);

  describe('limits', () => {
    it('let the burst in, then tell when to come again, and what comes again costs nothing', async () => {
      await setSettings(database.pool(), sender.tenantId, { limits: { accountPerMinute: 60, burst: 3 } });
      const answers = [];
      for (let n = 0; n < 4; n += 1) answers.push(await sendSigned(door, sender, {}, { id: `msg_l${n}` }));
      expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 429]);
      expect(answers[0]!.headers.get('ratelimit-policy')).toMatch(/"tenant";q=3;w=\d+, "account";q=3;w=3/);
      expect(answers[0]!.headers.get('ratelimit')).toMatch(/"(tenant|account)";r=2;t=1/);
      const refused = answers[3]!;
      expect([refused.body['code'], refused.body['limit'], refused.headers.get('retry-after')]).toEqual([
        'RATE_LIMITED',
        'account',
        '1',
      ]);
      const replay = await sendSigned(door, sender, {}, { id: 'msg_l0' });
      expect([replay.status, replay.headers.get('idempotency-replayed')]).toEqual([202, 'true']);
      // Its claims were given back: the same request is taken in as soon as the limit allows.
      await until(async () => expect((await sendSigned(door, sender, {}, { id: 'msg_l3' })).status).toBe(202));
    });

    it('count a bot for itself, and no tenant for another', async () => {
      await setSettings(database.pool(), sender.tenantId, {
        limits: { burst: 100, botPerMinute: 1, accountPerMinute: 6_000 },
      });
      await database
        .pool()
        .query("UPDATE tenant SET settings = jsonb_set(settings, '{limits,burst}', '2') WHERE id = $1", [
          sender.tenantId,
        ]);
      const botId = await addBot(database.pool(), sender.tenantId);
      const other = await addSender(database.pool());
      const statuses = [];
      for (let n = 0; n < 3; n += 1) statuses.push((await sendSigned(door, sender, { botId })).status);
      expect(statuses).toEqual([202, 202, 429]);
      expect((await sendSigned(door, other)).status).toBe(202);
    });

    it('count malformed requests, which leave a trace each', async () => {
      await setSettings(database.pool(), sender.tenantId, { limits: { tenantPerMinute: 1, burst: 2 } });
      const statuses = [];
      for (let n = 0; n < 3; n += 1) statuses.push((await sendSigned(door, sender, { quantity: 0 })).status);
      expect(statuses).toEqual([422, 422, 429]);
      expect(await door.appended(sender.tenantId)).toHaveLength(2);
    });
  });

  describe('restrictions', () => {
    it('shut a quarantined bot or tenant out, say until when, and let it in afterwards or when released', async () => {
      const pool = database.pool();
      const botId = await addBot(pool, sender.tenantId);
      const restrictionId = await restrict(pool, sender.tenantId, {
        kind: 'quarantine',
        suspectKind: 'tenant',
        suspectId: sender.tenantId,
      });
      const answer = await sendSigned(door, sender);
      expect([answer.status, answer.body['code'], answer.body['restrictionId']]).toEqual([
        403,
        'QUARANTINED',
        restrictionId,
      ]);
      expect(await door.appended(sender.tenantId)).toEqual([]);
      await pool.query('UPDATE restriction SET released_at = now() WHERE id = $1', [restrictionId]);
      expect((await sendSigned(door, sender, { botId })).status).toBe(202);
      await restrict(pool, sender.tenantId, {
        kind: 'quarantine',
        suspectKind: 'source',
        suspectId: '127.0.0.1',
        untilMs: Date.now() + 1_500,
      });
      expect((await sendSigned(door, sender)).status).toBe(403);
      await until(async () => expect((await sendSigned(door, sender)).status).toBe(202));
    });

    it('leave a throttled sender a part of its limits, and other tenants alone', async () => {
      const other = await addSender(database.pool());
      await restrict(database.pool(), sender.tenantId, {
        kind: 'throttle',
        suspectKind: 'source',
        suspectId: '127.0.0.1',
        factor: 0.1,
      });
      const policyOf = async (who: Sender) => (await sendSigned(door, who)).headers.get('ratelimit-policy');
      expect([await policyOf(sender), await policyOf(other)]).toEqual([
        expect.stringMatching(/"tenant";q=20;.*"account";q=2;/),
        expect.stringMatching(/"tenant";q=200;.*"account";q=20;/),
      ]);
    });
  });

  describe('patterns', () => {
    it('tell of a storm of bad signatures, and answer the honest sender as before', async () => {
      const body = signalOf(sender);
      for (let n = 0; n < 25; n += 1) await post(door, body, signed(body, STRANGERS_SECRET));
      const found = await until(async () => {
        const all = await suspicions();
        expect(all.map(({ suspect }) => suspect.kind).sort()).toEqual(['source', 'tenant']);
        return all;
      });
      expect(found[0]).toMatchObject({ pattern: 'signature_failure_storm', evidence: { threshold: 20 } });
      expect((await sendSigned(door, sender)).status).toBe(202);
    });

    it('tell of a nonce that is replayed over and over', async () => {
      await sendSigned(door, sender, {}, { id: 'msg_again' });
      for (let n = 0; n < 12; n += 1) await sendSigned(door, sender, {}, { id: 'msg_again' });
      await until(async () =>
        expect(await suspicions()).toEqual([
          expect.objectContaining({ pattern: 'replay_storm', suspect: { kind: 'nonce', id: 'msg_again' } }),
        ]),
      );
    });

    it('tell a sender whose clock is wrong by how much, and its tenant after some such requests', async () => {
      const timestampS = Math.floor(Date.now() / 1_000) - 600;
      for (let n = 0; n < 5; n += 1) {
        const answer = await sendSigned(door, sender, {}, { id: `msg_late${n}`, timestampS });
        expect([answer.status, answer.body['code']]).toEqual([401, 'STALE_TIMESTAMP']);
        expect(Math.abs((answer.body['skewMs'] as number) - 600_000)).toBeLessThan(5_000);
      }
      await until(async () => {
        const [found] = await suspicions();
        expect(found).toMatchObject({ pattern: 'wrong_clock', suspect: { kind: 'tenant', id: sender.tenantId } });
        expect(Math.abs(found!.evidence.skewMs! + 600_000)).toBeLessThan(5_000);
      });
    });

    it('of a tenant that does not exist are nobody’s', async () => {
      const body = signalOf({ ...sender, tenantId: newId('ten') });
      for (let n = 0; n < 25; n += 1) await post(door, body, signed(body, STRANGERS_SECRET));
      expect(await suspicions()).toEqual([]);
    });
  });
});
