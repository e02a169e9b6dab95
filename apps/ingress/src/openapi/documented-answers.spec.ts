import { connect } from 'node:net';
import { eventually, testDatabase, type TestDatabase } from '@tickwire/testing';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { addAlertAddress, postTo, restrict, setSettings } from '../../fixtures/door-senders.js';
import { addSender, openDoor, signalOf, signed, type Answer, type Door, type Sender } from '../../fixtures/door.js';
import { UnreliableLog } from '../../fixtures/unreliable-log.js';
import { ingressDocument } from './ingress-document.js';
import type { Reference, Response } from './openapi-types.js';

const SIGNALS = '/api/v1/webhooks/signals';
const BATCH = `${SIGNALS}/batch`;
const ALERTS = '/api/v1/webhooks/alerts/{token}';

const document = ingressDocument();
const ajv = new Ajv2020({ strict: false, allowUnionTypes: true });
addFormats.default(ajv);

/** Holds an answer to what the document says of it: status, content type, headers, body, code. */
function expectDocumented(path: string, { status, headers, body }: Answer): void {
  const documented = document.paths[path]!['post']!.responses[String(status)] as Response;
  expect([path, status, documented]).toEqual([path, status, expect.anything()]);
  const [type] = (headers.get('content-type') ?? '').split(';');
  expect([status, Object.keys(documented.content)]).toEqual([status, [type]]);
  const { schema } = documented.content[type!]!;
  const validate = ajv.compile({ ...schema, components: document.components });
  expect([body, validate(body), validate.errors]).toEqual([body, true, null]);
  for (const [name, reference] of Object.entries(documented.headers ?? {})) {
    const header = document.components.headers[(reference as Reference).$ref.split('/').at(-1)!]!;
    const value = headers.get(name);
    if (header.required) expect([name, value]).toEqual([name, expect.any(String)]);
    if (value !== null) expect([name, value, ajv.validate(header.schema, value)]).toEqual([name, value, true]);
  }
  for (const name of ['retry-after', 'location', 'idempotency-replayed', 'ratelimit', 'www-authenticate']) {
    const told = Object.keys(documented.headers ?? {}).map((each) => each.toLowerCase());
    if (headers.has(name)) expect([path, status, told]).toEqual([path, status, expect.arrayContaining([name])]);
  }
}

