import { CLOSED_BREAKER } from '@tickwire/delivery';
import { testDatabase, type TestDatabase } from '@tickwire/testing';
import type { Pool, QueryConfig } from 'pg';
import { until } from '../../fixtures/dispatch-bench.js';
import { loadDispatchStates, storeSettled, type SettledRow } from './dispatch-states.js';
import { Settlements, type Settleable } from './settlements.js';

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
const row = (agentId: string, more: Partial<SettledRow> = {}): SettledRow => ({
  agentId,
  worldId: 'w',
  shard: 3,
  settledTick: 1,
  carriedJson: '[]',
  breaker: CLOSED_BREAKER,
  ...more,
});
const result = (id: string) => ({ list: 'actionResults', item: { id, action: 'BUY', success: true } });

describe('settled callbacks', () => {
  let database: TestDatabase;
  let pool: Pool;
  beforeEach(async () => {
    database = await testDatabase();
    pool = database.pool();
  });
  afterEach(() => database.drop());

  it('are stored with what is carried and the breaker, and come back', async () => {
    const carried = [result('a')];
    const open = { phase: 'open', openedAtMs: 7 } as const;
    await storeSettled(pool, [
      row('a', { settledTick: 9, carriedJson: JSON.stringify(carried), breaker: open }),
      row('b'),
    ]);
    const states = await loadDispatchStates(pool, ['a', 'b', 'c']);
    expect([...states.keys()].sort()).toEqual(['a', 'b']);
    expect(states.get('a')).toMatchObject({ settledTick: 9, breaker: open });
    expect(states.get('a')!.carried.without(new Set())).toEqual(carried);
  });

  it('never go back: a lower tick changes nothing, and unchanged items stay as they are', async () => {
    const carriedJson = JSON.stringify([result('a')]);
    await storeSettled(pool, [row('a', { settledTick: 5, carriedJson })]);
    await storeSettled(pool, [row('a', { settledTick: 5 }), row('b')]);
    expect((await loadDispatchStates(pool, ['a'])).get('a')!.carried.size).toBe(1);
    await storeSettled(pool, [row('a', { settledTick: 6, carriedJson: undefined })]);
    const state = (await loadDispatchStates(pool, ['a'])).get('a')!;
    expect([state.settledTick, state.carried.size]).toEqual([6, 1]);
  });

  it('move on alone where nothing else has changed, and never back', async () => {
    const carriedJson = JSON.stringify([result('a')]);
    const open = { phase: 'open', openedAtMs: 7 } as const;
    await storeSettled(pool, [row('a', { settledTick: 5, carriedJson, breaker: open }), row('b', { settledTick: 9 })]);
    const moved = { carriedJson: undefined, breaker: undefined };
    await storeSettled(pool, [row('b', { settledTick: 8, ...moved }), row('a', { settledTick: 6, ...moved })]);
    const states = await loadDispatchStates(pool, ['a', 'b']);
    expect(states.get('a')).toMatchObject({ settledTick: 6, breaker: open });
    expect(states.get('a')!.carried.size).toBe(1);
    expect(states.get('b')!.settledTick).toBe(9);
  });

  it('take a row without a breaker for a closed one', async () => {
    await pool.query(`INSERT INTO "agent_dispatch" ("agent_id", "world_id", "shard") VALUES ('a', 'w', 0)`);
    expect((await loadDispatchStates(pool, ['a'])).get('a')).toMatchObject({
      settledTick: -1,
      breaker: CLOSED_BREAKER,
    });
  });

  class FakeLane implements Settleable {
    stored: number[] = [];
    constructor(readonly row: SettledRow) {}
    toStore() {
      const { settledTick } = this.row;
      return this.stored.includes(settledTick)
        ? undefined
        : { row: { ...this.row }, stored: () => void this.stored.push(settledTick) };
    }
  }

  it('of many agents become one statement, and of one agent one row', async () => {
    const statements: (number | null)[] = [];
    const counting = {
      query: async (query: QueryConfig) => {
        const answer = await pool.query(query);
        statements.push(answer.rowCount);
        return answer;
      },
    };
    const settlements = new Settlements(counting as unknown as Pool, quiet);
    const lanes = ['a', 'b', 'c'].map((id) => new FakeLane(row(id)));
    for (const lane of [...lanes, ...lanes]) settlements.add(lane);
    lanes[0]!.row.settledTick = 4;
    await until(() => lanes.every(({ stored }) => stored.length > 0));
    expect([statements, lanes.map(({ stored }) => stored)]).toEqual([[3], [[4], [1], [1]]]);
  });

  it('do not wait for one that the database refuses', async () => {
    const settlements = new Settlements(pool, quiet);
    const lanes = ['a', 'b', 'c', 'd', 'e'].map((id) => new FakeLane(row(id)));
    lanes[2]!.row.carriedJson = 'no json';
    for (const lane of lanes) settlements.add(lane);
    await until(() => lanes.filter(({ stored }) => stored.length > 0).length === 4);
    expect(lanes[2]!.stored).toEqual([]);
    lanes[2]!.row.carriedJson = '[]'; // tried again until it is stored
    await until(() => lanes[2]!.stored.length > 0);
    settlements.close();
  });

  it('are stored later when the database was away', async () => {
    let failures = 2;
    const flaky = {
      query: (query: QueryConfig) =>
        (failures -= 1) >= 0
          ? Promise.reject(Object.assign(new Error('away'), { code: 'ECONNREFUSED' }))
          : pool.query(query),
    };
    const settlements = new Settlements(flaky as unknown as Pool, quiet);
    const lane = new FakeLane(row('a'));
    settlements.add(lane);
    await until(() => lane.stored.length > 0);
    expect((await loadDispatchStates(pool, ['a'])).size).toBe(1);
  });
});
