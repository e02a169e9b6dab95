import { configChanged } from '@tickwire/contracts';
import { testDatabase, type TestDatabase } from '@tickwire/testing';
import { box, newTenant, runApi, type RunningTestApi, type TestTenant } from '../../fixtures/running-api.js';

let database: TestDatabase;
let api: RunningTestApi;
let tenant: TestTenant;

beforeAll(async () => {
  database = await testDatabase();
  api = await runApi(database, { config: { CALLBACK_ALLOW_CIDRS: '127.0.0.0/8', CALLBACK_ALLOW_HTTP: true } });
  tenant = await newTenant(api);
});

afterAll(async () => {
  await api.close();
  await database.drop();
});

const own = (method: string, path: string, body?: unknown) => api.call(method, path, { key: tenant.key, body });
const changesOf = async (id: string) =>
  (await api.appended(configChanged)).filter(({ data }) => data.id === id).map(({ data }) => data);

describe('webhook endpoints', () => {
  it('are made, changed and deleted; the secret is shown once and sealed', async () => {
    const made = await own('POST', '/webhook-endpoints', {
      url: 'https://hooks.example.com/in',
      events: ['webhook.failed'],
      description: 'ops',
    });
    expect(made).toMatchObject({ status: 201, body: { events: ['webhook.failed'], status: 'active', version: 1 } });
    const { id, secret } = made.body;
    const { rows } = await api.pool.query<{ sealed: string }>(
      'SELECT sealed_secret AS sealed FROM webhook_endpoint WHERE id = $1',
      [id],
    );
    expect(box.open(rows[0]!.sealed, [id])).toBe(secret);
    const changed = await own('PATCH', `/webhook-endpoints/${id}`, { events: [], status: 'disabled' });
    expect(changed.body).toMatchObject({
      url: 'https://hooks.example.com/in',
      events: [],
      status: 'disabled',
      description: 'ops',
      version: 2,
    });
    expect(changed.body.secret).toBeUndefined();
    expect((await own('GET', `/webhook-endpoints/${id}`)).body).toEqual(changed.body);
    expect((await own('DELETE', `/webhook-endpoints/${id}`)).status).toBe(204);
    expect((await own('DELETE', `/webhook-endpoints/${id}`)).status).toBe(404);
    expect((await changesOf(id)).map(({ version }) => version)).toEqual([1, 2, 3]);
  });

  it.each([
    ['https://10.0.0.1/', 'URL_FORBIDDEN_ADDRESS'],
    ['https://user:pw@hooks.example.com/', 'URL_USERINFO'],
    ['ftp://hooks.example.com/', 'URL_SCHEME'],
    ['hooks.example.com', 'URL_MALFORMED'],
  ])('refuse %s', async (url, code) => {
    expect((await own('POST', '/webhook-endpoints', { url })).body.errors).toEqual([
      expect.objectContaining({ pointer: '/url', code }),
    ]);
  });

  it('may name an allowed network, and only known events', async () => {
    expect((await own('POST', '/webhook-endpoints', { url: 'http://127.0.0.1:9999/in' })).status).toBe(201);
    const refused = await own('POST', '/webhook-endpoints', {
      url: 'https://hooks.example.com',
      events: ['market.tick'],
    });
    expect([refused.status, refused.body.errors[0].pointer]).toEqual([422, '/events']);
  });

  it('are at most fifty, however many are made at once', async () => {
    const other = await newTenant(api, 'Many');
    const answers = await Promise.all(
      Array.from({ length: 55 }, (_, n) =>
        api.call('POST', '/webhook-endpoints', { key: other.key, body: { url: `https://hooks.example.com/${n}` } }),
      ),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(50);
    expect(answers.find(({ status }) => status !== 201)?.body.code).toBe('LIMIT_EXCEEDED');
  });

  it('list deliveries with every attempt', async () => {
    const { body: endpoint } = await own('POST', '/webhook-endpoints', { url: 'https://hooks.example.com/log' });
    const event = '0190a000-0000-7000-8000-000000000001';
    await api.pool.query(`INSERT INTO callback_event VALUES ($1, $2, 'webhook.failed', 'x', now())`, [
      event,
      tenant.id,
    ]);
    await api.pool.query(
      `INSERT INTO callback_delivery (endpoint_id, event_id, tenant_id, status, attempts) VALUES ($1, $2, $3, 'delivered', 2)`,
      [endpoint.id, event, tenant.id],
    );
    await api.pool.query(
      `INSERT INTO callback_attempt VALUES ($1, $2, 2, '2026-01-01T00:00:05Z', 200, NULL, 12, 'ok'), ($1, $2, 1, '2026-01-01T00:00:00Z', NULL, 'timeout', 5000, NULL)`,
      [endpoint.id, event],
    );
    const { body } = await own('GET', `/webhook-endpoints/${endpoint.id}/deliveries`);
    expect(body).toMatchObject({
      data: [{ eventId: event, type: 'webhook.failed', status: 'delivered', attempts: 2 }],
      nextCursor: null,
    });
    expect(body.data[0].log).toEqual([
      {
        attempt: 1,
        at: '2026-01-01T00:00:00.000Z',
        statusCode: null,
        error: 'timeout',
        durationMs: 5000,
        responseExcerpt: null,
      },
      {
        attempt: 2,
        at: '2026-01-01T00:00:05.000Z',
        statusCode: 200,
        error: null,
        durationMs: 12,
        responseExcerpt: 'ok',
      },
    ]);
  });
});
