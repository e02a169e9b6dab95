import { newId, type WebhookReceived } from '@tickwire/contracts';
import { testDatabase, type TestDatabase } from '@tickwire/testing';
import { SignJWT } from 'jose';
import {
  addAlertAddress,
  addBot,
  addJwtIssuer,
  bodyHex,
  postTo,
  setSettings,
  timestampedHex,
} from '../fixtures/door-senders.js';
import {
  addSecret,
  addSender,
  openDoor,
  post,
  sendSigned,
  signalOf,
  signed,
  type Door,
  type Sender,
} from '../fixtures/door.js';

const SIGNALS = '/api/v1/webhooks/signals';
const BATCH = `${SIGNALS}/batch`;
const alertsOf = (token: string): string => `/api/v1/webhooks/alerts/${token}`;

describe('the ways in', () => {
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

  const received = async (tenantId = sender.tenantId): Promise<WebhookReceived[]> =>
    (await door.appended(tenantId))
      .filter(({ type }) => type === 'webhook.received')
      .map(({ data }) => data as WebhookReceived);

  describe('hex signatures', () => {
    it('let a signal in that is signed over time and body, or over a body with its time', async () => {
      const first = signalOf(sender, { signalId: 's-1' });
      expect((await post(door, first, timestampedHex(first, sender.secret))).status).toBe(202);
      const second = signalOf(sender, { signalId: 's-2', timestamp: new Date().toISOString() });
      expect((await post(door, second, bodyHex(second, sender.secret))).status).toBe(202);
      expect((await received()).map(({ scheme }) => scheme).sort()).toEqual(['body-hex', 'timestamped-hex']);
    });

    it('find the tenant of a body that names none by the key or the bot, and the body is refused then, by field', async () => {
      const { secretId } = await addSecret(database.pool(), sender.tenantId, { secret: 'a text of the sender' });
      const body = signalOf(sender, { tenantId: undefined, signalId: 's-1' });
      const answer = await post(door, body, { ...timestampedHex(body, 'a text of the sender'), 'x-key-id': secretId });
      expect([answer.status, answer.body['errors']]).toEqual([
        422,
        [expect.objectContaining({ pointer: '/tenantId', code: 'REQUIRED' })],
      ]);
    });

    it('need a signalId: the same bytes would trade twice without one', async () => {
      const body = signalOf(sender);
      const answer = await post(door, body, timestampedHex(body, sender.secret));
      expect([answer.status, answer.body['code'], answer.body['errors']]).toEqual([
        422,
        'SCHEMA',
        [expect.objectContaining({ pointer: '/signalId', code: 'REQUIRED' })],
      ]);
      expect(await received()).toEqual([]);
    });
  });

  describe('a JWT', () => {
    const SECRET = 'a secret of thirty-two bytes, or more';
    const token = (claims: Record<string, unknown> = {}, secret = SECRET): Promise<string> =>
      new SignJWT({ sub: 'bot-1', ...claims })
        .setProtectedHeader({ alg: 'HS256' })
        .setIssuer('https://issuer.example')
        .setAudience('tickwire')
        .setIssuedAt()
        .setExpirationTime('5m')
        .sign(Buffer.from(secret));
    const bearer = async (jwt: string | Promise<string>): Promise<Record<string, string>> => ({
      authorization: `Bearer ${await jwt}`,
    });

    it('of a registered issuer lets signals in, as often as it is used, and is a nonce when bound to its body', async () => {
      await addJwtIssuer(database.pool(), sender.tenantId, {
        issuer: 'https://issuer.example',
        audience: 'tickwire',
        secret: SECRET,
      });
      const headers = await bearer(token());
      for (const signalId of ['s-1', 's-2']) {
        expect((await post(door, signalOf(sender, { signalId }), headers)).status).toBe(202);
      }
      expect((await received()).map(({ scheme }) => scheme)).toEqual(['jwt', 'jwt']);
    });

    it('of nobody, of another tenant, or signed by somebody else is refused like any bad credential', async () => {
      const other = await addSender(database.pool());
      await addJwtIssuer(database.pool(), other.tenantId, {
        issuer: 'https://issuer.example',
        audience: 'tickwire',
        secret: SECRET,
      });
      const body = signalOf(sender, { signalId: 's-1' });
      for (const jwt of [token(), token({}, `${SECRET} of another`), 'no.token.at-all']) {
        const answer = await post(door, body, await bearer(jwt));
        expect([answer.status, answer.body['code']]).toEqual([401, 'BAD_SIGNATURE']);
      }
      expect(await received()).toEqual([]);
    });

    it('of an issuer for one bot sends for that bot alone', async () => {
      const botId = await addBot(database.pool(), sender.tenantId);
      const issuer = { issuer: 'https://issuer.example', audience: 'tickwire', secret: SECRET, botId };
      await addJwtIssuer(database.pool(), sender.tenantId, issuer);
      const send = async (change: object): Promise<number> =>
        (await post(door, signalOf(sender, { signalId: 's-1', ...change }), await bearer(token()))).status;
      expect([await send({ botId: newId('bot') }), await send({}), await send({ botId })]).toEqual([403, 403, 202]);
    });
  });

  describe('an alert URL', () => {
    const alert = { symbol: 'NASDAQ:NVLT', action: 'buy', quantity: '10', timenow: '2026-11-22T10:00:00Z' };

    it('turns a TradingView alert into a signal of its bot on its account', async () => {
      const { token, botId } = await addAlertAddress(database.pool(), sender);
      const answer = await postTo(door, alertsOf(token), JSON.stringify(alert), { 'content-type': 'text/plain' });
      expect(answer.status).toBe(202);
      expect(await received()).toEqual([
        expect.objectContaining({
          scheme: 'alert',
          symbol: 'NVLT',
          quantity: '10',
          botId,
          accountId: sender.accountId,
        }),
      ]);
    });

    it('knows an alert again by its bar, and takes tomorrow’s for another', async () => {
      const { token } = await addAlertAddress(database.pool(), sender);
      const of = (time: string) => postTo(door, alertsOf(token), JSON.stringify({ ...alert, time }));
      const [first, again] = [await of('2026-11-22T09:59:00Z'), await of('2026-11-22T09:59:00Z')];
      expect([first.status, again.status, again.text]).toEqual([202, 202, first.text]);
      expect(again.headers.get('idempotency-replayed')).toBe('true');
      expect((await of('2026-11-23T09:59:00Z')).text).not.toBe(first.text);
      expect(await received()).toHaveLength(2);
    });

    it('refuses what it cannot read, field by field, and leaves a trace for the tenant', async () => {
      const { token } = await addAlertAddress(database.pool(), sender);
      const unfilled = JSON.stringify({ ...alert, action: '{{strategy.order.action}}', quantity: 'NaN' });
      const answer = await postTo(door, alertsOf(token), unfilled);
      expect([
        answer.status,
        (answer.body['errors'] as { pointer: string }[]).map(({ pointer }) => pointer).sort(),
      ]).toEqual([422, ['/action', '/quantity']]);
      expect((await door.appended(sender.tenantId)).map(({ type }) => type)).toEqual(['webhook.failed']);
    });

    it('is closed by its revocation, and says no more of a wrong token than of any credential', async () => {
      const { token, tokenId } = await addAlertAddress(database.pool(), sender);
      await database.pool().query('UPDATE alert_token SET revoked_at = now() WHERE id = $1', [tokenId]);
      for (const given of [token, `${token.slice(0, -1)}x`, 'guess', sender.apiKey]) {
        const answer = await postTo(door, alertsOf(given), JSON.stringify(alert));
        expect([answer.status, answer.body['code']]).toEqual([401, 'BAD_SIGNATURE']);
      }
    });
  });

  describe('a batch', () => {
    const item = (signalId: string | undefined, change: object = {}): unknown =>
      JSON.parse(signalOf(sender, { signalId, ...change }));
    const send = (signals: unknown[], id?: string) => {
      const body = JSON.stringify({ signals });
      return postTo(door, BATCH, body, signed(body, sender.secret, id === undefined ? {} : { id }));
    };
    const resultsOf = ({ body }: { body: Record<string, unknown> }): Record<string, unknown>[] =>
      body['results'] as Record<string, unknown>[];

    it('takes each of its signals in by itself, in their order, and says what became of each', async () => {
      const answer = await send([
        item('s-1', { quantity: 1 }),
        item('s-2', { quantity: -1 }),
        item('s-3', { accountId: 'nobody' }),
        item(undefined),
        item('s-4', { quantity: 4 }),
      ]);
      expect(answer.status).toBe(202);
      expect(resultsOf(answer).map(({ status, problem }) => (problem as { code?: string })?.code ?? status)).toEqual([
        'received',
        'SCHEMA',
        'UNKNOWN_ACCOUNT',
        'SCHEMA',
        'received',
      ]);
      expect((await received()).map(({ signalId, quantity }) => [signalId, quantity])).toEqual([
        ['s-1', '1'],
        ['s-4', '4'],
      ]);
    });

    it('that comes again gets the same answer, and its signals are taken in once, also beside other requests', async () => {
      const signals = [item('s-1'), item('s-2')];
      const [first, again] = [await send(signals, 'msg_batch'), await send(signals, 'msg_batch')];
      expect([again.text, again.headers.get('idempotency-replayed')]).toEqual([first.text, 'true']);
      const other = await send([...signals, item('s-3')]);
      expect(resultsOf(other).map(({ replayed }) => replayed === true)).toEqual([true, true, false]);
      expect(await received()).toHaveLength(3);
    });

    it('is refused as a whole where it is no batch, and recorded nowhere', async () => {
      for (const body of ['{}', '{"signals":[]}', '{"signals":{}}', '{"signals":[1],"also":1}', '[]']) {
        const named = body.replace('{', `{"tenantId":"${sender.tenantId}",`).replace(',}', '}');
        const answer = await postTo(door, BATCH, named, signed(named, sender.secret));
        expect([body, answer.status < 500 && answer.status >= 400]).toEqual([body, true]);
      }
      const many = await send(Array.from({ length: 101 }, (_, index) => item(`s-${index}`)));
      expect([many.status, many.body['code']]).toEqual([422, 'SCHEMA']);
      expect(await door.appended(sender.tenantId)).toEqual([]);
    });

    it('costs its length', async () => {
      await setSettings(database.pool(), sender.tenantId, { limits: { burst: 5 } });
      const answer = await send(Array.from({ length: 6 }, (_, index) => item(`s-${index}`)));
      expect([answer.status, answer.body['code'], answer.headers.get('retry-after')]).toEqual([
        429,
        'RATE_LIMITED',
        null,
      ]);
      expect((await send([item('s-1'), item('s-2')])).status).toBe(202);
    });
  });

  it('are those that the tenant allows', async () => {
    await setSettings(database.pool(), sender.tenantId, { schemes: ['standard-webhooks'] });
    expect((await sendSigned(door, sender)).status).toBe(202);
    const body = signalOf(sender, { signalId: 's-1' });
    const answer = await post(door, body, { 'x-api-key': sender.apiKey });
    expect([answer.status, answer.body['code'], answer.body['scheme']]).toEqual([403, 'FORBIDDEN', 'api-key']);
    const { token } = await addAlertAddress(database.pool(), sender);
    expect((await postTo(door, alertsOf(token), '{}')).status).toBe(403);
  });
});
