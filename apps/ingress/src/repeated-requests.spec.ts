import { setTimeout as sleep } from 'node:timers/promises';
import type { WebhookReceived } from '@tickwire/contracts';
import { startRedis, testDatabase, type RedisProcess, type TestDatabase } from '@tickwire/testing';
import {
  addSender,
  newNonce,
  openDoor,
  post,
  sendSigned,
  sendWithKey,
  signalOf,
  signed,
  type Answer,
  type Door,
  type Sender,
} from '../fixtures/door.js';
import { UnreliableLog, type LogFault } from '../fixtures/unreliable-log.js';

const LEASE_MS = 600;
const MAX_WAITING = 3;

const redis = await startRedis();
const stores: [string, RedisProcess | undefined][] = [
  ['memory', undefined],
  ...(redis ? [['redis', redis] as [string, RedisProcess]] : []),
];
afterAll(() => redis?.stop());

describe.each(stores)('a request that comes again, with claims in %s', (store, server) => {
  let database: TestDatabase;
  let door: Door;
  /** As `door`, with the usual lease. */
  let longLeaseDoor: Door;
  let sender: Sender;
  const log = new UnreliableLog();

  beforeAll(async () => {
    database = await testDatabase();
    const config = { CLAIM_STORE: store, REDIS_URL: server?.url, MAX_WAITING_APPENDS: MAX_WAITING };
    const where = { pool: database.pool(), connectionString: database.connectionString };
    door = await openDoor(where, { config: { ...config, CLAIM_LEASE_MS: LEASE_MS }, around: log.around });
    longLeaseDoor = await openDoor(where, { config, around: log.around });
  });
  afterAll(async () => {
    await door.close();
    await longLeaseDoor.close();
    await database.drop();
  });
  beforeEach(async () => {
    log.fault = 'none';
    sender = await addSender(database.pool());
  });

  const received = async (): Promise<WebhookReceived[]> =>
    (await door.appended(sender.tenantId))
      .filter(({ type }) => type === 'webhook.received')
      .map((event) => event.data as WebhookReceived);
  const isReplay = ({ headers }: Answer): boolean => headers.get('idempotency-replayed') === 'true';

  it('fifty times at once is one record, and fifty times the same answer', async () => {
    const body = signalOf(sender);
    const headers = signed(body, sender.secret);
    const answers = await Promise.all(Array.from({ length: 50 }, () => post(longLeaseDoor, body, headers)));
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`))).toEqual(
      new Set([`202 ${answers[0]!.text}`]),
    );
    expect(new Set(answers.map((answer) => answer.headers.get('location'))).size).toBe(1);
    expect(answers.filter(isReplay)).toHaveLength(49);
    expect(await received()).toHaveLength(1);
  });

  it('with its nonce on another body is refused, and nothing is appended', async () => {
    const id = newNonce();
    await sendSigned(door, sender, {}, { id });
    const other = await sendSigned(door, sender, { quantity: 11 }, { id });
    expect([other.status, other.body['code']]).toEqual([409, 'IDEMPOTENCY_CONFLICT']);
    expect(await received()).toHaveLength(1);
  });

  it('with its signalId under another nonce is the same signal; with another content it is refused', async () => {
    const first = await sendSigned(door, sender, { signalId: 's' });
    const again = await sendSigned(door, sender, { signalId: 's' });
    expect([again.status, again.text, isReplay(again)]).toEqual([202, first.text, true]);
    expect((await sendSigned(door, sender, { signalId: 's', quantity: 11 })).status).toBe(409);
    expect(await received()).toHaveLength(1);
  });

  it('through another scheme is the same signal where the signalId is the same', async () => {
    const first = await sendSigned(door, sender, { signalId: 's' });
    const again = await sendWithKey(door, sender, { signalId: 's' });
    expect([again.text, isReplay(again)]).toEqual([first.text, true]);
    expect(await received()).toHaveLength(1);
  });

  it('from another tenant with the same nonce, signalId and account number is another signal', async () => {
    const other = await addSender(database.pool());
    const id = newNonce();
    const change = { signalId: 's', accountId: sender.externalId };
    const answers = [await sendSigned(door, sender, change, { id }), await sendSigned(door, other, change, { id })];
    expect(answers.map((answer) => [answer.status, isReplay(answer)])).toEqual([
      [202, false],
      [202, false],
    ]);
    expect(answers[0]!.body['webhookId']).not.toBe(answers[1]!.body['webhookId']);
    expect((await received()).map(({ tenantId, accountId }) => [tenantId, accountId])).toEqual([
      [sender.tenantId, sender.accountId],
    ]);
    expect(await door.appended(other.tenantId)).toHaveLength(1);
  });

  it.each<[LogFault, number]>([
    ['before the append', 1],
    ['after the append', 2],
  ])('after an append that failed %s ends in one identity, and one time of receipt', async (fault, records) => {
    const body = signalOf(sender);
    const headers = signed(body, sender.secret);
    log.fault = fault;
    const lost = await post(door, body, headers);
    expect([lost.status, lost.body['code']]).toEqual([503, 'LOG_UNAVAILABLE']);
    expect(Number(lost.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    log.fault = 'none';
    door.shiftClock(1_000);
    const retried = await post(door, body, headers); // waits for the lease, then takes over
    expect([retried.status, isReplay(retried)]).toEqual([202, false]);
    const appended = await received();
    expect(appended).toHaveLength(records);
    expect(new Set(appended.map((data) => JSON.stringify(data))).size).toBe(1);
    expect(appended[0]!.webhookId).toBe(retried.body['webhookId']);
    const replayed = await post(door, body, headers);
    expect([replayed.text, isReplay(replayed)]).toEqual([retried.text, true]);
  });

  it('without nonce and signalId keeps its drawn id over a lost acknowledgement', async () => {
    log.fault = 'after the append';
    expect((await sendWithKey(door, sender)).status).toBe(503);
    log.fault = 'none';
    const retried = await sendWithKey(door, sender);
    expect(retried.status).toBe(202);
    expect(new Set((await received()).map(({ webhookId }) => webhookId))).toEqual(new Set([retried.body['webhookId']]));
  });

  it('without nonce and signalId keeps its drawn id, though the retry that took it over found the log full', async () => {
    log.fault = 'after the append';
    expect((await sendWithKey(door, sender)).status).toBe(503);
    const other = await addSender(database.pool());
    log.fault = 'hangs';
    const waiting = Array.from({ length: MAX_WAITING }, (_, index) =>
      sendSigned(door, other, { signalId: `w${index}` }),
    );
    while (log.held.length < MAX_WAITING) await sleep(1);
    expect((await sendWithKey(door, sender)).body['code']).toBe('UNAVAILABLE');
    log.fault = 'none';
    for (const resume of log.held.splice(0)) resume();
    await Promise.all(waiting);
    const retried = await sendWithKey(door, sender);
    expect(retried.status).toBe(202);
    expect(new Set((await received()).map(({ webhookId }) => webhookId))).toEqual(new Set([retried.body['webhookId']]));
  });

  it('while a body is being refused for its form and the log is away gets 503, then 422 under one id', async () => {
    const id = newNonce();
    log.fault = 'after the append';
    expect((await sendSigned(door, sender, { action: 'hold' }, { id })).status).toBe(503);
    log.fault = 'none';
    expect((await sendSigned(door, sender, { action: 'hold' }, { id })).status).toBe(422);
    const events = await door.appended(sender.tenantId);
    expect([events.length, new Set(events.map((event) => event.id)).size]).toEqual([2, 1]);
  });

  it('while the log is full is told so, and its claim is given back', async () => {
    log.fault = 'hangs';
    const waiting = Array.from({ length: MAX_WAITING }, (_, index) =>
      sendSigned(door, sender, { signalId: `w${index}` }),
    );
    while (log.held.length < MAX_WAITING) await sleep(1);
    log.fault = 'none';
    const id = newNonce();
    const refused = await sendSigned(door, sender, {}, { id });
    expect([refused.status, refused.body['code'], refused.headers.get('retry-after')]).toEqual([
      503,
      'UNAVAILABLE',
      '1',
    ]);
    for (const resume of log.held.splice(0)) resume();
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual(Array<number>(MAX_WAITING).fill(202));
    expect((await sendSigned(door, sender, {}, { id })).status).toBe(202);
    expect(await received()).toHaveLength(MAX_WAITING + 1);
  });

  it('while the first is still on its way is refused after two seconds, and not told more than when to come again', async () => {
    log.fault = 'hangs';
    const body = signalOf(sender);
    const headers = signed(body, sender.secret);
    const first = post(longLeaseDoor, body, headers);
    while (log.held.length < 1) await sleep(1);
    const second = await post(longLeaseDoor, body, headers);
    expect([second.status, second.body['code']]).toEqual([409, 'IN_FLIGHT']);
    expect(Number(second.headers.get('retry-after'))).toBeGreaterThan(1);
    log.fault = 'none';
    for (const resume of log.held.splice(0)) resume();
    expect((await first).status).toBe(202);
    expect(await received()).toHaveLength(1);
  });
});
