import { configChanged } from '@tickwire/contracts';
import { Directory } from '@tickwire/directory';
import { testDatabase, type TestDatabase } from '@tickwire/testing';
import { box, newTenant, runApi, type RunningTestApi, type TestTenant } from '../../fixtures/running-api.js';

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
const newSecret = async (body: object = {}) => (await own('POST', '/signing-secrets', body)).body;
const rotate = (id: string, body?: object) => own('POST', `/signing-secrets/${id}/rotate`, body);
/** Which secrets the door accepts now, newest first. It hears no heartbeats here, and so reads them each time. */
const accepted = async () => {
  const live = await new Directory(api.pool, 1).signingSecrets(tenant.id);
  return live
    .filter(({ expiresAt }) => expiresAt === null || expiresAt.getTime() > Date.now())
    .map(({ id, sealed }) => box.open(sealed, [id]))
    .sort();
};

it('have a name, may belong to a bot, and are listed by a hint', async () => {
  const bot = (await own('POST', '/bots', { name: 'signer' })).body.id as string;
  const made = await own('POST', '/signing-secrets', { name: 'prod', botId: bot });
  expect(made).toMatchObject({ status: 201, body: { name: 'prod', botId: bot, expiresAt: null, revokedAt: null } });
  const { secret, ...facts } = made.body;
  expect(facts.hint).toBe(`whsec_…${secret.replace(/=+$/, '').slice(-4)}`);
  const other = await newSecret();
  const first = (await own('GET', '/signing-secrets?limit=1')).body;
  expect(first).toMatchObject({ data: [{ id: other.id, name: '', botId: null }], nextCursor: other.id });
  const second = (await own('GET', `/signing-secrets?limit=1&cursor=${first.nextCursor}`)).body;
  expect(second).toEqual({ data: [facts], nextCursor: null });
});

it('are refused for a bot that is not there, and with fields that are not known', async () => {
  const refusal = async (body: object) => {
    const refused = await own('POST', '/signing-secrets', body);
    return [refused.status, refused.body.errors[0].pointer, refused.body.errors[0].code];
  };
  expect(await refusal({ botId: 'bot_none' })).toEqual([422, '/botId', 'UNKNOWN_BOT']);
  expect(await refusal({ name: 'x'.repeat(129) })).toEqual([422, '/name', 'IS_LENGTH']);
  expect(await refusal({ secret: 'mine' })).toEqual([422, '/secret', 'UNKNOWN_FIELD']);
});

it('one that cannot be opened any more is listed without a hint', async () => {
  const { id } = await newSecret();
  await api.pool.query(`UPDATE signing_secret SET sealed = 'sb1.gone' WHERE id = $1`, [id]);
  expect((await own('GET', '/signing-secrets')).body.data).toMatchObject([{ id, hint: null }]);
});

it('at most ten are live for the tenant, and ten for each bot', async () => {
  const bot = (await own('POST', '/bots', { name: 'signer' })).body.id as string;
  const ids: string[] = [];
  for (let count = 0; count < 10; count++) ids.push((await newSecret()).id);
  expect(await own('POST', '/signing-secrets', {})).toMatchObject({ status: 422, body: { code: 'LIMIT_EXCEEDED' } });
  expect(await rotate(ids[0]!)).toMatchObject({ status: 422, body: { code: 'LIMIT_EXCEEDED' } });
  expect((await own('POST', '/signing-secrets', { botId: bot })).status).toBe(201);
  expect((await rotate(ids[0]!, { overlapSeconds: 0 })).status).toBe(201);
  await own('DELETE', `/signing-secrets/${ids[1]!}`);
  expect((await own('POST', '/signing-secrets', {})).status).toBe(201);
});

describe('rotation', () => {
  it('makes a successor of the same name and bot; both are good for a day', async () => {
    const bot = (await own('POST', '/bots', { name: 'signer' })).body.id as string;
    const old = await newSecret({ name: 'prod', botId: bot });
    const before = Date.now();
    const rotated = await rotate(old.id);
    expect(rotated).toMatchObject({
      status: 201,
      body: {
        name: 'prod',
        botId: bot,
        expiresAt: null,
        secret: expect.stringMatching(/^whsec_/),
        previous: { id: old.id },
      },
    });
    expect(rotated.body.id).not.toBe(old.id);
    const expiresAt = Date.parse(rotated.body.previous.expiresAt);
    expect(expiresAt - before).toBeGreaterThanOrEqual(86_400_000 - 1_000);
    expect(expiresAt - Date.now()).toBeLessThanOrEqual(86_400_000 + 1_000);
    expect(await accepted()).toEqual([old.secret, rotated.body.secret].sort());
    const listed = (await own('GET', '/signing-secrets')).body;
    expect(listed.data).toMatchObject([
      { id: rotated.body.id, expiresAt: null },
      { id: old.id, expiresAt: rotated.body.previous.expiresAt },
    ]);
    expect(JSON.stringify(listed)).not.toContain(rotated.body.secret);
  });

  it('with no overlap ends the old one at once', async () => {
    const old = await newSecret();
    const { body } = await rotate(old.id, { overlapSeconds: 0 });
    expect(await accepted()).toEqual([body.secret]);
  });

  it('ends the old one when the overlap is over', async () => {
    const old = await newSecret();
    const { body } = await rotate(old.id, { overlapSeconds: 604_800 });
    expect(await accepted()).toHaveLength(2);
    await api.pool.query(`UPDATE signing_secret SET expires_at = now() WHERE id = $1`, [old.id]);
    expect(await accepted()).toEqual([body.secret]);
  });

  it.each([[-1], [604_801], [1.5], ['60']])('with an overlap of %j is refused', async (overlapSeconds) => {
    const { id } = await newSecret();
    const refused = await rotate(id, { overlapSeconds });
    expect([refused.status, refused.body.errors[0].pointer]).toEqual([422, '/overlapSeconds']);
    expect(await accepted()).toHaveLength(1);
  });

  it('happens once to a secret, and never to a revoked one', async () => {
    const old = await newSecret();
    const { body: successor } = await rotate(old.id);
    expect(await rotate(old.id, { overlapSeconds: 604_800 })).toMatchObject({
      status: 409,
      body: { code: 'CONFLICT' },
    });
    expect((await rotate(successor.id)).status).toBe(201);
    const revoked = await newSecret();
    await own('DELETE', `/signing-secrets/${revoked.id}`);
    expect((await rotate(revoked.id)).status).toBe(409);
    expect((await rotate('sec_none')).status).toBe(404);
  });

  it('at the same time twice makes one successor', async () => {
    const { id } = await newSecret();
    const answers = await Promise.all([rotate(id), rotate(id)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409]);
    expect(await accepted()).toHaveLength(2);
  });

  it('leaves the old one revocable at once, and tells the caches each time', async () => {
    const old = await newSecret();
    const { body } = await rotate(old.id);
    expect((await own('DELETE', `/signing-secrets/${old.id}`)).status).toBe(204);
    expect(await accepted()).toEqual([body.secret]);
    const told = (await api.appended(configChanged)).filter(({ data }) => data.id === old.id);
    expect(told.map(({ data }) => data.version)).toEqual([1, 2, 3]);
    expect(new Set(told.map((event) => event.id)).size).toBe(3);
  });
});
