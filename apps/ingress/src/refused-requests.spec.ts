import { malformedEventId, type WebhookFailed } from '@tickwire/contracts';
import { formatWebhookSecret } from '@tickwire/signing';
import { testDatabase, type TestDatabase } from '@tickwire/testing';
import {
  addApiKey,
  addSecret,
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

const STRANGERS_SECRET = formatWebhookSecret(Buffer.alloc(24, 7));
const MINUTES_MS = 60_000;

describe('a request that the door refuses', () => {
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

  /** The request's effect on the log is none, and its answer a problem document. */
  async function expectRefused(send: () => Promise<Answer>, status: number, code: string): Promise<Answer> {
    const before = (await door.appended()).length;
    const answer = await send();
    expect([answer.status, answer.body['code']]).toEqual([status, code]);
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(answer.body['requestId']).toBe(answer.headers.get('x-request-id'));
    expect(await door.appended()).toHaveLength(before);
    return answer;
  }

  it('has no credential', async () => {
    await expectRefused(() => post(door, signalOf(sender), {}), 401, 'UNAUTHENTICATED');
    await expectRefused(() => post(door, signalOf(sender), { authorization: 'Basic dTpw' }), 401, 'UNAUTHENTICATED');
  });

  it('has two credentials, valid or not', async () => {
    const body = signalOf(sender);
    const signature = signed(body, sender.secret);
    const bearer = { authorization: `Bearer ${sender.apiKey}` };
    for (const headers of [
      { ...signature, ...bearer },
      { ...signature, 'x-api-key': sender.apiKey },
      { ...signature, authorization: 'Bearer something.else' },
      { ...bearer, 'x-api-key': sender.apiKey },
    ]) {
      await expectRefused(() => post(door, body, headers), 400, 'AMBIGUOUS_CREDENTIALS');
    }
  });

  it('is not authenticated: one answer, whatever part of the credential is wrong', async () => {
    const body = signalOf(sender);
    const other = await addSender(database.pool());
    const unknown = JSON.stringify({ ...JSON.parse(body), tenantId: 'ten_unknown' });
    const expired = await addSecret(database.pool(), sender.tenantId, { expiresAt: new Date(Date.now() - 1_000) });
    const expiredKey = await addApiKey(database.pool(), sender.tenantId, { expiresAt: new Date(Date.now() - 1_000) });
    const good = signed(body, sender.secret);
    const strangersKey = (await addApiKey(database.pool(), sender.tenantId)).apiKey;
    await database.pool().query('DELETE FROM api_key WHERE tenant_id = $1 AND expires_at IS NULL', [sender.tenantId]);
    const requests: [string, string | Uint8Array<ArrayBuffer>, Record<string, string>][] = [
      ['wrong secret', body, signed(body, STRANGERS_SECRET)],
      ["another tenant's secret", body, signed(body, other.secret)],
      ['unknown tenant', unknown, signed(unknown, STRANGERS_SECRET)],
      ['no tenant', '{}', signed('{}', sender.secret)],
      ['tenant that no query could hold', '{"tenantId":"\\u0000\\ud800"}', good],
      ['other bytes', `${body} `, good],
      ['no JSON', 'garbage', good],
      ['expired secret', body, signed(body, expired.secret)],
      ['stale and wrong', body, signed(body, STRANGERS_SECRET, { timestampS: 1 })],
      ['malformed id', body, { ...good, 'webhook-id': 'a.b' }],
      ['malformed time', body, { ...good, 'webhook-timestamp': 'now' }],
      ['malformed signature', body, { ...good, 'webhook-signature': 'v1,AAAA' }],
      ['empty signature', body, { ...good, 'webhook-signature': '' }],
      ['unknown key', body, { 'x-api-key': strangersKey }],
      ['mistyped key', body, { authorization: `Bearer ${sender.apiKey.slice(0, -1)}_` }],
      ['expired key', body, { authorization: `Bearer ${expiredKey.apiKey}` }],
    ];
    const answers = new Set<string>();
    for (const [, bytes, headers] of requests) {
      const answer = await expectRefused(() => post(door, bytes, headers), 401, 'BAD_SIGNATURE');
      const { requestId: _requestId, ...told } = answer.body;
      answers.add(JSON.stringify([told, answer.headers.get('www-authenticate')]));
    }
    expect(answers.size).toBe(1);
  });

  it('has a signature that holds and a time that does not: only then is it told, and by how much', async () => {
    const now = Math.floor(Date.now() / 1_000);
    for (const [timestampS, skewMs] of [
      [now - 360, 6 * MINUTES_MS],
      [now + 360, -6 * MINUTES_MS],
    ] as const) {
      const { body } = await expectRefused(() => sendSigned(door, sender, {}, { timestampS }), 401, 'STALE_TIMESTAMP');
      expect(body['toleranceMs']).toBe(5 * MINUTES_MS);
      expect(Math.abs((body['skewMs'] as number) - skewMs)).toBeLessThan(30_000);
    }
  });

  it('has a key that may not do this, or belongs to nobody who sends signals', async () => {
    const { apiKey } = await addApiKey(database.pool(), sender.tenantId, { scopes: ['read'] });
    await expectRefused(() => post(door, signalOf(sender), { 'x-api-key': apiKey }), 403, 'FORBIDDEN');
  });

  it('names another tenant than its credential’s', async () => {
    const other = await addSender(database.pool());
    await expectRefused(() => sendWithKey(door, sender, { tenantId: other.tenantId }), 403, 'TENANT_MISMATCH');
    // Of two names the last counts, when a secret is picked as well as afterwards.
    const doubled = signalOf(other).replace('{', `{"tenantId":"${sender.tenantId}",`);
    await expectRefused(() => post(door, doubled, signed(doubled, sender.secret)), 401, 'BAD_SIGNATURE');
  });

  it('comes from a tenant that is not active', async () => {
    const suspended = await addSender(database.pool(), { status: 'suspended' });
    await expectRefused(() => sendSigned(door, suspended), 403, 'TENANT_INACTIVE');
    await expectRefused(
      () => post(door, signalOf(suspended), signed(signalOf(suspended), STRANGERS_SECRET)),
      401,
      'BAD_SIGNATURE',
    );
  });

  it('names an account that is not there, or another tenant’s', async () => {
    const other = await addSender(database.pool(), { externalId: 'theirs' });
    for (const accountId of ['acc_unknown', 'nothing', other.accountId, 'theirs']) {
      await expectRefused(() => sendSigned(door, sender, { accountId }), 404, 'UNKNOWN_ACCOUNT');
    }
  });

  it('is free to use its nonce and signalId again after a 404', async () => {
    const id = newNonce();
    await expectRefused(
      () => sendSigned(door, sender, { accountId: 'no', signalId: 's' }, { id }),
      404,
      'UNKNOWN_ACCOUNT',
    );
    expect((await sendSigned(door, sender, { signalId: 's' }, { id })).status).toBe(202);
  });

  it.each([
    ['nothing', ''],
    ['half a document', '{"tenantId":"TENANT","accountId'],
    ['no JSON', '{"tenantId":"TENANT",}'],
    [
      'bytes that are no UTF-8',
      Buffer.concat([Buffer.from('{"tenantId":"TENANT","x":"'), Buffer.from([0xff]), Buffer.from('"}')]),
    ],
    ['nesting of 17 levels', `{"tenantId":"TENANT","x":${'['.repeat(16)}${']'.repeat(16)}}`],
    ['201 keys', `{"tenantId":"TENANT",${Array.from({ length: 200 }, (_, index) => `"k${index}":1`).join(',')}}`],
  ])('holds %s', async (_what, template) => {
    const bytes = Buffer.from(
      (typeof template === 'string' ? template : template.toString('latin1')).replace('TENANT', sender.tenantId),
      'latin1',
    );
    await expectRefused(() => post(door, bytes, { 'x-api-key': sender.apiKey }), 400, 'MALFORMED_JSON');
  });

  it('names members called __proto__ or constructor like any other that is not of a signal', async () => {
    for (const name of ['__proto__', 'constructor', 'prototype']) {
      const body = signalOf(sender, {}).replace('{', `{"${name}":{"action":"sell"},`);
      const answer = await post(door, body, { 'x-api-key': sender.apiKey });
      expect([answer.status, answer.body['errors']]).toEqual([
        422,
        [expect.objectContaining({ pointer: `/${name}`, code: 'UNKNOWN_FIELD' })],
      ]);
    }
  });

  it('is larger than 64 KiB, compressed, of another type, or of another method', async () => {
    const large = signalOf(sender, { strategyName: 'x'.repeat(65_536) });
    const keyed = { 'x-api-key': sender.apiKey };
    await expectRefused(() => post(door, large, keyed), 413, 'BODY_TOO_LARGE');
    await expectRefused(
      () => post(door, signalOf(sender), { ...keyed, 'content-encoding': 'gzip' }),
      415,
      'UNSUPPORTED_MEDIA',
    );
    await expectRefused(
      () => post(door, signalOf(sender), { ...keyed, 'content-type': 'text/plain' }),
      415,
      'UNSUPPORTED_MEDIA',
    );
    const got = await fetch(`${door.url}/api/v1/webhooks/signals`);
    expect([got.status, got.headers.get('allow')]).toEqual([405, 'POST']);
    await got.body?.cancel();
    const metrics = await door.host.management.registry.metrics();
    for (const code of ['BODY_TOO_LARGE', 'UNSUPPORTED_MEDIA', 'METHOD_NOT_ALLOWED', 'BAD_SIGNATURE']) {
      expect(metrics).toMatch(new RegExp(`tickwire_ingress_refused_total{code="${code}"} [1-9]`));
    }
  });

  it('has an Idempotency-Key that is none', async () => {
    await expectRefused(() => sendWithKey(door, sender, {}, { 'idempotency-key': 'a b' }), 400, 'BAD_REQUEST');
  });

  describe('because its body is no signal', () => {
    it('names every fault, and leaves webhook.failed for the tenant’s audit trail', async () => {
      const id = newNonce();
      const change = {
        symbol: 'no symbol',
        action: 'hold',
        quantity: { a: 1 },
        signalId: 'mine',
        constructor: 1,
        'a/b~c': 2,
        accountId: undefined,
      };
      const answer = await sendSigned(door, sender, change, { id });
      expect([answer.status, answer.body['code']]).toEqual([422, 'SCHEMA']);
      const errors = answer.body['errors'] as { pointer: string; code: string }[];
      expect(errors.map(({ pointer, code }) => `${pointer} ${code}`).sort()).toEqual([
        '/accountId REQUIRED',
        '/action INVALID',
        '/a~1b~0c UNKNOWN_FIELD',
        '/constructor UNKNOWN_FIELD',
        '/quantity INVALID',
        '/symbol INVALID',
      ]);
      const [event, ...more] = await door.appended(sender.tenantId);
      expect(more).toEqual([]);
      const webhookId = malformedEventId(sender.tenantId, id);
      expect(answer.body['webhookId']).toBe(webhookId);
      expect(event).toMatchObject({ id: webhookId, type: 'webhook.failed', source: '/tickwire/ingress' });
      expect(event!.data).toMatchObject({
        stage: 'ingress',
        code: 'SCHEMA',
        accepted: false,
        final: true,
        signalId: 'mine',
        errors,
      });
      expect((event!.data as WebhookFailed).accountId).toBeUndefined();
    });

    it('may be mended and sent again under the same nonce', async () => {
      const id = newNonce();
      expect((await sendSigned(door, sender, { action: 'hold' }, { id })).status).toBe(422);
      expect((await sendSigned(door, sender, {}, { id })).status).toBe(202);
      // The nonce belongs to a signal now.
      expect((await sendSigned(door, sender, { action: 'hold' }, { id })).status).toBe(409);
    });

    it('is known by its body where it has no nonce', async () => {
      await sendWithKey(door, sender, { action: 'hold' });
      await sendWithKey(door, sender, { action: 'hold' });
      await sendWithKey(door, sender, { action: 'wait' });
      const ids = (await door.appended(sender.tenantId)).map((event) => event.id);
      expect([ids.length, new Set(ids).size]).toEqual([3, 2]);
    });

    it.each([
      ['digits that a JSON number may lose', '"quantity":0.1234567890123456', '/quantity INEXACT_NUMBER'],
      ['digits that JSON.parse drops', '"quantity":1.00000000000000000001', '/quantity INEXACT_NUMBER'],
      ['more places than an event can hold', '"quantity":"0.1234567890123"', '/quantity OUT_OF_RANGE'],
      ['zero', '"quantity":0', '/quantity INVALID'],
      ['less than zero', '"quantity":1,"price":-1', '/price INVALID'],
      ['more than a double can hold', '"quantity":1e999', '/quantity OUT_OF_RANGE'],
      ['an amount in words', '"quantity":"ten"', '/quantity INVALID'],
      ['null for absent', '"quantity":1,"price":null', '/price INVALID'],
      ['NUL', '"quantity":1,"strategyName":"a\\u0000b"', '/strategyName INVALID'],
      ['half a character', '"quantity":1,"botId":"\\ud800"', '/botId INVALID'],
    ])('holds %s', async (_what, members, expected) => {
      const body = signalOf(sender, { quantity: undefined }).replace('}', `,${members}}`);
      const answer = await post(door, body, signed(body, sender.secret));
      expect(answer.status).toBe(422);
      const errors = answer.body['errors'] as { pointer: string; code: string }[];
      expect(errors.map(({ pointer, code }) => `${pointer} ${code}`)).toEqual([expected]);
      expect((await door.appended(sender.tenantId)).map((event) => event.type)).toEqual(['webhook.failed']);
    });

    it('is no object, or full of names of its own', async () => {
      expect((await post(door, '[1]', { 'x-api-key': sender.apiKey })).body['errors']).toEqual([
        { pointer: '', code: 'INVALID', detail: 'must be object' },
      ]);
      const names = Array.from({ length: 190 }, (_, index) => [`${'\0'.repeat(20)}${'é'.repeat(99)}${index}`, index]);
      const answer = await sendWithKey(door, sender, Object.fromEntries(names) as Record<string, unknown>);
      expect(answer.status).toBe(422);
      expect((await door.appended(sender.tenantId)).map((event) => event.type)).toEqual([
        'webhook.failed',
        'webhook.failed',
      ]);
    });
  });
});
