import fc from 'fast-check';
import { randomUUID } from 'node:crypto';
import { agentDelivery, marketTick } from '@tickwire/contracts';
import { testDatabase, type TestDatabase } from '@tickwire/testing';
import {
  eventRecord,
  newTenant,
  newWorld,
  runApi,
  until,
  type RunningTestApi,
  type TestTenant,
} from '../../fixtures/running-api.js';
import { compareStandings, Leaderboard, placeAfter, type Standing } from './leaderboard.js';

/** Few values, so that ties are common. */
const standing: fc.Arbitrary<Standing> = fc.record({
  agentId: fc.constantFrom('agt_a', 'agt_b', 'agt_c', 'agt_d'),
  netWorthCents: fc.integer({ min: -2, max: 2 }),
  avgResponseTimeMs: fc.option(fc.constantFrom(0.5, 1, 20), { nil: null }),
});

describe('the order of a leaderboard', () => {
  const at = (netWorthCents: number, avgResponseTimeMs: number | null, agentId: string): Standing => ({
    agentId,
    netWorthCents,
    avgResponseTimeMs,
  });

  it('is by net worth, then by mean response time with none last, then by id', () => {
    const ordered = [
      at(300, null, 'agt_z'),
      at(200, 5, 'agt_b'),
      at(200, 9, 'agt_a'),
      at(200, 9, 'agt_c'),
      at(200, null, 'agt_a'),
      at(-100, 1, 'agt_a'),
    ];
    expect([...ordered].reverse().sort(compareStandings)).toEqual(ordered);
  });

  it('is total: two that stand alike are one', () => {
    fc.assert(
      fc.property(standing, standing, standing, (a, b, c) => {
        expect(Math.sign(compareStandings(a, b)) + Math.sign(compareStandings(b, a))).toBe(0);
        if (compareStandings(a, b) === 0) expect(a).toEqual(b);
        if (compareStandings(a, b) <= 0 && compareStandings(b, c) <= 0) {
          expect(compareStandings(a, c)).toBeLessThanOrEqual(0);
        }
      }),
    );
  });

  it('goes on after a place, whether its agent still holds it or not', () => {
    fc.assert(
      fc.property(fc.array(standing), standing, (given, last) => {
        const sorted = [...given].sort(compareStandings);
        const start = placeAfter(sorted, last);
        expect(sorted.slice(start)).toEqual(sorted.filter((each) => compareStandings(each, last) > 0));
      }),
    );
  });
});

describe('reading a world', () => {
  const FIRST = { agentId: 'agt_a', name: 'a', role: 'quant', netWorthCents: 100, avgResponseTimeMs: null };
  /** A database that answers when it is told to. */
  const boardWith = (answers: Promise<{ rows: object[] }>[]) => {
    const query = () => answers[(asked += 1) - 1];
    let asked = 0;
    return { board: new Leaderboard({ pool: { query } } as never), asked: () => asked };
  };

  it('is done once for all who ask meanwhile and shortly after', async () => {
    const { board, asked } = boardWith([Promise.resolve({ rows: [FIRST] })]);
    const [one, two] = await Promise.all([board.list('wld_1', { limit: 1 }), board.list('wld_1', { limit: 1 })]);
    expect([one, two, await board.list('wld_1', { limit: 1 })]).toEqual([one, one, one]);
    expect(one.data).toMatchObject([{ rank: 1, netWorth: '1' }]);
    expect(asked()).toBe(1);
  });

  it('is tried again by the next one after it has failed', async () => {
    const { board, asked } = boardWith([Promise.reject(new Error('down')), Promise.resolve({ rows: [FIRST] })]);
    await expect(board.list('wld_1', { limit: 1 })).rejects.toThrow('down');
    expect((await board.list('wld_1', { limit: 1 })).data).toHaveLength(1);
    expect(asked()).toBe(2);
  });
});

