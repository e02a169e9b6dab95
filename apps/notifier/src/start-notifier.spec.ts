import {
  webhookCompleted,
  webhookFailed,
  webhookReceived,
  webhookTradeExecuted,
  webhookValidated,
  type EventDefinition,
} from '@tickwire/contracts';
import type { PostgresEventLog } from '@tickwire/event-log';
import type { RunningApp } from '@tickwire/runtime';
import { testDatabase, type TestDatabase } from '@tickwire/testing';
import type { Pool } from 'pg';
import { Webhook } from 'standardwebhooks';
import {
  attemptRows,
  countQueries,
  createEndpoint,
  createTenant,
  deliveryRows,
  eventually,
  heartbeats,
  lifecycleEvent,
  notifierConfig,
  openLog,
  receivedSignals,
  testHost,
} from '../fixtures/notifier-rig.js';
import { Receiver, type Answer, type ReceivedRequest } from '../fixtures/receiver.js';
import { DeliveryStore } from './deliveries/delivery-store.js';
import type { NotifierConfig } from './notifier.config.js';
import { startNotifier } from './start-notifier.js';

const LIFECYCLE = [
  webhookReceived,
  webhookValidated,
  webhookTradeExecuted,
  webhookCompleted,
  webhookFailed,
] as EventDefinition[];
const answering =
  (...statuses: number[]): Answer =>
  (_request, response, nth) =>
    response.writeHead(statuses[Math.min(nth, statuses.length) - 1]!).end();
const hanging: Answer = () => undefined;

const verify = (secret: string, { headers, body }: ReceivedRequest): unknown =>
  new Webhook(secret).verify(body, headers as Record<string, string>);
const idsOf = (requests: readonly ReceivedRequest[]): string[] =>
  requests.map(({ headers }) => String(headers['webhook-id']));

