import { accountControl, configChanged, worldControl } from '@tickwire/contracts';
import { testDatabase, type TestDatabase } from '@tickwire/testing';
import {
  ADMIN_TOKEN,
  box,
  newAccount,
  newTenant,
  newWorld,
  runApi,
  type RunningTestApi,
  type TestTenant,
} from '../fixtures/running-api.js';

let database: TestDatabase;
let api: RunningTestApi;
let tenant: TestTenant;
let world: string;

beforeAll(async () => {
  database = await testDatabase();
  api = await runApi(database);
  tenant = await newTenant(api);
  world = await newWorld(api);
});

afterAll(async () => {
  await api.close();
  await database.drop();
});

const admin = (method: string, path: string, body?: unknown) =>
  api.call(method, `/admin${path}`, { key: ADMIN_TOKEN, body });
const own = (method: string, path: string, body?: unknown) => api.call(method, path, { key: tenant.key, body });
const changesOf = async (id: string) =>
  (await api.appended(configChanged)).filter(({ data }) => data.id === id).map(({ data }) => data);

describe('tenants', () => {
  it('are made by operators, with settings, and told to the caches', async () => {
    const settings = { precheck: 'enforce', limits: { tenantPerMinute: 1_000_000, burst: 100_000 } };
    const made = await admin('POST', '/tenants', { name: 'Bench', settings });
    expect(made).toMatchObject({ status: 201, body: { name: 'Bench', status: 'active', settings, version: 1 } });
    expect((await admin('GET', `/tenants/${made.body.id}`)).body).toEqual(made.body);
    expect(await changesOf(made.body.id)).toEqual([
      { entity: 'tenant', id: made.body.id, tenantId: made.body.id, version: 1 },
    ]);
    expect((await admin('GET', '/tenants/ten_none')).status).toBe(404);
    expect((await admin('POST', '/tenants/ten_none/api-keys', {})).status).toBe(404);
  });

  it('are listed newest first, page by page', async () => {
    for (const name of ['one', 'two', 'three']) await admin('POST', '/tenants', { name });
    const first = await admin('GET', '/tenants?limit=2');
    expect(first.body.data.map((each: { name: string }) => each.name)).toEqual(['three', 'two']);
    const second = await admin('GET', `/tenants?limit=2&cursor=${first.body.nextCursor}`);
    expect(second.body.data[0].name).toBe('one');
    expect((await admin('GET', '/tenants?limit=200')).body.nextCursor).toBeNull();
    for (const query of ['limit=0', 'limit=201', 'limit=x', 'cursor=%20']) {
      expect([query, (await admin('GET', `/tenants?${query}`)).status]).toEqual([query, 422]);
    }
  });
});

describe('request bodies', () => {
  it('are refused with every wrong field by pointer, unknown ones by name', async () => {
    const { status, headers, body } = await admin('POST', '/tenants', {
      name: '',
      settings: { limits: { burst: 0, colour: 1 } },
      tenantId: 'x',
    });
    expect([status, headers.get('content-type')?.split(';')[0], body.code]).toEqual([
      422,
      'application/problem+json',
      'SCHEMA',
    ]);
    expect(body.errors.map(({ pointer, code }: { pointer: string; code: string }) => [pointer, code]).sort()).toEqual([
      ['/name', 'IS_LENGTH'],
      ['/settings/limits/burst', 'MIN'],
      ['/settings/limits/colour', 'UNKNOWN_FIELD'],
      ['/tenantId', 'UNKNOWN_FIELD'],
    ]);
    expect(body.requestId).toBe(headers.get('x-request-id'));
  });

  it.each([[[]], ['text'], [null]])('that are %j are refused', async (body) => {
    expect((await admin('POST', '/tenants', body)).status).toBe(422);
  });

  it('with a NUL in a text are the fault of their sender', async () => {
    expect((await admin('POST', '/tenants', { name: 'a\0b' })).status).toBe(422);
  });
});

