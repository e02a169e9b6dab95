import { configChanged } from '@tickwire/contracts';
import { Directory } from '@tickwire/directory';
import { testDatabase, type TestDatabase } from '@tickwire/testing';
import { MAX_BURST, MAX_PER_MINUTE } from '@tickwire/throttle';
import { ADMIN_TOKEN, newTenant, runApi, type RunningTestApi, type TestTenant } from '../../fixtures/running-api.js';

let database: TestDatabase;
let api: RunningTestApi;
let tenant: TestTenant;

beforeAll(async () => {
  database = await testDatabase();
  api = await runApi(database);
});

beforeEach(async () => {
  tenant = await newTenant(api);
});

afterAll(async () => {
  await api.close();
  await database.drop();
});

const own = (method: string, body?: unknown) => api.call(method, '/settings', { key: tenant.key, body });
const operate = (body: unknown, id = tenant.id) =>
  api.call('PATCH', `/admin/tenants/${id}`, { key: ADMIN_TOKEN, body });
/** What other apps read; without heartbeats, each time. */
const stored = async () => (await new Directory(api.pool, 1).tenant(tenant.id))!;

const DEFAULTS = {
  precheck: 'annotate',
  schemes: ['standard-webhooks', 'timestamped-hex', 'body-hex', 'api-key', 'jwt', 'alert'],
  toleranceMs: {},
  suspicion: { signature_failure_storm: 'flag', replay_storm: 'flag', wrong_clock: 'flag' },
  limits: { tenantPerMinute: 1_000, botPerMinute: 120, accountPerMinute: 60, burst: null },
};

describe('settings', () => {
  it('are the defaults where a tenant has chosen nothing', async () => {
    expect(await own('GET')).toMatchObject({ status: 200, body: DEFAULTS });
    expect((await stored()).settings).toEqual({});
  });

  it('are merged with what was chosen before, and null brings a default back', async () => {
    const changed = await own('PATCH', {
      precheck: 'enforce',
      schemes: ['jwt'],
      toleranceMs: { 'timestamped-hex': 300_000, 'body-hex': 5_000 },
      suspicion: { replay_storm: 'throttle' },
    });
    expect(changed.status).toBe(200);
    const again = await own('PATCH', {
      schemes: null,
      toleranceMs: { 'body-hex': null },
      suspicion: { wrong_clock: 'quarantine' },
    });
    expect(again.body).toEqual({
      ...DEFAULTS,
      precheck: 'enforce',
      toleranceMs: { 'timestamped-hex': 300_000 },
      suspicion: { signature_failure_storm: 'flag', replay_storm: 'throttle', wrong_clock: 'quarantine' },
    });
    expect((await own('GET')).body).toEqual(again.body);
    expect(await stored()).toMatchObject({
      version: 3,
      settings: {
        precheck: 'enforce',
        toleranceMs: { 'timestamped-hex': 300_000 },
        suspicion: { replay_storm: 'throttle', wrong_clock: 'quarantine' },
      },
    });
    const told = (await api.appended(configChanged)).filter(({ data }) => data.id === tenant.id);
    expect(told.map(({ data }) => [data.entity, data.version])).toEqual([
      ['tenant', 1],
      ['tenant', 2],
      ['tenant', 3],
    ]);
  });

  it.each([
    [{ precheck: 'off' }, '/precheck', 'IS_IN'],
    [{ schemes: [] }, '/schemes', 'ARRAY_MIN_SIZE'],
    [{ schemes: ['jwt', 'jwt'] }, '/schemes', 'ARRAY_UNIQUE'],
    [{ schemes: ['basic'] }, '/schemes', 'IS_IN'],
    [{ toleranceMs: { 'body-hex': 4_999 } }, '/toleranceMs/body-hex', 'MIN'],
    [{ toleranceMs: { 'body-hex': 300_001 } }, '/toleranceMs/body-hex', 'MAX'],
    [{ toleranceMs: { jwt: 60_000 } }, '/toleranceMs/jwt', 'UNKNOWN_FIELD'],
    [{ toleranceMs: [] }, '/toleranceMs', 'IS_OBJECT'],
    [{ suspicion: { replay_storm: 'ban' } }, '/suspicion/replay_storm', 'IS_IN'],
    [{ suspicion: { rain: 'flag' } }, '/suspicion/rain', 'UNKNOWN_FIELD'],
    [{ status: 'active' }, '/status', 'UNKNOWN_FIELD'],
  ])('are refused with %j', async (body, pointer, code) => {
    const refused = await own('PATCH', body);
    expect([refused.status, refused.body.errors]).toEqual([422, [expect.objectContaining({ pointer, code })]]);
    expect((await stored()).version).toBe(1);
  });

  it('of limits are for operators', async () => {
    expect(await own('PATCH', { limits: { burst: 1 } })).toMatchObject({
      status: 403,
      body: { code: 'FORBIDDEN', errors: [{ pointer: '/limits', code: 'OPERATORS_ONLY' }] },
    });
    await operate({ settings: { limits: { tenantPerMinute: MAX_PER_MINUTE, burst: MAX_BURST } } });
    expect((await own('GET')).body.limits).toEqual({
      ...DEFAULTS.limits,
      tenantPerMinute: MAX_PER_MINUTE,
      burst: MAX_BURST,
    });
    await own('PATCH', { precheck: 'enforce' });
    expect((await stored()).settings).toMatchObject({ precheck: 'enforce', limits: { burst: MAX_BURST } });
  });

  it('need a key that manages', async () => {
    const body = { scopes: ['read'] };
    const { key } = (await api.call('POST', '/api-keys', { key: tenant.key, body })).body;
    for (const path of ['/settings', '/audit-logs', '/suspicions', '/restrictions', '/alert-tokens', '/jwt-issuers']) {
      expect([path, (await api.call('GET', path, { key })).status]).toEqual([path, 403]);
    }
  });
});

