import { execFileSync } from 'node:child_process';
import { signalEventId, signalIdOfNonce, type WebhookReceived } from '@tickwire/contracts';
import { verifyStatusToken } from '@tickwire/credentials';
import { parseWebhookSecret } from '@tickwire/signing';
import { testDatabase, type TestDatabase } from '@tickwire/testing';
import {
  addSecret,
  addSender,
  API_URL,
  newNonce,
  openDoor,
  post,
  sendSigned,
  sendWithKey,
  signalOf,
  signed,
  STATUS_TOKEN_KEY,
  type Door,
  type Sender,
} from '../fixtures/door.js';

describe('a signal that the door takes in', () => {
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

  it('is in the log when the 202 arrives, under the identity that the answer tells', async () => {
    const answer = await sendSigned(door, sender, {
      signalId: 'breakout:1',
      orderType: 'limit',
      price: '184.250',
      stopLoss: 180.5,
    });
    const webhookId = signalEventId(sender.tenantId, sender.accountId, 'breakout:1');
    expect(answer.status).toBe(202);
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    expect(answer.headers.get('location')).toBe(answer.body['statusUrl']);
    expect(answer.body).toEqual({
      webhookId,
      signalId: 'breakout:1',
      status: 'received',
      statusUrl: expect.any(String),
    });
    const [event, ...more] = await door.appended(sender.tenantId);
    expect(more).toEqual([]);
    expect(event).toMatchObject({
      id: webhookId,
      type: 'webhook.received',
      source: '/tickwire/ingress',
      accountid: sender.accountId,
      correlationid: webhookId,
      data: { quantity: '10', price: '184.25', stopLoss: '180.5', orderType: 'limit', scheme: 'standard-webhooks' },
    });
    expect(event!.time).toBe((event!.data as WebhookReceived).receivedAt);
  });

  it('gets a status URL of the api that is its own credential', async () => {
    const { body } = await sendSigned(door, sender);
    const url = new URL(String(body['statusUrl']));
    const webhookId = String(body['webhookId']);
    expect(`${url.origin}${url.pathname}`).toBe(`${API_URL}/api/v1/signals/${webhookId}`);
    const subject = { tenantId: url.searchParams.get('tenantId')!, webhookId };
    expect(subject.tenantId).toBe(sender.tenantId);
    const verdict = verifyStatusToken(url.searchParams.get('t')!, subject, [Buffer.from(STATUS_TOKEN_KEY)], Date.now());
    expect(verdict.ok).toBe(true);
  });

  it('may be signed with openssl and sent with curl', async () => {
    const body = signalOf(sender);
    const id = newNonce();
    const timestamp = String(Math.floor(Date.now() / 1_000));
    const key = parseWebhookSecret(sender.secret).toString('hex');
    const mac = ['dgst', '-sha256', '-mac', 'HMAC', '-macopt', `hexkey:${key}`, '-binary'];
    const signature = execFileSync('openssl', mac, { input: `${id}.${timestamp}.${body}` }).toString('base64');
    const answer = await post(door, body, {
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${signature}`,
    });
    expect(answer.status).toBe(202);
  });

  it('may come with an API key, as bearer or in a header of its own', async () => {
    const bearer = await sendWithKey(door, sender, { signalId: 'a' });
    const ownHeader = await post(door, signalOf(sender, { signalId: 'b' }), { 'x-api-key': sender.apiKey });
    expect([bearer.status, ownHeader.status]).toEqual([202, 202]);
    const schemes = (await door.appended(sender.tenantId)).map((event) => (event.data as WebhookReceived).scheme);
    expect(schemes).toEqual(['api-key', 'api-key']);
  });

  it('may name the account by the tenant’s own number', async () => {
    expect((await sendSigned(door, sender, { accountId: sender.externalId, signalId: 's' })).body['webhookId']).toBe(
      signalEventId(sender.tenantId, sender.accountId, 's'),
    );
  });

  it('takes its signalId from the nonce where it has none', async () => {
    const id = newNonce();
    expect((await sendSigned(door, sender, {}, { id })).body['signalId']).toBe(signalIdOfNonce(id));
    const keyed = await sendWithKey(door, sender, {}, { 'idempotency-key': 'order-77' });
    expect(keyed.body['signalId']).toBe(signalIdOfNonce('order-77'));
  });

  it('without nonce and signalId is one signal for a minute, however often its body comes', async () => {
    const first = await sendWithKey(door, sender);
    const again = await sendWithKey(door, sender);
    expect(first.status).toBe(202);
    expect(again.text).toBe(first.text);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    const other = await sendWithKey(door, sender, { quantity: 11 });
    expect(other.body['signalId']).not.toBe(first.body['signalId']);
    expect(await door.appended(sender.tenantId)).toHaveLength(2);
  });

  it('may be signed with either secret of a rotation', async () => {
    const { secret } = await addSecret(database.pool(), sender.tenantId);
    const body = signalOf(sender);
    for (const each of [sender.secret, secret]) expect((await post(door, body, signed(body, each))).status).toBe(202);
  });

  it('of a bot may be signed with the bot’s own secret', async () => {
    const { secret } = await addSecret(database.pool(), sender.tenantId, { botId: 'bot_own' });
    const send = (botId: string) => {
      const body = signalOf(sender, { botId });
      return post(door, body, signed(body, secret));
    };
    expect((await send('bot_own')).status).toBe(202);
    expect((await send('bot_other')).status).toBe(401);
    // The name that JSON.parse believes is the last one, and the scan must not believe another.
    const doubled = signalOf(sender, { botId: 'bot_own' }).replace('{', '{"botId":"bot_other",');
    expect((await post(door, doubled, signed(doubled, secret))).status).toBe(202);
  });

  it('is accepted whatever the state of its account: that is decided after the 202', async () => {
    await database.pool().query(`UPDATE account SET status = 'suspended' WHERE id = $1`, [sender.accountId]);
    expect((await sendSigned(door, sender, { botId: 'bot_unknown' })).status).toBe(202);
  });

  it('hands a trace context on, and nothing else in its place', async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    await sendWithKey(door, sender, { signalId: 'traced' }, { traceparent });
    await sendWithKey(door, sender, { signalId: 'untraced' }, { traceparent: 'nonsense' });
    const traces = (await door.appended(sender.tenantId)).map((event) => event.traceparent);
    expect(new Set(traces)).toEqual(new Set([traceparent, undefined]));
  });
});