describe('the notifier', () => {
  let database: TestDatabase;
  let pool: Pool;
  let log: PostgresEventLog;
  let tenantId: string;
  let receiver: Receiver;
  const running: RunningApp[] = [];
  const receivers: Receiver[] = [];

  const start = async (overrides: Partial<NotifierConfig> = {}): Promise<RunningApp> => {
    const app = await startNotifier(notifierConfig(overrides), testHost(pool, log));
    running.push(app);
    return app;
  };
  const receive = async (answer?: Answer): Promise<Receiver> => {
    const started = await Receiver.start(answer);
    receivers.push(started);
    return started;
  };
  const settled = async (count: number) => {
    const text = `SELECT count(*)::int AS "n" FROM "callback_delivery" WHERE "status" <> 'pending'`;
    await eventually(
      async () => (await pool.query<{ n: number }>(text)).rows[0]!.n,
      (n) => n === count,
    );
    return deliveryRows(pool);
  };

  beforeEach(async () => {
    database = await testDatabase();
    pool = database.pool();
    log = await openLog(pool, database.connectionString);
    tenantId = await createTenant(pool);
    receiver = await receive();
  });

  afterEach(async () => {
    await Promise.all(running.splice(0).map((app) => app.stop()));
    await log.close();
    await Promise.all(receivers.splice(0).map((each) => each.stop()));
    await database.drop();
  });

  it('delivers every kind of lifecycle event, verifiable, with the bytes of the log', async () => {
    const { secret } = await createEndpoint(pool, { tenantId, url: receiver.url() });
    await start();
    const events = LIFECYCLE.map((definition) => lifecycleEvent(definition, { tenantId }));
    await log.append(events);
    await receiver.until(() => receiver.requests.length === events.length);
    for (const { id, value } of events) {
      const request = receiver.requests.find(({ headers }) => headers['webhook-id'] === id)!;
      expect(request.body.equals(Buffer.from(value))).toBe(true);
      expect(verify(secret, request)).toEqual(JSON.parse(value));
      expect(request.headers).toMatchObject({
        'content-type': 'application/cloudevents+json',
        'user-agent': expect.stringMatching(/^Tickwire\//),
      });
      expect(Math.abs(Number(request.headers['webhook-timestamp']) - Date.now() / 1_000)).toBeLessThan(60);
    }
    const rows = await settled(events.length);
    expect(new Set(rows.map((row) => `${row.status} ${row.attempts} ${row.claimed_by}`))).toEqual(
      new Set(['delivered 1 null']),
    );
  });

  it('sends an account’s events in their order', async () => {
    await createEndpoint(pool, { tenantId, url: receiver.url() });
    await start({ MAX_IN_FLIGHT_PER_ENDPOINT: 1 });
    const events = receivedSignals(100, { tenantId });
    for (let at = 0; at < events.length; at += 10) await log.append(events.slice(at, at + 10));
    await receiver.until(() => receiver.requests.length === events.length);
    expect(idsOf(receiver.requests)).toEqual(events.map(({ id }) => id));
  });

  it('sends only what an endpoint asked for, to its own tenant only', async () => {
    const stranger = await createTenant(pool);
    await createEndpoint(pool, { tenantId, url: receiver.url('/failures'), events: ['webhook.failed'] });
    await createEndpoint(pool, { tenantId, url: receiver.url('/all') });
    await start();
    const failed = lifecycleEvent(webhookFailed, { tenantId });
    const received = lifecycleEvent(webhookReceived, { tenantId });
    await log.append([lifecycleEvent(webhookFailed, { tenantId: stranger }), received, failed]);
    await receiver.until(() => receiver.requests.length === 3);
    await settled(3);
    expect(idsOf(receiver.at('/failures'))).toEqual([failed.id]);
    expect(idsOf(receiver.at('/all')).sort()).toEqual([received.id, failed.id].sort());
    const { rows } = await pool.query(`SELECT "tenant_id" FROM "callback_event"`);
    expect(rows).toEqual([{ tenant_id: tenantId }, { tenant_id: tenantId }]);
  });

  it('retries until a 2xx, with the same id and bytes and a new timestamp, and records each attempt', async () => {
    const { secret } = await createEndpoint(pool, { tenantId, url: receiver.url() });
    receiver.answer = (_request, response, nth) => {
      if (nth === 1) response.writeHead(500, { 'content-type': 'text/plain' }).end('out of\norder \u0000 ä');
      else if (nth <= 3)
        response.destroy(); // on a used connection, and on the fresh one that one attempt tries next
      else response.writeHead(nth === 4 ? 302 : 200).end();
    };
    await start({ RETRY_SCHEDULE_MS: ['0', '10', '10', '10'] });
    const event = lifecycleEvent(webhookReceived, { tenantId });
    await log.append([event]);
    await receiver.until(() => receiver.requests.length === 5);
    const [row] = await settled(1);
    expect(row).toMatchObject({ status: 'delivered', attempts: 4, next_attempt_at: null });
    for (const request of receiver.requests) {
      expect(request.headers['webhook-id']).toBe(event.id);
      expect(request.body.toString()).toBe(event.value);
      verify(secret, request);
    }
    const attempts = await attemptRows(pool);
    expect(
      attempts.map(({ attempt, status_code, error }) => [attempt, status_code, error?.split(':')[0] ?? null]),
    ).toEqual([
      [1, 500, 'HTTP 500'],
      [2, null, 'reset'],
      [3, 302, 'HTTP 302'],
      [4, 200, null],
    ]);
    expect(attempts[0]!.response_excerpt).toBe('out of order');
  });

  it('gives up after the last attempt of the schedule', async () => {
    await createEndpoint(pool, { tenantId, url: receiver.url() });
    receiver.answer = answering(400);
    await start({ RETRY_SCHEDULE_MS: ['0', '10', '10'] });
    await log.append([lifecycleEvent(webhookReceived, { tenantId })]);
    const [row] = await settled(1);
    expect(row).toMatchObject({ status: 'exhausted', attempts: 3 });
    expect(receiver.requests).toHaveLength(3);
  });

  it('follows the schedule, within its jitter', async () => {
    await createEndpoint(pool, { tenantId, url: receiver.url() });
    receiver.answer = answering(503);
    await start({ RETRY_SCHEDULE_MS: ['0', '3600000'] });
    await log.append([lifecycleEvent(webhookReceived, { tenantId })]);
    const [row] = await eventually(
      () => deliveryRows(pool),
      ([first]) => first?.attempts === 1,
    );
    const { rows } = await pool.query<{ s: number }>(
      `SELECT extract(epoch FROM "next_attempt_at" - now())::float8 AS "s" FROM "callback_delivery"`,
    );
    expect(row!.status).toBe('pending');
    expect(rows[0]!.s).toBeGreaterThan(3_600 * 0.8 - 60);
    expect(rows[0]!.s).toBeLessThanOrEqual(3_600 * 1.2);
  });

  it.each([
    ['120', 110, 120],
    ['9999999', 86_390, 86_400],
  ])('waits as long as Retry-After: %s asks, up to a day', async (header, leastS, mostS) => {
    await createEndpoint(pool, { tenantId, url: receiver.url() });
    receiver.answer = (_request, response) => response.writeHead(429, { 'retry-after': header }).end();
    await start();
    await log.append([lifecycleEvent(webhookReceived, { tenantId })]);
    await eventually(
      () => deliveryRows(pool),
      ([first]) => first?.attempts === 1,
    );
    const { rows } = await pool.query<{ s: number }>(
      `SELECT extract(epoch FROM "next_attempt_at" - now())::float8 AS "s" FROM "callback_delivery"`,
    );
    expect(rows[0]!.s).toBeGreaterThan(leastS);
    expect(rows[0]!.s).toBeLessThanOrEqual(mostS);
  });

  it('takes 410 for the end of a delivery, and goes on with the next event', async () => {
    await createEndpoint(pool, { tenantId, url: receiver.url() });
    receiver.answer = answering(410, 200);
    await start({ MAX_IN_FLIGHT_PER_ENDPOINT: 1 });
    await log.append(receivedSignals(2, { tenantId }));
    const rows = await settled(2);
    expect(rows.map(({ status, attempts }) => [status, attempts]).sort()).toEqual([
      ['delivered', 1],
      ['exhausted', 1],
    ]);
  });

  it('ends the deliveries of a deleted and of an inactive endpoint, and says why', async () => {
    const deleted = await createEndpoint(pool, { tenantId, url: receiver.url('/deleted') });
    const inactive = await createEndpoint(pool, { tenantId, url: receiver.url('/inactive') });
    receiver.answer = answering(500);
    await start({ RETRY_SCHEDULE_MS: ['0', '1500', '20'] });
    await log.append([lifecycleEvent(webhookReceived, { tenantId })]);
    await eventually(
      () => deliveryRows(pool),
      (rows) => rows.length === 2 && rows.every((row) => row.attempts === 1),
    );
    await pool.query(`DELETE FROM "webhook_endpoint" WHERE "id" = $1`, [deleted.id]);
    await pool.query(`UPDATE "webhook_endpoint" SET "status" = 'disabled' WHERE "id" = $1`, [inactive.id]);
    const rows = await settled(2);
    expect(rows.map(({ status, attempts }) => [status, attempts])).toEqual([
      ['exhausted', 2],
      ['exhausted', 2],
    ]);
    expect(receiver.requests).toHaveLength(2);
    const last = (await attemptRows(pool)).filter(({ attempt }) => attempt === 2);
    expect(last.map(({ error }) => error)).toEqual(Array(2).fill('the endpoint is deleted or not active'));
  });

  it('signs with the new and the previous secret during a rotation, and only then', async () => {
    const hour = 3_600_000;
    const during = await createEndpoint(pool, {
      tenantId,
      url: receiver.url('/during'),
      rotating: new Date(Date.now() + hour),
    });
    const after = await createEndpoint(pool, {
      tenantId,
      url: receiver.url('/after'),
      rotating: new Date(Date.now() - hour),
    });
    await start();
    await log.append([lifecycleEvent(webhookReceived, { tenantId })]);
    await receiver.until(() => receiver.requests.length === 2);
    verify(during.secret, receiver.at('/during')[0]!);
    verify(during.previousSecret, receiver.at('/during')[0]!);
    verify(after.secret, receiver.at('/after')[0]!);
    expect(() => verify(after.previousSecret, receiver.at('/after')[0]!)).toThrow();
  });

  it('delivers after a restart what it had not delivered before, under the same ids', async () => {
    await createEndpoint(pool, { tenantId, url: receiver.url() });
    receiver.answer = hanging;
    const first = await start({ MAX_IN_FLIGHT_PER_ENDPOINT: 3 });
    const events = receivedSignals(60, { tenantId });
    await log.append(events);
    await receiver.until(() => receiver.requests.length === 3);
    await first.stop();
    const rows = await deliveryRows(pool);
    expect(rows.every((row) => row.claimed_by === null && row.status === 'pending' && row.attempts === 0)).toBe(true);
    receiver.answer = answering(204);
    await start();
    await settled(60);
    const ids = new Set(idsOf(receiver.requests.slice(3)));
    expect(ids).toEqual(new Set(events.map(({ id }) => id)));
    expect(receiver.requests).toHaveLength(63);
  });

  it('takes over what a killed notifier had claimed, once the claim has run out', async () => {
    await createEndpoint(pool, { tenantId, url: receiver.url() });
    const dead = await start();
    receiver.answer = answering(500);
    await log.append(receivedSignals(1, { tenantId }));
    await receiver.until(() => receiver.requests.length === 1);
    await dead.stop();
    await pool.query(`UPDATE "callback_delivery" SET "next_attempt_at" = now(), "status" = 'pending'`);
    const store = new DeliveryStore(pool, 'notifier-killed', 1_500);
    expect((await store.claim({ most: 10, mostPerEndpoint: 10, limited: new Map() })).deliveries).toHaveLength(1);
    receiver.answer = answering(204);
    const seen = receiver.requests.length;
    await start();
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(receiver.requests).toHaveLength(seen); // it is still somebody's
    await settled(1);
    expect(new Set(idsOf(receiver.requests)).size).toBe(1);
  });

  it('inserts and sends nothing twice when a batch comes again', async () => {
    await createEndpoint(pool, { tenantId, url: receiver.url() });
    const events = receivedSignals(20, { tenantId });
    await log.append(events);
    const first = await start();
    await settled(20);
    await first.stop();
    await pool.query(`DELETE FROM "log_offset"`);
    await start();
    const last = lifecycleEvent(webhookReceived, { tenantId });
    await log.append([last]);
    await settled(21);
    expect(receiver.requests).toHaveLength(21);
    expect(await attemptRows(pool)).toHaveLength(21);
  });

  it('lets an endpoint that hangs cost only itself', async () => {
    await createEndpoint(pool, { tenantId, url: receiver.url('/hung') });
    const healthy = await receive();
    await createEndpoint(pool, { tenantId, url: healthy.url() });
    await createEndpoint(pool, { tenantId, url: receiver.url('/neighbour') });
    receiver.answer = (request, response) => void (request.path === '/hung' || response.writeHead(204).end());
    await start({ MAX_IN_FLIGHT: 4, MAX_IN_FLIGHT_PER_ENDPOINT: 2, CALLBACK_TIMEOUT_MS: 15_000 });
    for (let batch = 0; batch < 3; batch += 1) await log.append(receivedSignals(40, { tenantId }));
    await settled(240);
    expect(healthy.requests).toHaveLength(120);
    expect(receiver.at('/neighbour')).toHaveLength(120);
    expect(receiver.at('/hung')).toHaveLength(2); // its part in flight, and not one more
  });

  it('connects to nothing that is not public unless the operator allowed it', async () => {
    await createEndpoint(pool, { tenantId, url: receiver.url() });
    await createEndpoint(pool, { tenantId, url: receiver.url().replace('127.0.0.1', 'localhost') });
    await start({ CALLBACK_ALLOW_CIDRS: undefined, RETRY_SCHEDULE_MS: ['0'] });
    await log.append([lifecycleEvent(webhookReceived, { tenantId })]);
    const rows = await settled(2);
    expect(rows.map(({ status }) => status)).toEqual(['exhausted', 'exhausted']);
    expect(receiver.connections).toBe(0);
    const attempts = await attemptRows(pool);
    expect(attempts.every(({ error }) => error!.startsWith('blocked_address'))).toBe(true);
  });

  it('stores nothing for tenants without endpoints', async () => {
    const stranger = await createTenant(pool);
    await createEndpoint(pool, { tenantId, url: receiver.url() });
    await start();
    await log.append([...receivedSignals(50, { tenantId: stranger }), ...receivedSignals(1, { tenantId })]);
    await settled(1);
    const { rows } = await pool.query(`SELECT count(*)::int AS "n" FROM "callback_event"`);
    expect(rows).toEqual([{ n: 1 }]);
  });

  it('shares the work with a second notifier, each delivery sent once', async () => {
    await createEndpoint(pool, { tenantId, url: receiver.url() });
    await Promise.all([start(), start()]);
    const events = Array.from({ length: 12 }, (_, n) =>
      receivedSignals(25, { tenantId, accountId: `acc_${n}` }),
    ).flat();
    await log.append(events);
    await settled(300);
    expect(idsOf(receiver.requests).sort()).toEqual(events.map(({ id }) => id).sort());
  });

  it('keeps its claim on what waits for longer than a lease', async () => {
    await createEndpoint(pool, { tenantId, url: receiver.url() });
    receiver.answer = (_request, response) => void setTimeout(() => response.writeHead(204).end(), 700);
    const waiting = { CLAIM_LEASE_MS: 2_000, CALLBACK_TIMEOUT_MS: 1_000, MAX_IN_FLIGHT_PER_ENDPOINT: 1 };
    await Promise.all([start(waiting), start(waiting)]);
    await log.append(receivedSignals(4, { tenantId })); // as many as are held of an endpoint
    const text = `SELECT count(*) FILTER (WHERE "status" <> 'pending')::int AS "settled",
                         count(*) FILTER (WHERE "claimed_until" < now())::int AS "lapsed" FROM "callback_delivery"`;
    const { lapsed } = await eventually(
      async () => (await pool.query<{ settled: number; lapsed: number }>(text)).rows[0]!,
      (seen) => seen.settled === 4 || seen.lapsed > 0,
    );
    expect(lapsed).toBe(0);
    expect(receiver.requests).toHaveLength(4);
  });

  it('asks the database for endpoints only while it does not hear of changes', async () => {
    const counted = countQueries(pool, /FROM "webhook_endpoint" WHERE "tenant_id"/);
    await createEndpoint(pool, { tenantId, url: receiver.url() });
    await start();
    for (let before = -1; before !== counted.queries;) {
      before = counted.queries;
      const { length } = await deliveryRows(pool); // before the append: its delivery may be there at once
      await log.append(heartbeats(log.partitionCount));
      await log.append(receivedSignals(1, { tenantId }));
      await settled(length + 1);
    }
    expect(counted.queries).toBeGreaterThan(0);
  });

  it('tells operators whether it consumes and what it has sent, until it stops', async () => {
    await createEndpoint(pool, { tenantId, url: receiver.url() });
    receiver.answer = answering(500, 200);
    const host = testHost(pool, log);
    const app = await startNotifier(notifierConfig(), host);
    await log.append([lifecycleEvent(webhookReceived, { tenantId })]);
    await settled(1);
    const attempts = await eventually(
      () => host.management.registry.getSingleMetricAsString('tickwire_notifier_attempts_total'),
      (text) => text.includes('delivered'),
    );
    expect(attempts).toContain('{result="pending"} 1');
    expect(attempts).toContain('{result="delivered"} 1');
    expect(await host.management.registry.metrics()).toMatch(/tickwire_notifier_pending \d/);
    const url = `http://127.0.0.1:${await host.management.listen()}/readyz`;
    expect(await (await fetch(url)).json()).toMatchObject({ status: 'ok', checks: [{ ok: true }] });
    await app.stop();
    expect(await host.management.registry.metrics()).not.toContain('tickwire_notifier');
    await host.management.close();
  });

  it.each([
    [{ RETRY_SCHEDULE_MS: ['10'] }, 'RETRY_SCHEDULE_MS'],
    [{ CLAIM_LEASE_MS: 1_000, CALLBACK_TIMEOUT_MS: 900 }, 'CLAIM_LEASE_MS'],
    [{ CALLBACK_ALLOW_CIDRS: 'everything' }, 'CALLBACK_ALLOW_CIDRS'],
    [{ SECRETS_KEYS: 'hunter2' }, 'SECRETS_KEYS'],
  ])('does not start with %p, naming the variable only', async (wrong, name) => {
    const failure: Error = await start(wrong).then(
      () => new Error('started'),
      (error: Error) => error,
    );
    expect(failure.message).toContain(name);
    expect(failure.message).not.toContain('hunter2');
  });
});