describe('operators', () => {
  it('suspend a tenant, whose keys then open nothing, and let it in again', async () => {
    expect(await operate({ status: 'suspended' })).toMatchObject({
      status: 200,
      body: { status: 'suspended', version: 2 },
    });
    expect(await own('GET')).toMatchObject({ status: 403, body: { code: 'TENANT_INACTIVE' } });
    expect((await operate({ status: 'active' })).body).toMatchObject({ status: 'active', version: 3 });
    expect((await own('GET')).status).toBe(200);
  });

  it('change a limit without touching what else is set', async () => {
    await own('PATCH', { precheck: 'enforce' });
    await operate({ settings: { limits: { botPerMinute: 5, burst: 7 } } });
    const { body } = await operate({ settings: { limits: { burst: null } } });
    expect(body.settings).toEqual({ precheck: 'enforce', limits: { botPerMinute: 5 } });
  });

  it.each([
    [{ status: 'deleted' }, '/status', 'IS_IN'],
    [{ settings: { limits: { burst: 0 } } }, '/settings/limits/burst', 'MIN'],
    [{ settings: { limits: { burst: MAX_BURST + 1 } } }, '/settings/limits/burst', 'MAX'],
    [{ settings: { limits: { tenantPerMinute: MAX_PER_MINUTE + 1 } } }, '/settings/limits/tenantPerMinute', 'MAX'],
    [{ settings: { limits: { botPerMinute: 1.5 } } }, '/settings/limits/botPerMinute', 'IS_INT'],
    [{ settings: { precheck: 'enforce' } }, '/settings/precheck', 'UNKNOWN_FIELD'],
    [{ id: 'ten_x' }, '/id', 'UNKNOWN_FIELD'],
  ])('are refused with %j', async (body, pointer, code) => {
    const refused = await operate(body);
    expect([refused.status, refused.body.errors]).toEqual([422, [expect.objectContaining({ pointer, code })]]);
  });

  it('find no tenant that is not there', async () => {
    expect((await operate({ status: 'active' }, 'ten_none')).status).toBe(404);
  });
});