describe('worlds', () => {
  it('are made with defaults and tell execution so, first of all on their topic', async () => {
    const made = await admin('POST', '/worlds', { name: 'Second' });
    const parameters = { seed: made.body.id, companies: 100, tickMs: 1_000, shards: 16 };
    expect(made).toMatchObject({
      status: 201,
      body: { name: 'Second', status: 'running', settings: parameters, version: 1 },
    });
    const controls = (await api.appended(worldControl)).filter(({ data }) => data.worldId === made.body.id);
    expect(controls.map(({ data }) => data)).toEqual([
      { worldId: made.body.id, command: 'created', name: 'Second', parameters, version: 1 },
    ]);
    expect((await admin('GET', '/worlds?limit=1')).body.data[0].id).toBe(made.body.id);
  });

  it('obey commands, each with the next version', async () => {
    const id = await newWorld(api, { name: 'Commanded', tickMs: 500 });
    for (const body of [
      { command: 'paused' },
      { command: 'stepped', ticks: 3 },
      { command: 'speed', tickMs: 100 },
      { command: 'resumed' },
    ]) {
      expect((await admin('POST', `/worlds/${id}/commands`, body)).status).toBe(202);
    }
    const controls = (await api.appended(worldControl)).filter(({ data }) => data.worldId === id);
    expect(
      controls.map(({ data: { command, ticks, tickMs, version } }) => [version, command, ticks ?? tickMs]),
    ).toEqual([
      [1, 'created', undefined],
      [2, 'paused', undefined],
      [3, 'stepped', 3],
      [4, 'speed', 100],
      [5, 'resumed', undefined],
    ]);
    const { body } = await api.call('GET', `/worlds/${id}`, { key: tenant.key });
    expect(body).toMatchObject({ id, status: 'running', tickMs: 100, state: null });
    expect(body.settings?.seed ?? body.seed).toBeUndefined();
  });

  it('refuse commands that say too little, and ticks that are too short', async () => {
    const commands = [
      { command: 'stepped' },
      { command: 'speed' },
      { command: 'speed', tickMs: 5 },
      { command: 'explode' },
      {},
    ];
    for (const body of commands)
      expect([body, (await admin('POST', `/worlds/${world}/commands`, body)).status]).toEqual([body, 422]);
    expect((await admin('POST', '/worlds', { name: 'x', tickMs: 9 })).status).toBe(422);
    expect((await admin('POST', '/worlds/wld_none/commands', { command: 'paused' })).status).toBe(404);
  });
});