describe('the answers that the document lists', () => {
  let database: TestDatabase;
  let door: Door;
  let sender: Sender;
  const log = new UnreliableLog();

  beforeAll(async () => {
    database = await testDatabase();
    door = await openDoor(
      { pool: database.pool(), connectionString: database.connectionString },
      { around: log.around },
    );
  });
  afterAll(async () => {
    await door.close();
    await database.drop();
  });
  beforeEach(async () => {
    sender = await addSender(database.pool());
  });

  /** Sends, compares with the document, and with what is expected of this request. */
  async function expectAnswer(
    path: string,
    body: string,
    headers: Record<string, string>,
    expected: [status: number, code?: string],
    token = '',
  ): Promise<Answer> {
    const answer = await postTo(door, path.replace('{token}', token), body, headers);
    expectDocumented(path, answer);
    expect([answer.status, answer.body['code']]).toEqual([expected[0], expected[1]]);
    return answer;
  }

  it('are those of the routes that take signals', async () => {
    const one = signalOf(sender, { signalId: 's-1' });
    const key = { 'x-api-key': sender.apiKey };
    for (const [path, body] of [
      [SIGNALS, one],
      [BATCH, `{"signals":[${one},${signalOf(sender, { signalId: 's-2', accountId: 'no' })}]}`],
    ] as const) {
      const nonce = { ...key, 'idempotency-key': `n-${path.length}` };
      await expectAnswer(path, body, nonce, [202]);
      const again = await expectAnswer(path, body, nonce, [202]);
      expect(again.headers.get('idempotency-replayed')).toBe('true');
      await expectAnswer(path, body.replace('"buy"', '"sell"'), nonce, [409, 'IDEMPOTENCY_CONFLICT']);
      await expectAnswer(path, body, { ...key, 'idempotency-key': 'a b' }, [400, 'BAD_REQUEST']);
      await expectAnswer(path, '{', key, [400, 'MALFORMED_JSON']);
      await expectAnswer(path, body, { ...key, authorization: 'Bearer x' }, [400, 'AMBIGUOUS_CREDENTIALS']);
      await expectAnswer(path, body, {}, [401, 'UNAUTHENTICATED']);
      await expectAnswer(path, body, { 'x-api-key': 'tw_live_wrong' }, [401, 'BAD_SIGNATURE']);
      await expectAnswer(path, body, signed(body, sender.secret, { timestampS: 1_000 }), [401, 'STALE_TIMESTAMP']);
      await expectAnswer(path, body, { ...key, 'content-type': 'text/plain' }, [415, 'UNSUPPORTED_MEDIA']);
      await expectAnswer(path, body, { ...key, 'content-encoding': 'gzip' }, [415, 'UNSUPPORTED_MEDIA']);
      await expectAnswer(path, '{}', key, [422, 'SCHEMA']);
      await expectAnswer(path, 'x'.repeat(70_000), key, [413, 'BODY_TOO_LARGE']);
    }
    await expectAnswer(SIGNALS, signalOf(sender, { accountId: 'no' }), key, [404, 'UNKNOWN_ACCOUNT']);
    await expectAnswer(SIGNALS, signalOf({ ...sender, tenantId: 'ten_2' }), key, [403, 'TENANT_MISMATCH']);
    const stranger = `{"tenantId":"ten_2","signals":[${one}]}`;
    await expectAnswer(BATCH, stranger, key, [403, 'TENANT_MISMATCH']);
  });

  it('hold a batch to as many signals as the document says', async () => {
    const { BatchRequest } = document.components.schemas as Record<
      string,
      { properties: { signals: { maxItems: number } } }
    >;
    const { maxItems } = BatchRequest!.properties.signals;
    const batchOf = (count: number) => {
      const items = Array.from({ length: count }, (_, n) => signalOf(sender, { signalId: `s-${n}`, accountId: 'no' }));
      return `{"signals":[${items.join(',')}]}`;
    };
    const key = { 'x-api-key': sender.apiKey };
    await expectAnswer(BATCH, batchOf(maxItems), key, [202]);
    await expectAnswer(BATCH, batchOf(maxItems + 1), key, [422, 'SCHEMA']);
  });

  it('are those of the address of alerts', async () => {
    const { token } = await addAlertAddress(database.pool(), sender);
    const alert = JSON.stringify({ symbol: 'NASDAQ:NVLT', action: 'buy', quantity: 10, signalId: 'a-1' });
    const send = (body: string, expected: [number, string?], given = token, headers = {}) =>
      expectAnswer(ALERTS, body, headers, expected, given);
    await send(alert, [202]);
    await send(alert, [202], token, { 'content-type': 'text/plain' });
    await send(alert.replace('buy', 'sell'), [409, 'IDEMPOTENCY_CONFLICT']);
    await send('Buy now', [422, 'SCHEMA'], token, { 'content-type': 'text/plain' });
    await send(alert, [401, 'BAD_SIGNATURE'], 'tw_alert_wrong');
    await send(alert, [400, 'BAD_REQUEST'], '%zz');
    await send(alert, [404, 'NOT_FOUND'], `${token}/more`);
    await send(alert, [414, 'URI_TOO_LONG'], 'x'.repeat(101));
    await send('x'.repeat(70_000), [413, 'BODY_TOO_LARGE']);
    await send(alert, [415, 'UNSUPPORTED_MEDIA'], token, { 'content-encoding': 'gzip' });
    await setSettings(database.pool(), sender.tenantId, { schemes: ['api-key'] });
    await send(alert, [403, 'FORBIDDEN']);
  });

  it('are those of a sender that sends too much, and of one that is shut out', async () => {
    const key = { 'x-api-key': sender.apiKey };
    await setSettings(database.pool(), sender.tenantId, { limits: { burst: 1, tenantPerMinute: 1 } });
    await expectAnswer(SIGNALS, signalOf(sender), key, [202]);
    await expectAnswer(SIGNALS, signalOf(sender, { quantity: 2 }), key, [429, 'RATE_LIMITED']);
    const { token } = await addAlertAddress(database.pool(), sender);
    await expectAnswer(ALERTS, 'nothing', {}, [429, 'RATE_LIMITED'], token);
    await expectAnswer(BATCH, `{"signals":[${signalOf(sender)},${signalOf(sender)}]}`, key, [429, 'RATE_LIMITED']);
    const suspended = await addSender(database.pool(), { status: 'suspended' });
    const theirs = { 'x-api-key': suspended.apiKey };
    await expectAnswer(SIGNALS, signalOf(suspended), theirs, [403, 'TENANT_INACTIVE']);
    const [suspectKind, suspectId] = ['tenant', sender.tenantId];
    await restrict(database.pool(), sender.tenantId, { kind: 'quarantine', suspectKind, suspectId });
    await expectAnswer(SIGNALS, signalOf(sender), signed(signalOf(sender), sender.secret), [403, 'QUARANTINED']);
  });

  it('are those of a log that is away, or slow', async () => {
    const key = { 'x-api-key': sender.apiKey };
    const send = (signalId: string, expected: [number, string?]) =>
      expectAnswer(SIGNALS, signalOf(sender, { signalId }), key, expected);
    log.fault = 'before the append';
    await send('s-1', [503, 'LOG_UNAVAILABLE']);
    const batch = `{"signals":[${signalOf(sender, { signalId: 's-2' })}]}`;
    await expectAnswer(BATCH, batch, key, [503, 'LOG_UNAVAILABLE']);
    log.fault = 'hangs';
    const first = send('s-3', [202]);
    await eventually(
      () => log.held.length,
      (held) => held > 0,
    );
    try {
      await send('s-3', [409, 'IN_FLIGHT']);
    } finally {
      log.fault = 'none';
      log.held.forEach((release) => release());
    }
    await first;
  });

  it('are those to bytes that never became a request', async () => {
    const { port } = new URL(door.url);
    const answer = await new Promise<string>((resolve, reject) => {
      let text = '';
      const socket = connect(Number(port), '127.0.0.1', () =>
        socket.write(`POST ${SIGNALS} HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`),
      );
      socket.on('data', (chunk) => (text += chunk.toString()));
      socket.on('close', () => resolve(text));
      socket.on('error', reject);
    });
    const [head, body] = answer.split('\r\n\r\n');
    const fields = head!
      .split('\r\n')
      .slice(1)
      .map((line): [string, string] => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]);
    expectDocumented(SIGNALS, {
      status: Number(answer.slice(9, 12)),
      headers: new Headers(fields),
      text: body!,
      body: JSON.parse(body!) as Record<string, unknown>,
    });
  });
});
