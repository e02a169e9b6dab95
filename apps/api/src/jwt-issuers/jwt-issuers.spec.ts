import { generateKeyPairSync } from 'node:crypto';
import { configChanged } from '@tickwire/contracts';
import { Directory } from '@tickwire/directory';
import { testDatabase, type TestDatabase } from '@tickwire/testing';
import { box, newTenant, runApi, type RunningTestApi, type TestTenant } from '../../fixtures/running-api.js';

const SECRET = 'a shared secret of at least 32 bytes';
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

const own = (method: string, path: string, body?: unknown) => api.call(method, path, { key: tenant.key, body });
const register = (body: object) => own('POST', '/jwt-issuers', { issuer: 'idp', audience: 'us', ...body });
/** What the door believes; it hears no heartbeats here, and so reads it each time. */
const believed = () => new Directory(api.pool, 1).jwtIssuers(tenant.id);

it('are registered by secret, which is sealed under its row and never shown', async () => {
  const made = await register({ secret: SECRET });
  expect(made).toMatchObject({
    status: 201,
    body: {
      issuer: 'idp',
      audience: 'us',
      botId: null,
      keySource: 'secret',
      jwksUrl: null,
      keys: null,
      revokedAt: null,
    },
  });
  const listed = (await own('GET', '/jwt-issuers')).body;
  expect(listed).toEqual({ data: [made.body], nextCursor: null });
  expect(JSON.stringify([made.body, listed])).not.toContain(SECRET);
  const [entry] = await believed();
  expect(entry).toMatchObject({ id: made.body.id, tenantId: tenant.id, issuer: 'idp', audience: 'us', keys: null });
  expect(box.open(entry!.sealedSecret!, [made.body.id])).toBe(SECRET);
});

it('are registered by JWKS URL or by public keys, for one bot where it is named', async () => {
  const bot = (await own('POST', '/bots', { name: 'jwt' })).body.id;
  const jwksUrl = 'https://id.example.com/jwks.json';
  expect((await register({ jwksUrl, botId: bot })).body).toMatchObject({ keySource: 'jwks', jwksUrl, botId: bot });
  const keys = [generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })];
  expect((await register({ audience: 'them', keys })).body).toMatchObject({ keySource: 'keys', keys });
  expect(await believed()).toMatchObject([
    { jwksUrl, botId: bot, keys: null, sealedSecret: null },
    { jwksUrl: null, botId: null, keys, sealedSecret: null },
  ]);
});

it('are one for an issuer and audience, until they are revoked', async () => {
  const { body } = await register({ secret: SECRET });
  const taken = await register({ jwksUrl: 'https://id.example.com/' });
  expect(taken).toMatchObject({
    status: 409,
    body: { code: 'CONFLICT', errors: [{ pointer: '/issuer', code: 'TAKEN' }] },
  });
  expect((await register({ audience: 'them', secret: SECRET })).status).toBe(201);
  for (const again of [false, true]) {
    expect([again, (await own('DELETE', `/jwt-issuers/${body.id}`)).status]).toEqual([again, 204]);
  }
  expect((await believed()).map(({ audience }) => audience)).toEqual(['them']);
  expect((await register({ secret: SECRET })).status).toBe(201);
  const told = (await api.appended(configChanged)).filter(({ data }) => data.id === body.id);
  expect(told.map(({ data }) => [data.entity, data.version])).toEqual([
    ['jwt-issuer', 1],
    ['jwt-issuer', 2],
  ]);
  expect((await own('DELETE', '/jwt-issuers/iss_none')).status).toBe(404);
});

it('registered twice at the same time are one', async () => {
  const answers = await Promise.all([register({ secret: SECRET }), register({ secret: SECRET })]);
  expect(answers.map(({ status }) => status).sort()).toEqual([201, 409]);
});

it('may be the same for another tenant', async () => {
  await register({ secret: SECRET });
  const other = await newTenant(api);
  const body = { issuer: 'idp', audience: 'us', secret: SECRET };
  expect((await api.call('POST', '/jwt-issuers', { key: other.key, body })).status).toBe(201);
});

it('are at most twenty', async () => {
  for (let count = 0; count < 20; count++) await register({ audience: `a-${count}`, secret: SECRET });
  expect(await register({ secret: SECRET })).toMatchObject({ status: 422, body: { code: 'LIMIT_EXCEEDED' } });
});

it.each([
  [{}, '', 'ONE_KEY_SOURCE'],
  [{ secret: 'short' }, '/secret', 'SECRET_TOO_SHORT'],
  [{ jwksUrl: 'http://127.0.0.1/' }, '/jwksUrl', 'HTTPS_REQUIRED'],
  [{ secret: SECRET, botId: 'bot_none' }, '/botId', 'UNKNOWN_BOT'],
  [{ secret: SECRET, alg: 'none' }, '/alg', 'UNKNOWN_FIELD'],
])('are refused with %j', async (body, pointer, code) => {
  const refused = await register(body);
  expect([refused.status, refused.body.code, refused.body.errors[0]]).toEqual([
    422,
    'SCHEMA',
    expect.objectContaining({ pointer, code }),
  ]);
  expect(await believed()).toEqual([]);
});