describe('accounts', () => {
  it('are registered with execution and told to the caches, in one transaction', async () => {
    const body = { externalId: 'A-1', name: 'First', initialBalance: '10000.50', currency: 'USD', quoteSource: world };
    const made = await own('POST', '/accounts', body);
    expect(made).toMatchObject({
      status: 201,
      body: { externalId: 'A-1', status: 'active', initialBalance: '10000.5', version: 1 },
    });
    const { id } = made.body;
    const [control] = (await api.appended(accountControl)).filter(({ data }) => data.accountId === id);
    expect(control).toMatchObject({
      tenantid: tenant.id,
      accountid: id,
      data: {
        kind: 'registered',
        status: 'active',
        initialBalance: '10000.5',
        quoteSource: world,
        currency: 'USD',
        version: 1,
      },
    });
    expect(await changesOf(id)).toHaveLength(1);
    expect((await own('GET', `/accounts/${id}`)).body).toEqual({ ...made.body, state: null });
    expect((await own('GET', '/accounts?externalId=A-1')).body.data).toEqual([made.body]);
    expect(await own('POST', '/accounts', body)).toMatchObject({ status: 409, body: { code: 'CONFLICT' } });
  });

  it('change status by version, and stay closed', async () => {
    const id = await newAccount(api, tenant, world);
    expect((await own('PATCH', `/accounts/${id}`, { status: 'suspended' })).body).toMatchObject({
      status: 'suspended',
      version: 2,
    });
    expect((await own('PATCH', `/accounts/${id}`, { status: 'suspended' })).body.version).toBe(2);
    expect((await own('PATCH', `/accounts/${id}`, { status: 'closed' })).body.version).toBe(3);
    expect((await own('PATCH', `/accounts/${id}`, { status: 'active' })).status).toBe(409);
    const controls = (await api.appended(accountControl)).filter(({ data }) => data.accountId === id);
    expect(controls.map(({ data }) => [data.kind, data.status, data.version])).toEqual([
      ['registered', 'active', 1],
      ['status', 'suspended', 2],
      ['status', 'closed', 3],
    ]);
  });

  it.each([
    [{ initialBalance: '1.005' }, '/initialBalance'],
    [{ initialBalance: '-1' }, '/initialBalance'],
    [{ initialBalance: 1 }, '/initialBalance'],
    [{ initialBalance: '90071992547409.92' }, '/initialBalance'],
    [{ currency: 'EUR' }, '/currency'],
    [{ quoteSource: 'wld_none' }, '/quoteSource'],
    [{ balance: '1' }, '/balance'],
  ])('are refused with %j', async (change, pointer) => {
    const body = { initialBalance: '1', currency: 'USD', quoteSource: world, ...change };
    const refused = await own('POST', '/accounts', body);
    expect([refused.status, refused.body.errors[0].pointer]).toEqual([422, pointer]);
  });

  it('show their state, positions, fills and orders as execution has them', async () => {
    const id = await newAccount(api, tenant, world);
    await api.pool.query(
      `INSERT INTO exec_account (account_id, tenant_id, partition, status, directory_version, currency, quote_source, initial_balance, balance, fees, realised, version, updated_at)
       VALUES ($1, $2, 0, 'active', 1, 'USD', $3, 1000050, 990001, 49, -10000, 7, now())`,
      [id, tenant.id, world],
    );
    await api.pool.query(
      `INSERT INTO exec_position VALUES ($1, 'NVLT', 3, 45001, -10000), ($1, 'FLAT', 0, 0, 5), ($1, 'SHRT', -2, -2000, 0)`,
      [id],
    );
    const withoutQuote = (await own('GET', `/accounts/${id}`)).body.state;
    expect(withoutQuote).toMatchObject({
      status: 'active',
      balance: '9900.01',
      realisedPnl: '-100',
      fees: '0.49',
      version: 7,
    });
    expect(withoutQuote).not.toHaveProperty('equity');
    const watchlist = [
      { symbol: 'NVLT', price: 160.5 },
      { symbol: 'SHRT', price: 9 },
    ];
    await api.pool.query(`INSERT INTO world_view VALUES ($1, 1, $2)`, [
      world,
      JSON.stringify({ market: { watchlist } }),
    ]);
    // 9900.01 + (3 x 160.50 - 450.01) + (20.00 - 2 x 9.00)
    expect((await own('GET', `/accounts/${id}`)).body.state.equity).toBe('9933.5');
    expect((await own('GET', `/accounts/${id}/positions`)).body).toEqual({
      data: [
        {
          symbol: 'NVLT',
          quantity: '3',
          averagePrice: '150.003333',
          realisedPnl: '-100',
          price: '160.5',
          unrealisedPnl: '31.49',
        },
        { symbol: 'SHRT', quantity: '-2', averagePrice: '10', realisedPnl: '0', price: '9', unrealisedPnl: '2' },
      ],
      nextCursor: null,
    });
    await api.pool.query(`DELETE FROM world_view`);
  });

  it('list fills and orders newest first, page by page, also within one millisecond', async () => {
    const id = await newAccount(api, tenant, world);
    await api.pool.query(
      `INSERT INTO exec_fill SELECT gen_random_uuid(), gen_random_uuid(), $2, $1, 's' || n, 'NVLT', 'buy', n::text, '10.5', '0', '0', 'q', '2026-01-01'
         FROM generate_series(1, 5) n`,
      [id, tenant.id],
    );
    await api.pool.query(
      `INSERT INTO exec_order SELECT gen_random_uuid(), $2, $1, 's' || n, gen_random_uuid(), NULL, 'NVLT', 'buy', 'limit', 'new', '5', '10', '0', '5', NULL, 1,
              '2026-01-01'::timestamptz + n * interval '1 s', now() FROM generate_series(1, 5) n`,
      [id, tenant.id],
    );
    const seen: string[] = [];
    for (let cursor = ''; cursor !== 'null';) {
      const { body } = await own('GET', `/accounts/${id}/fills?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`);
      seen.push(...body.data.map((fill: { signalId: string }) => fill.signalId));
      cursor = String(body.nextCursor);
    }
    expect(seen.sort()).toEqual(['s1', 's2', 's3', 's4', 's5']);
    const orders = (await own('GET', `/accounts/${id}/orders?limit=2`)).body;
    expect(orders.data.map((order: { signalId: string }) => order.signalId)).toEqual(['s5', 's4']);
    expect(orders.data[0]).toMatchObject({ quantity: '5', limitPrice: '10', leavesQty: '5', avgPx: null });
    for (const cursor of ['x', 'bnVsbA', Buffer.from('[1,"x"]').toString('base64url')]) {
      expect((await own('GET', `/accounts/${id}/fills?cursor=${cursor}`)).status).toBe(422);
    }
  });
});

