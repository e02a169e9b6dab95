import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError } from '@tickwire/config';
import { configChanged, createEvent, encodeEvent, type ConfigChanged } from '@tickwire/contracts';
import type { NewRecord } from '@tickwire/event-log';
import { createPool } from '@tickwire/persistence';
import { startRedis, testDatabase, type TestDatabase } from '@tickwire/testing';
import type { Pool } from 'pg';
import {
  addSecret,
  addSender,
  openDoor,
  post,
  sendSigned,
  sendWithKey,
  signalOf,
  signed,
  type Door,
  type Sender,
} from '../fixtures/door.js';
import { UnreliableLog } from '../fixtures/unreliable-log.js';

const changeOf = (data: ConfigChanged): NewRecord =>
  encodeEvent(
    configChanged,
    createEvent(configChanged, { id: randomUUID(), source: 'api', subject: data.id, timeMs: 0, data }),
  );

describe('the door', () => {
  let database: TestDatabase;
  let where: { pool: Pool; connectionString: string };
  let sender: Sender;

  beforeAll(async () => {
    database = await testDatabase();
    where = { pool: database.pool(), connectionString: database.connectionString };
    sender = await addSender(where.pool);
  });
  afterAll(() => database.drop());

  it('answers 503 while the database is away, and appends nothing', async () => {
    const away = createPool({ connectionString: 'postgresql://nobody@127.0.0.1:1/none', applicationName: 'spec' });
    const door = await openDoor(where, { aroundPool: () => away });
    const before = (await door.appended()).length;
    for (const answer of [await sendSigned(door, sender), await sendWithKey(door, sender)]) {
      expect([answer.status, answer.body['code'], answer.headers.get('retry-after')]).toEqual([
        503,
        'UNAVAILABLE',
        '1',
      ]);
      expect(answer.text).not.toMatch(/127\.0\.0\.1|ECONN|database/i);
    }
    expect(await door.appended()).toHaveLength(before);
    await door.close();
    await away.end();
  });

  it('answers from memory while it hears of changes, and by what has changed once it has heard', async () => {
    let queries = 0;
    const counting = (pool: Pool): Pool =>
      new Proxy(pool, {
        get: (target, name) => {
          if (name === 'query') queries += 1;
          const value: unknown = Reflect.get(target, name, target);
          return typeof value === 'function' ? (value.bind(target) as unknown) : value;
        },
      });
    const own = await addSender(where.pool);
    const door = await openDoor(where, { aroundPool: counting });
    const beats = Array.from({ length: door.log.partitionCount }, (_, partition) => ({
      ...changeOf({ entity: 'heartbeat', id: 'heartbeat', version: 0 }),
      partition,
    }));
    let beating = true;
    const heart = (async () => {
      for (; beating; await sleep(100)) await door.log.append(beats);
    })();
    /** Queries that one accepted signal costs. */
    const cost = async (): Promise<number> => {
      const before = queries;
      expect((await sendSigned(door, own)).status).toBe(202);
      return queries - before;
    };
    const setRevoked = (when: string): Promise<unknown> =>
      where.pool.query(`UPDATE signing_secret SET revoked_at = ${when} WHERE tenant_id = $1`, [own.tenantId]);
    // Repeated where a heartbeat came late, which a busy machine may bring about.
    for (let fromMemory = false; !fromMemory;) {
      await setRevoked('NULL');
      while ((await cost()) > 0) await sleep(20);
      await setRevoked('now()');
      const before = queries;
      const { status } = await sendSigned(door, own);
      fromMemory = queries === before;
      if (fromMemory) expect(status).toBe(202);
    }
    // A refusal is confirmed in the database: a secret may be younger than the news of it.
    const { secret } = await addSecret(where.pool, own.tenantId);
    expect((await post(door, signalOf(own), signed(signalOf(own), secret))).status).toBe(202);
    await door.log.append([changeOf({ entity: 'signing-secret', id: 'sec_1', tenantId: own.tenantId, version: 2 })]);
    while ((await sendSigned(door, own)).status !== 401) await sleep(20);
    beating = false;
    await heart;
    await door.close();
  });

  it('is ready while it reads the log, and counts what it does', async () => {
    const door = await openDoor(where);
    const port = await door.host.management.listen();
    const ready = await fetch(`http://127.0.0.1:${port}/readyz`);
    const { checks } = (await ready.json()) as { checks: { name: string }[] };
    expect([ready.status, checks.length]).toEqual([200, 1]);
    const body = signalOf(sender);
    const headers = signed(body, sender.secret);
    for (let sent = 0; sent < 3; sent++) await post(door, body, headers);
    const metrics = await door.host.management.registry.metrics();
    expect(metrics).toContain('tickwire_ingress_accepted_total{scheme="standard-webhooks"} 1');
    expect(metrics).toContain('tickwire_ingress_replayed_total 2');
    expect(metrics).toContain('tickwire_ingress_append_seconds_count 1');
    await door.close();
    expect(await door.host.management.registry.metrics()).not.toContain('tickwire_ingress');
    await door.host.management.close();
  });

  it.each([
    [{ CLAIM_STORE: 'redis', REDIS_URL: undefined }, 'REDIS_URL'],
    [{ SECRETS_KEYS: 'spec:AAAA' }, 'SECRETS_KEYS'],
  ])('does not open on settings that do not fit', async (config, variable) => {
    const failed = await openDoor(where, { config }).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(ConfigError);
    expect((failed as ConfigError).problems.map(({ name }) => name)).toEqual([variable]);
  });

  describe('with claims in Redis', () => {
    const unreliable = new UnreliableLog();
    let door: Door | undefined;
    let redis: Awaited<ReturnType<typeof startRedis>>;

    beforeEach(async () => {
      redis = await startRedis();
      if (redis === undefined) return;
      const config = { CLAIM_STORE: 'redis', REDIS_URL: redis.url, REDIS_TIMEOUT_MS: 500 };
      door = await openDoor(where, { config, around: unreliable.around });
    });
    afterEach(async () => {
      await door?.close();
      await redis?.stop();
    });

    it('neither opens nor stops while Redis is away: claims and limits are this replica’s own then, and metrics tell', async () => {
      if (!door || !redis) return;
      const own = await addSender(where.pool);
      await where.pool.query(`UPDATE tenant SET settings = '{"limits": {"burst": 5}}' WHERE id = $1`, [own.tenantId]);
      await redis.stop();
      const [first, again] = [
        await sendSigned(door, own, {}, { id: 'msg_away' }),
        await sendSigned(door, own, {}, { id: 'msg_away' }),
      ];
      expect([first.status, again.status, again.text]).toEqual([202, 202, first.text]);
      const statuses = [];
      for (let n = 0; n < 6; n += 1) statuses.push((await sendSigned(door, own)).status);
      expect(statuses).toContain(429);
      expect(statuses.filter((status) => status === 202)).toHaveLength(4);
      expect(await door.appended(own.tenantId)).toHaveLength(5);
      const metrics = await door.host.management.registry.metrics();
      expect(metrics).toContain('tickwire_ingress_claims_by_replica 1');
      expect(metrics).toContain('tickwire_ingress_limits_by_replica 1');
    });

    it('answers 202 for a record that is in the log, though its answer cannot be kept', async () => {
      if (!door || !redis) return;
      const own = await addSender(where.pool);
      unreliable.fault = 'hangs';
      const answer = sendSigned(door, own);
      while (unreliable.held.length === 0) await sleep(1);
      await redis.stop();
      for (const resume of unreliable.held.splice(0)) resume();
      expect((await answer).status).toBe(202);
      expect(await door.appended(own.tenantId)).toHaveLength(1);
    });
  });
});
