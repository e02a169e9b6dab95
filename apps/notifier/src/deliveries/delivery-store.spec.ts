import { TransientError } from '@tickwire/errors';
import { createPool } from '@tickwire/persistence';
import { testDatabase, type TestDatabase } from '@tickwire/testing';
import type { Pool } from 'pg';
import { v7 } from 'uuid';
import { attemptRows, createEndpoint, createTenant, deliveryRows } from '../../fixtures/notifier-rig.js';
import type { AttemptResult, Delivery, NewDelivery } from './delivery.js';
import { DeliveryStore } from './delivery-store.js';

const LEASE_MS = 30_000;
const everything = { most: 10_000, mostPerEndpoint: 10_000, limited: new Map<string, number>() };
const target = {
  url: 'https://example.test/',
  sealedSecret: '',
  sealedPreviousSecret: null,
  previousSecretUntil: null,
};

describe('DeliveryStore', () => {
  let database: TestDatabase;
  let pool: Pool;
  let tenantId: string;
  let mine: DeliveryStore;
  let other: DeliveryStore;

  beforeEach(async () => {
    database = await testDatabase();
    pool = database.pool();
    tenantId = await createTenant(pool);
    mine = new DeliveryStore(pool, 'mine', LEASE_MS);
    other = new DeliveryStore(pool, 'other', LEASE_MS);
  });
  afterEach(() => database.drop());

  const endpoint = async (): Promise<string> =>
    (await createEndpoint(pool, { tenantId, url: 'https://example.test/' })).id;
  const due = (endpointId: string, overrides: Partial<NewDelivery> = {}): NewDelivery => ({
    endpointId,
    tenantId,
    dueAtMs: Date.now() - 60_000,
    tie: 0,
    claimed: false,
    target,
    event: { eventId: v7(), tenantId, type: 'webhook.received', body: Buffer.from('{"a":"\u00e4\\\\"}') },
    ...overrides,
  });
  const many = (count: number, endpointId: string): NewDelivery[] =>
    Array.from({ length: count }, () => due(endpointId));
  const result = (delivery: Delivery, overrides: Partial<AttemptResult> = {}): AttemptResult => ({
    delivery,
    attempt: delivery.attempts + 1,
    status: 'delivered',
    atMs: Date.now(),
    durationMs: 1.4,
    ...overrides,
  });
  const ids = (deliveries: readonly { eventId: string }[]): string[] => deliveries.map(({ eventId }) => eventId).sort();

  it('stores an event once and a delivery once per endpoint, and says which are new', async () => {
    const [a, b] = [await endpoint(), await endpoint()];
    const event = due(a).event;
    expect(await mine.insert([due(a, { event }), due(b, { event })])).toEqual(
      new Set([`${a} ${event.eventId}`, `${b} ${event.eventId}`]),
    );
    const again = due(a, { event: { ...event, body: Buffer.from('other bytes') } });
    expect(await other.insert([again, again])).toEqual(new Set());
    const { deliveries } = await mine.claim(everything);
    expect(deliveries.map(({ body }) => body.equals(event.body))).toEqual([true, true]);
  });

  it('keeps what is stored as claimed from everybody, until the lease ends', async () => {
    const endpointId = await endpoint();
    const brief = new DeliveryStore(pool, 'brief', 100);
    await mine.insert([due(endpointId, { claimed: true })]);
    await brief.insert([due(endpointId, { claimed: true })]);
    expect((await other.claim(everything)).deliveries).toHaveLength(0);
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect((await other.claim(everything)).deliveries).toHaveLength(1);
  });

  it('never gives a delivery to two at the same time', async () => {
    await mine.insert(many(300, await endpoint()));
    const claims = await Promise.all(
      Array.from({ length: 10 }, (_, n) =>
        new DeliveryStore(pool, `p${n}`, LEASE_MS).claim({ ...everything, most: 40 }),
      ),
    );
    const claimed = claims.flatMap(({ deliveries }) => ids(deliveries));
    expect(new Set(claimed).size).toBe(claimed.length);
    const rest = (await mine.claim(everything)).deliveries;
    expect(claimed.length + rest.length).toBe(300);
  });

  it('claims the oldest first, and in the given order within a millisecond', async () => {
    const endpointId = await endpoint();
    const nowMs = Date.now();
    const stored = [
      due(endpointId, { dueAtMs: nowMs - 500, tie: 1 }),
      due(endpointId, { dueAtMs: nowMs - 500, tie: 2 }),
      due(endpointId, { dueAtMs: nowMs - 900 }),
      due(endpointId, { dueAtMs: nowMs - 500, tie: 0 }),
    ];
    await mine.insert(stored);
    const { deliveries } = await mine.claim({ ...everything, most: 3 });
    expect(deliveries.map(({ eventId }) => eventId)).toEqual([2, 3, 0].map((at) => stored[at]!.event.eventId));
  });

  it('takes no more of an endpoint than there is room for, and nothing of one that is left out', async () => {
    const [full, some, free] = [await endpoint(), await endpoint(), await endpoint()];
    await mine.insert([...many(5, full), ...many(5, some), ...many(5, free)]);
    const { deliveries, sawAll } = await mine.claim({
      most: 100,
      mostPerEndpoint: 3,
      limited: new Map([
        [full, 0],
        [some, 2],
      ]),
    });
    const count = (id: string): number => deliveries.filter(({ endpointId }) => endpointId === id).length;
    expect([count(full), count(some), count(free)]).toEqual([0, 2, 3]);
    expect(sawAll).toBe(true);
  });

  it('is not kept from other endpoints by one with a backlog beyond the window', async () => {
    const [clogged, behind] = [await endpoint(), await endpoint()];
    await mine.insert(many(1_100, clogged));
    await mine.insert([due(behind, { dueAtMs: Date.now() - 1_000 })]);
    const first = await mine.claim({ most: 100, mostPerEndpoint: 10, limited: new Map() });
    expect([first.deliveries.length, first.sawAll]).toEqual([10, false]);
    const next = await mine.claim({ most: 100, mostPerEndpoint: 10, limited: new Map([[clogged, 0]]) });
    expect(next.deliveries.map(({ endpointId }) => endpointId)).toEqual([behind]);
  });

  it('hands deliveries over without a target once their endpoint is gone', async () => {
    const [gone, active] = [await endpoint(), await endpoint()];
    await mine.insert([due(gone), due(active)]);
    await pool.query(`DELETE FROM "webhook_endpoint" WHERE "id" = $1`, [gone]);
    const { deliveries } = await mine.claim(everything);
    expect(new Map(deliveries.map(({ endpointId, target: found }) => [endpointId, found?.url]))).toEqual(
      new Map([
        [gone, undefined],
        [active, 'https://example.test/'],
      ]),
    );
  });

  it('records attempts once, however often they are written', async () => {
    await mine.insert(many(2, await endpoint()));
    const { deliveries } = await mine.claim(everything);
    const results = [
      result(deliveries[0]!, { statusCode: 200, excerpt: 'ok' }),
      result(deliveries[1]!, { status: 'pending', retryInMs: 60_000, statusCode: 500, error: 'HTTP 500' }),
    ];
    await mine.settle(results);
    await mine.settle(results);
    const rows = await deliveryRows(pool);
    expect(rows.map(({ status, attempts, claimed_by }) => [status, attempts, claimed_by]).sort()).toEqual([
      ['delivered', 1, null],
      ['pending', 1, null],
    ]);
    expect((await attemptRows(pool)).map(({ status_code, duration_ms }) => [status_code, duration_ms]).sort()).toEqual([
      [200, 1],
      [500, 1],
    ]);
    expect((await mine.claim(everything)).deliveries).toEqual([]);
  });

  it('takes a success from one that lost its claim, and nothing else', async () => {
    const endpointId = await endpoint();
    const brief = new DeliveryStore(pool, 'brief', 1);
    await mine.insert(many(2, endpointId));
    const lost = (await brief.claim(everything)).deliveries;
    await new Promise((resolve) => setTimeout(resolve, 20));
    const taken = (await other.claim(everything)).deliveries;
    expect(ids(taken)).toEqual(ids(lost));
    await brief.settle([result(lost[0]!), result(lost[1]!, { status: 'exhausted' })]);
    expect((await deliveryRows(pool)).map(({ event_id, status }) => [event_id, status]).sort()).toEqual(
      [
        [lost[0]!.eventId, 'delivered'],
        [lost[1]!.eventId, 'pending'],
      ].sort(),
    );
    expect(await mine.renew(lost)).toEqual(new Set());
    expect(await other.renew(lost)).toEqual(new Set([`${endpointId} ${lost[1]!.eventId}`]));
  });

  it('gives claims back at their old place in line', async () => {
    const endpointId = await endpoint();
    const nowMs = Date.now();
    const stored = [due(endpointId, { dueAtMs: nowMs - 2_000 }), due(endpointId, { dueAtMs: nowMs - 1_000 })];
    await mine.insert(stored);
    const { deliveries } = await mine.claim(everything);
    await mine.release(deliveries);
    const [first] = (await other.claim({ ...everything, most: 1 })).deliveries;
    expect(first!.eventId).toBe(stored[0]!.event.eventId);
    await mine.release(deliveries); // no more ours
    expect((await mine.claim(everything)).deliveries).toHaveLength(1);
  });

  it('counts what is pending and how long the oldest due delivery has waited', async () => {
    expect(await mine.backlog(10)).toEqual({ pending: 0, oldestDueS: 0 });
    const endpointId = await endpoint();
    await mine.insert(many(4, endpointId));
    const { pending, oldestDueS } = await mine.backlog(3);
    expect(pending).toBe(3);
    expect(oldestDueS).toBeGreaterThanOrEqual(59);
  });

  it('reports a database that is away as transient', async () => {
    const away = createPool({ connectionString: 'postgresql://x@127.0.0.1:1/x', applicationName: 'test' });
    const store = new DeliveryStore(away, 'mine', LEASE_MS);
    await expect(store.claim(everything)).rejects.toBeInstanceOf(TransientError);
    await expect(store.insert([due('whe_x')])).rejects.toBeInstanceOf(TransientError);
    await away.end();
  });
});
