import { marketQuote, marketTick } from '@tickwire/contracts';
import type { Queryable } from '@tickwire/event-log';
import type { RunningApp } from '@tickwire/runtime';
import { eventsOn, eventually, testHost, type TestHost } from '@tickwire/testing';
import { answer, control, created, registered, stepped } from '../../fixtures/world-records.js';
import { ExecutionConfig } from '../execution.config.js';
import { startExecution } from '../start-execution.js';
import { loadHeads, rebuildWorld } from './world-store.js';

describe('worlds', () => {
  let host: TestHost;
  let app: RunningApp;
  const config = Object.assign(new ExecutionConfig(), { ROLE: 'worlds', SNAPSHOT_EVERY_TICKS: 4 });
  const ticks = async () => (await eventsOn(host.log, marketTick)).map(({ data }) => data);
  const head = async () =>
    (await host.pool.query<{ tick: number; hash: string }>('SELECT "tick", "hash" FROM "world_state"')).rows[0];
  const reach = (tick: number) => eventually(head, (row) => row !== undefined && Number(row.tick) >= tick);
  const agentAt = async (tick: number, agentId = 'agt_a') =>
    (await ticks())
      .filter((each) => each.tick === tick)
      .flatMap((each) => each.agents)
      .find((agent) => agent.agentId === agentId);

  beforeEach(async () => {
    host = await testHost('execution');
    app = await startExecution(config, host);
  });

  afterEach(async () => {
    await app.stop();
    await host.close();
  });

  it('ticks by its clock and tells quotes of every company, and each agent its part', async () => {
    await host.log.append([created(30), registered('agt_a'), registered('agt_b')]);
    await reach(3);
    const quotes = (await eventsOn(host.log, marketQuote)).map(({ data }) => data);
    expect(quotes[0]).toMatchObject({ source: 'wld_spec', step: 1, stepMs: 30 });
    expect(quotes[0]!.quotes).toHaveLength(20);
    for (const { bid, ask } of quotes[0]!.quotes) expect(Number(bid)).toBeLessThan(Number(ask));
    const part = await agentAt(2);
    expect(part!.funds[0]).toBe(50_000_000);
    const shared = (await ticks())[0]!;
    expect(shared.market.watchlist).toHaveLength(20);
    expect(shared.world).toMatchObject({
      currentTick: shared.tick,
      marketOpen: true,
      regime: expect.any(String) as string,
    });
  });

  it('applies an answer to tick N in N+1 and tells its results there', async () => {
    await host.log.append([created(0), registered('agt_a'), stepped()]);
    await reach(1);
    const symbol = (await ticks())[0]!.market.watchlist[0]!.symbol;
    await host.log.append([
      answer('agt_a', 1, [
        { type: 'BUY', payload: { symbol, quantity: 5 } },
        { type: 'CANCEL_ORDER', payload: { orderId: 'none' } },
        null,
      ]),
    ]);
    await host.log.append([stepped()]);
    await reach(2);
    const part = await agentAt(2);
    expect(part!.actionResults!.map(({ action, success }) => [action, success])).toEqual([
      ['BUY', true],
      ['CANCEL_ORDER', false],
      ['UNKNOWN', false],
    ]);
    expect(part!.positions).toEqual([[symbol, 5, expect.any(Number)]]);
    expect(part!.trades).toHaveLength(1);
  });

  it('stands still while paused, and by hand takes exactly the steps it was told', async () => {
    await host.log.append([created(20)]);
    await reach(2);
    await host.log.append([control({ command: 'paused' })]);
    await eventually(
      async () => (await eventsOn(host.log, marketQuote)).at(-1)!.data.stepMs,
      (stepMs) => stepMs === 0,
    );
    const { tick } = (await head())!;
    await host.log.append([stepped(3)]);
    await reach(Number(tick) + 3);
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(Number((await head())!.tick)).toBe(Number(tick) + 3);
    await host.log.append([control({ command: 'resumed' })]);
    await reach(Number(tick) + 6);
  });

  it('goes on after a restart from the tick it was at, and replays from tick 0 to the recorded hash at every tick', async () => {
    await host.log.append([created(15), registered('agt_a')]);
    for (let round = 0; round < 3; round += 1) {
      const at = Number((await reach(1))!.tick);
      await reach(at + 5);
      await app.stop();
      const stopped = Number((await head())!.tick);
      app = await startExecution(config, host);
      await reach(stopped + 2);
    }
    await app.stop();
    const db = host.pool as unknown as Queryable;
    const [stored] = await loadHeads(
      db,
      Array.from({ length: 12 }, (_, n) => n),
    );
    const { world } = await rebuildWorld(db, stored!, true);
    expect(world.hash()).toBe(stored!.hash);
    const { rows } = await host.pool.query<{ tick: number }>('SELECT "tick" FROM "world_input" ORDER BY "tick"');
    expect(rows.map((row) => Number(row.tick))).toEqual(Array.from({ length: stored!.tick }, (_, n) => n + 1));
    const told = [...new Set((await ticks()).map((each) => each.tick))];
    expect(told).toEqual(rows.map((row) => Number(row.tick)));
    app = await startExecution(config, host);
  });

  it('lets a second owner take over without a tick closed twice', async () => {
    await host.log.append([created(20), registered('agt_a')]);
    await reach(2);
    const second = await host.another();
    const other = await startExecution(config, second);
    await app.stop();
    const at = Number((await head())!.tick);
    await reach(at + 3);
    await other.stop();
    const all = (await eventsOn(host.log, marketQuote)).map(({ data }) => data.step);
    expect(all).toEqual(Array.from({ length: all.length }, (_, n) => n + 1));
    await second.close();
    app = await startExecution(config, host);
  });
});