describe('GET /worlds/{id}/leaderboard', () => {
  let database: TestDatabase;
  let api: RunningTestApi;
  let one: TestTenant;
  let two: TestTenant;

  beforeAll(async () => {
    database = await testDatabase();
    api = await runApi(database);
    [one, two] = [await newTenant(api, 'One'), await newTenant(api, 'Two')];
  });

  afterAll(async () => {
    await api.close();
    await database.drop();
  });

  const register = async (world: string, { key }: TestTenant, name: string) =>
    (await api.call('POST', '/agents', { key, body: { worldId: world, name, role: 'quant' } })).body as {
      agentId: string;
      apiKey: string;
    };
  const tick = (world: string, number: number, worths: Record<string, number>): Promise<void> =>
    api.log.append([
      eventRecord(marketTick, randomUUID(), {
        worldId: world,
        tick: number,
        agents: Object.entries(worths).map(([agentId, worth]) => ({ agentId, funds: [worth, 0, 0, worth] })),
      }),
    ]);
  const answered = (world: string, agentId: string, ...times: number[]): Promise<void> =>
    api.log.append(
      times.map((responseTimeMs, n) =>
        eventRecord(agentDelivery, randomUUID(), { worldId: world, agentId, tick: n, responseTimeMs }),
      ),
    );
  const leaderboard = (world: string, key = one.key, query = '') =>
    api.call('GET', `/worlds/${world}/leaderboard${query}`, { key });
  /** It may be a second old. */
  const rankedAs = (world: string, names: readonly string[]) =>
    until(async () => {
      const { body } = await leaderboard(world);
      return body.data.map(({ name }: { name: string }) => name).join() === names.join() && body;
    });

  it('ranks the agents of all tenants by the newest tick, ties by their answers, page by page', async () => {
    const world = await newWorld(api);
    const rich = await register(world, one, 'rich');
    const quick = await register(world, two, 'quick');
    const steady = await register(world, one, 'steady');
    const silent = await register(world, two, 'silent');
    const poor = await register(world, one, 'poor');
    await register(world, one, 'not yet in a tick');
    expect((await leaderboard(world)).body).toEqual({ data: [], nextCursor: null });
    await answered(world, quick.agentId, 5, 15);
    await answered(world, steady.agentId, 12);
    await tick(world, 1, { [rich.agentId]: 1, [poor.agentId]: 999_999 });
    await tick(world, 2, {
      [poor.agentId]: -12.5,
      [silent.agentId]: 1_000.1,
      [steady.agentId]: 1_000.1,
      [quick.agentId]: 1_000.1,
      [rich.agentId]: 250_000.07,
    });
    const { data, nextCursor } = await rankedAs(world, ['rich', 'quick', 'steady', 'silent', 'poor']);
    expect(nextCursor).toBeNull();
    expect(data).toEqual([
      { rank: 1, agentId: rich.agentId, name: 'rich', role: 'quant', netWorth: '250000.07', avgResponseTimeMs: null },
      { rank: 2, agentId: quick.agentId, name: 'quick', role: 'quant', netWorth: '1000.1', avgResponseTimeMs: 10 },
      { rank: 3, agentId: steady.agentId, name: 'steady', role: 'quant', netWorth: '1000.1', avgResponseTimeMs: 12 },
      { rank: 4, agentId: silent.agentId, name: 'silent', role: 'quant', netWorth: '1000.1', avgResponseTimeMs: null },
      { rank: 5, agentId: poor.agentId, name: 'poor', role: 'quant', netWorth: '-12.5', avgResponseTimeMs: null },
    ]);
    const seen: unknown[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const page = (await leaderboard(world, two.key, `?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`)).body;
      expect(page.data.length).toBeLessThanOrEqual(2);
      seen.push(...page.data);
      cursor = page.nextCursor as string | null;
    }
    expect(seen).toEqual(data);
    expect((await leaderboard(world, poor.apiKey)).body.data).toEqual(data);
  });

  it('holds one world’s agents only, and is 404 for no world', async () => {
    const [world, other] = [await newWorld(api), await newWorld(api)];
    const here = await register(world, one, 'here');
    const there = await register(other, one, 'there');
    await tick(world, 1, { [here.agentId]: 1 });
    await tick(other, 1, { [there.agentId]: 2 });
    await rankedAs(world, ['here']);
    await rankedAs(other, ['there']);
    expect(await leaderboard('wld_none')).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
  });

  it.each(['x', Buffer.from('[1]').toString('base64url'), Buffer.from('[1,"2","agt"]').toString('base64url')])(
    'refuses the cursor %s',
    async (cursor) => {
      const refused = await leaderboard(await newWorld(api), one.key, `?cursor=${cursor}`);
      expect([refused.status, refused.body.errors[0].code]).toEqual([422, 'INVALID_CURSOR']);
    },
  );
});
