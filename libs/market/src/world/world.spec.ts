import { createWorld, restoreWorld } from './world.js';
import { Scenario } from './scenario.js';

describe('a world', () => {
  it('is a function of its settings and inputs', () => {
    const run = (seed: string): string[] => {
      const scenario = new Scenario({ seed }, { ann: 'quant' });
      const hashes = [scenario.last.hash];
      for (let tick = 0; tick < 20; tick += 1) {
        scenario.answer('ann', { type: 'BUY', symbol: scenario.symbol, quantity: 10 + tick });
        hashes.push(scenario.step().hash);
      }
      return hashes;
    };
    expect(run('a')).toEqual(run('a'));
    expect(run('a')).not.toEqual(run('b'));
    expect(new Set(run('a')).size).toBe(21);
  });

  it('shows every company each tick in one order, two-sided, also while closed', () => {
    const scenario = new Scenario({ companies: 100, openTicks: 5, closedTicks: 3 });
    const symbols = scenario.world.companies().map(({ symbol }) => symbol);
    let closed = 0;
    for (let tick = 0; tick < 24; tick += 1) {
      const { quotes, marketOpen } = scenario.step();
      closed += marketOpen ? 0 : 1;
      expect(quotes.map(({ symbol }) => symbol)).toEqual(symbols);
      for (const quote of quotes) {
        expect(quote.bidCents).toBeGreaterThanOrEqual(1);
        expect(quote.bidCents).toBeLessThan(quote.askCents);
        expect(quote.lowCents).toBeLessThanOrEqual(quote.priceCents);
        expect(quote.highCents).toBeGreaterThanOrEqual(quote.priceCents);
        expect(quote.volume > 0).toBe(marketOpen);
      }
    }
    expect(closed).toBe(9);
  });

  it('is open while the tick modulo the day is below the open ticks', () => {
    const scenario = new Scenario({ openTicks: 3, closedTicks: 2 });
    const open = [scenario.last.marketOpen];
    for (let tick = 2; tick <= 11; tick += 1) open.push(scenario.step().marketOpen);
    expect(open.map(Number).join('')).toBe('11001110011');
  });

  it('reports indices that follow capitalisation from 1000', () => {
    const scenario = new Scenario({ companies: 20 });
    const [market] = scenario.last.indices;
    expect(market?.name).toBe('market');
    expect(Math.abs((market?.value ?? 0) - 1000)).toBeLessThan(20);
    const before = market?.value ?? 0;
    const after = scenario.step().indices[0];
    expect(after?.change).toBeCloseTo((after?.value ?? 0) - before, 2);
  });

  it('registers an agent once, with its role’s capital, in its stable shard', () => {
    const scenario = new Scenario({}, { ann: 'hedge_fund_manager' });
    scenario.step([{ type: 'agent-registered', agentId: 'ann', role: 'quant', name: 'Ann again' }]);
    scenario.step([{ type: 'agent-registered', agentId: '@market-maker', role: 'quant', name: 'impostor' }]);
    expect(scenario.last.agents).toHaveLength(1);
    expect(scenario.agent('ann').portfolio).toEqual({
      cashCents: 10_000_000_000,
      marginUsedCents: 0,
      marginAvailableCents: 10_000_000_000,
      netWorthCents: 10_000_000_000,
      loanCents: 0,
      positions: [],
    });
  });

  it('remembers pause, resume and speed without changing prices', () => {
    const scenario = new Scenario();
    const twin = new Scenario();
    scenario.step([{ type: 'paused' }, { type: 'speed', tickMs: 50 }, { type: 'stepped', ticks: 3 }]);
    twin.step();
    expect(scenario.world.info()).toMatchObject({ paused: true, tickMs: 50, tick: 2 });
    expect(scenario.last.quotes).toEqual(twin.last.quotes);
    expect(scenario.last.hash).not.toBe(twin.last.hash);
    scenario.step([{ type: 'resumed' }, { type: 'speed', tickMs: 1 }]);
    expect(scenario.world.info()).toMatchObject({ paused: false, tickMs: 50 });
  });

  it('draws a company’s prices from its own stream: more agents do not shift them', () => {
    const alone = new Scenario({}, { ann: 'quant' });
    const crowded = new Scenario({}, { ann: 'quant', bob: 'ceo', cat: 'influencer' });
    for (let tick = 0; tick < 10; tick += 1) expect(crowded.step().quotes).toEqual(alone.step().quotes);
  });

  it('refuses settings out of range and snapshots of another engine', () => {
    expect(() => createWorld({ worldId: 'w', seed: 1, companies: 0 })).toThrow('companies');
    expect(() => createWorld({ worldId: 'w', seed: 1, tickMs: 5 })).toThrow('tickMs');
    const snapshot = createWorld({ worldId: 'w', seed: 1, companies: 2 }).snapshot();
    expect(() => restoreWorld(snapshot.replace('"engineVersion":1', '"engineVersion":0'))).toThrow('engine version');
  });
});
