import { configChanged } from '@tickwire/contracts';
import { hashApiKey, parseApiKey } from '@tickwire/credentials';
import { Directory } from '@tickwire/directory';
import { testDatabase, type TestDatabase } from '@tickwire/testing';
import {
  newAccount,
  newTenant,
  newWorld,
  runApi,
  type RunningTestApi,
  type TestTenant,
} from '../../fixtures/running-api.js';

const PEPPER = 'a pepper for these specs';
let database: TestDatabase;
let api: RunningTestApi;
let tenant: TestTenant;
let account: string;
let bot: string;

beforeAll(async () => {
  database = await testDatabase();
  api = await runApi(database, {
    config: { INGRESS_PUBLIC_URL: 'https://in.example.com/', API_KEY_PEPPER: PEPPER },
  });
  tenant = await newTenant(api);
  account = await newAccount(api, tenant, await newWorld(api));
  bot = (await own('POST', '/bots', { name: 'chart' })).body.id;
});

afterAll(async () => {
  await api.close();
  await database.drop();
});

const own = (method: string, path: string, body?: unknown) => api.call(method, path, { key: tenant.key, body });
const newToken = async (body: object = {}) =>
  (await own('POST', '/alert-tokens', { botId: bot, accountId: account, ...body })).body;
/** What the door knows of a token; it hears no heartbeats here, and so reads it each time. */
const atTheDoor = (token: string) =>
  new Directory(api.pool, 1).alertToken(hashApiKey(parseApiKey(token)!, Buffer.from(PEPPER)));

it('with half of a surrogate pair in a text are the fault of their sender', async () => {
  const refused = await own('POST', '/alert-tokens', { botId: bot, accountId: account, name: 'a\ud800' });
  expect([refused.status, refused.body.code]).toEqual([422, 'SCHEMA']);
});

it('are shown once, with the URL that the sender calls; only a hash is kept', async () => {
  const symbolMap = { 'CME_MINI:ES1!': 'ESZ6' };
  const made = await own('POST', '/alert-tokens', { botId: bot, accountId: account, name: 'breakout', symbolMap });
  expect(made).toMatchObject({
    status: 201,
    body: { name: 'breakout', botId: bot, accountId: account, symbolMap, revokedAt: null },
  });
  const { token, url, ...facts } = made.body;
  expect(token).toMatch(/^tw_alert_/);
  expect(url).toBe(`https://in.example.com/api/v1/webhooks/alerts/${token}`);
  expect(facts.hint).toBe(parseApiKey(token)!.hint);
  expect((await own('GET', '/alert-tokens?limit=1')).body.data).toEqual([facts]);
  expect(await atTheDoor(token)).toEqual({
    id: facts.id,
    tenantId: tenant.id,
    botId: bot,
    accountId: account,
    symbolMap,
  });
  const { rows } = await api.pool.query<{ row: string }>('SELECT t::text AS row FROM alert_token t');
  expect(rows.map(({ row }) => row).join()).not.toContain(token);
});

it('are listed newest first, page by page', async () => {
  const [older, newer] = [await newToken(), await newToken()];
  const first = (await own('GET', '/alert-tokens?limit=1')).body;
  expect(first).toMatchObject({ data: [{ id: newer.id }], nextCursor: newer.id });
  expect((await own('GET', `/alert-tokens?limit=1&cursor=${newer.id}`)).body.data[0].id).toBe(older.id);
});

it('get another name or map, what is absent stays, and the caches hear of each change', async () => {
  const { id, token } = await newToken({ name: 'one', symbolMap: { A: 'AA' } });
  expect((await own('PATCH', `/alert-tokens/${id}`, { name: 'two' })).body).toMatchObject({
    name: 'two',
    symbolMap: { A: 'AA' },
    hint: parseApiKey(token)!.hint,
  });
  const changed = await own('PATCH', `/alert-tokens/${id}`, { symbolMap: { B: 'BB' } });
  expect(changed.body).toMatchObject({ name: 'two', symbolMap: { B: 'BB' } });
  expect((await atTheDoor(token))?.symbolMap).toEqual({ B: 'BB' });
  expect((await own('DELETE', `/alert-tokens/${id}`)).status).toBe(204);
  const versions = (await api.appended(configChanged))
    .filter(({ data }) => data.id === id)
    .map(({ data }) => data.version);
  expect(versions).toHaveLength(4);
  expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
});

it('open nothing once they are revoked, and stay as they are', async () => {
  const { id, token } = await newToken();
  expect(await atTheDoor(token)).toBeDefined();
  for (const again of [false, true]) {
    expect([again, (await own('DELETE', `/alert-tokens/${id}`)).status]).toEqual([again, 204]);
  }
  expect(await atTheDoor(token)).toBeUndefined();
  expect((await own('GET', '/alert-tokens?limit=1')).body.data[0].revokedAt).not.toBeNull();
  expect(await own('PATCH', `/alert-tokens/${id}`, { name: 'x' })).toMatchObject({
    status: 409,
    body: { code: 'CONFLICT' },
  });
  expect((await own('PATCH', '/alert-tokens/alt_none', { name: 'x' })).status).toBe(404);
  expect((await own('DELETE', '/alert-tokens/alt_none')).status).toBe(404);
});

it('are not keys of the API', async () => {
  const { token } = await newToken();
  expect((await api.call('GET', '/accounts', { key: token })).status).toBe(401);
});

it('are refused for an account that their bot may not trade on', async () => {
  const bound = (await own('POST', '/bots', { name: 'bound', accountIds: [] })).body.id;
  const refused = await own('POST', '/alert-tokens', { botId: bound, accountId: account });
  expect(refused).toMatchObject({
    status: 422,
    body: { code: 'SCHEMA', errors: [{ pointer: '/accountId', code: 'BOT_NOT_PERMITTED' }] },
  });
});

it.each([
  [{ botId: 'bot_none' }, '/botId', 'UNKNOWN_BOT'],
  [{ botId: undefined }, '/botId', 'IS_LENGTH'],
  [{ accountId: 'acc_none' }, '/accountId', 'UNKNOWN_ACCOUNT'],
  [{ name: 1 }, '/name', 'IS_LENGTH'],
  [{ symbolMap: [] }, '/symbolMap', 'IS_OBJECT'],
  [{ symbolMap: { 'A/B~C': 'not a symbol' } }, '/symbolMap/A~1B~0C', 'INVALID_SYMBOL'],
  [{ symbolMap: { A: 1 } }, '/symbolMap/A', 'INVALID_SYMBOL'],
  [{ symbolMap: { '': 'A' } }, '/symbolMap/', 'INVALID_NAME'],
  [{ token: 'mine' }, '/token', 'UNKNOWN_FIELD'],
])('are refused with %j', async (change, pointer, code) => {
  const refused = await own('POST', '/alert-tokens', { botId: bot, accountId: account, ...change });
  expect([refused.status, refused.body.code, refused.body.errors[0]]).toEqual([
    422,
    'SCHEMA',
    expect.objectContaining({ pointer, code }),
  ]);
});

it('take at most 150 symbols', async () => {
  const map = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`S${n}`, 'AA']));
  expect((await own('POST', '/alert-tokens', { botId: bot, accountId: account, symbolMap: map(150) })).status).toBe(
    201,
  );
  const refused = await own('POST', '/alert-tokens', { botId: bot, accountId: account, symbolMap: map(151) });
  expect([refused.status, refused.body.errors]).toEqual([422, [expect.objectContaining({ code: 'TOO_MANY' })]]);
});