describe('bots', () => {
  it('trade on every account, or on named ones of their tenant', async () => {
    const account = await newAccount(api, tenant, world);
    const free = await own('POST', '/bots', { name: 'free' });
    expect(free).toMatchObject({ status: 201, body: { name: 'free', accountIds: null, status: 'active', version: 1 } });
    const bound = await own('PATCH', `/bots/${free.body.id}`, { accountIds: [account], status: 'disabled' });
    expect(bound.body).toMatchObject({ name: 'free', accountIds: [account], status: 'disabled', version: 2 });
    expect((await own('PATCH', `/bots/${free.body.id}`, { accountIds: null })).body).toMatchObject({
      accountIds: null,
      status: 'disabled',
    });
    expect((await changesOf(free.body.id)).map(({ version }) => version)).toEqual([1, 2, 3]);
    expect((await own('GET', '/bots')).body.data[0].id).toBe(free.body.id);
    const refused = await own('POST', '/bots', { name: 'x', accountIds: [account, 'acc_none'] });
    expect([refused.status, refused.body.errors]).toEqual([
      422,
      [expect.objectContaining({ pointer: '/accountIds/1', code: 'UNKNOWN_ACCOUNT' })],
    ]);
    expect((await own('PATCH', '/bots/bot_none', { name: 'x' })).status).toBe(404);
  });
});

describe('signing secrets', () => {
  it('are shown once, sealed at rest under their own row, and revoked', async () => {
    const made = await own('POST', '/signing-secrets', {});
    expect(made).toMatchObject({ status: 201, body: { botId: null, secret: expect.stringMatching(/^whsec_/) } });
    const { id, secret } = made.body;
    const { rows } = await api.pool.query<{ sealed: string }>('SELECT sealed FROM signing_secret WHERE id = $1', [id]);
    expect(box.open(rows[0]!.sealed, [id])).toBe(secret);
    for (const again of [false, true]) {
      expect([again, (await own('DELETE', `/signing-secrets/${id}`)).status]).toEqual([again, 204]);
    }
    expect((await own('GET', '/signing-secrets')).body.data[0]).toMatchObject({ id, revokedAt: expect.any(String) });
    expect(await changesOf(id)).toEqual([
      { entity: 'signing-secret', id, tenantId: tenant.id, version: 1 },
      { entity: 'signing-secret', id, tenantId: tenant.id, version: 3 },
    ]);
    expect(JSON.stringify((await own('GET', '/signing-secrets')).body)).not.toContain(secret);
  });

  it('may belong to one bot of the tenant', async () => {
    const bot = await own('POST', '/bots', { name: 'signer' });
    expect((await own('POST', '/signing-secrets', { botId: bot.body.id })).body.botId).toBe(bot.body.id);
    expect((await own('POST', '/signing-secrets', { botId: 'bot_none' })).status).toBe(422);
    expect((await own('DELETE', '/signing-secrets/sec_none')).status).toBe(404);
  });
});
