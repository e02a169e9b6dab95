import fc from 'fast-check';
import { Draws } from '../random.js';
import { StateHash } from './state-hash.js';
import type { Role } from '../agents/agent.js';
import { Scenario } from './scenario.js';
import { restoreWorld, World, type TickInput } from './world.js';
import { readSnapshot } from './snapshot.js';
import { hashState } from './world-state.js';

const ROLES: Role[] = ['hedge_fund_manager', 'quant', 'ceo', 'influencer', 'retail_trader'];

/** Agents that trade without sense: every kind of order, at and off the market, on few companies. */
function actionsFor(scenario: Scenario, agentId: string, draws: Draws): unknown[] {
  return Array.from({ length: 10 }, () => {
    const quote = scenario.last.quotes[draws.below(scenario.last.quotes.length)] ?? scenario.quote;
    const { symbol } = quote;
    const quantity = 1 + Math.floor(draws.unit() ** 4 * 3_000);
    const price = Math.max(1, Math.round(quote.priceCents * (0.98 + 0.04 * draws.unit()))) / 100;
    const type = (['BUY', 'SELL', 'SHORT', 'COVER'] as const)[draws.below(4)];
    const own = scenario.agent(agentId).orders;
    switch (draws.below(6)) {
      case 0:
        return { type: 'CANCEL_ORDER', orderId: own[draws.below(own.length + 1)]?.id };
      case 1:
        return { type, payload: { symbol, quantity, orderType: 'STOP', stopPrice: price } };
      case 2:
      case 3:
        return { type, payload: { symbol, quantity, orderType: 'LIMIT', price } };
      default:
        return { type, symbol, quantity };
    }
  });
}

function crowdedScenario(seed: string): { scenario: Scenario; act: (tick: number) => void } {
  const agents = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`a${index}`, ROLES[index % 5] ?? 'ceo']));
  const scenario = new Scenario(
    { seed, companies: 4, openTicks: 12, closedTicks: 3, feeBps: 2, maintenanceMargin: 0.6 },
    agents,
  );
  const key = new StateHash().text(seed).finish();
  return {
    scenario,
    act: (tick) => {
      const draws = new Draws(key, tick);
      for (const agentId of Object.keys(agents)) scenario.answer(agentId, ...actionsFor(scenario, agentId, draws));
      // Now and then the market moves hard, so that accounts fail and stops trigger.
      if (tick % 20 === 0) scenario.movePrice([0.4, 0.8, 1.2, 2.5][draws.below(4)] ?? 1);
      scenario.step();
    },
  };
}

describe('conservation', () => {
  it('keeps the sums of cash and shares, and no cash below zero, over a hundred thousand random actions', () => {
    const { scenario, act } = crowdedScenario('conservation');
    const totals = scenario.world.totals();
    const { state } = scenario;
    expect(totals.shares).toEqual(scenario.world.companies().map(({ sharesOutstanding }) => sharesOutstanding));
    const seen = new Set<string>();
    for (let tick = 0; tick < 500; tick += 1) {
      act(tick);
      expect(scenario.world.totals()).toEqual(totals);
      for (const account of [...state.agents.values(), state.house.maker, state.house.crowd]) {
        expect(Math.min(account.cashCents, account.loanCents)).toBeGreaterThanOrEqual(0);
      }
      for (const listing of state.listings) {
        const { bidSteps, askSteps } = listing.book.best();
        expect((bidSteps ?? 0) < (askSteps ?? Infinity)).toBe(true);
        for (const house of [state.house.maker, state.house.crowd]) {
          expect(house.positions.get(listing.index)?.shares ?? 0).toBeGreaterThanOrEqual(0);
        }
      }
      for (const agent of scenario.last.agents) {
        for (const { success, action, message } of agent.actionResults) seen.add(success ? action : (message ?? ''));
        for (const alert of agent.alerts) seen.add(alert.type);
      }
    }
    // The run means something only when it went through all of these.
    for (const event of [
      'BUY',
      'SELL',
      'SHORT',
      'COVER',
      'CANCEL_ORDER',
      'margin_call',
      'bankruptcy',
      'order_filled',
    ]) {
      expect(seen).toContain(event);
    }
  }, 60_000);

  it('holds for each agent exactly what its open orders may cost', () => {
    const { scenario, act } = crowdedScenario('holds');
    for (let tick = 0; tick < 60; tick += 1) act(tick);
    for (const agent of scenario.state.agents.values()) {
      const held = new Map<number, { buyLots: number; buyCents: number; sellLots: number }>();
      for (const order of agent.orders.values()) {
        const sums = held.get(order.company) ?? { buyLots: 0, buyCents: 0, sellLots: 0 };
        const lots = order.quantity - order.filledQuantity;
        if (order.side === 'BUY') sums.buyLots += lots;
        if (order.side === 'BUY') sums.buyCents += lots * order.holdCents;
        if (order.side === 'SELL') sums.sellLots += lots;
        held.set(order.company, sums);
      }
      for (const [company, { buyLots, buyCents, sellLots }] of agent.positions) {
        expect({ buyLots, buyCents, sellLots }).toEqual(held.get(company) ?? { buyLots: 0, buyCents: 0, sellLots: 0 });
      }
    }
  });
});

describe('snapshots', () => {
  it('continue with the same hash and the same future, books and waiting orders included', () => {
    const { scenario, act } = crowdedScenario('snapshot');
    for (let tick = 0; tick < 47; tick += 1) {
      act(tick);
      const restored = restoreWorld(scenario.world.snapshot());
      expect(restored.hash()).toBe(scenario.last.hash);
      expect(restored.snapshot()).toBe(scenario.world.snapshot());
      for (const { symbol } of scenario.last.quotes) {
        expect(restored.orderBook(symbol, 50)).toEqual(scenario.world.orderBook(symbol, 50));
      }
    }
    const restored = restoreWorld(scenario.world.snapshot());
    const draws = new Draws({ a: 1, b: 2 }, 1);
    for (let tick = 0; tick < 30; tick += 1) {
      const input: TickInput = {
        closedAtMs: 1_000_000 + tick,
        controls: [],
        actions: [...scenario.state.agents.keys()].map((agentId) => ({
          agentId,
          tick: scenario.last.tick,
          channel: 'callback',
          actions: actionsFor(scenario, agentId, draws),
        })),
      };
      const result = scenario.world.step(input);
      expect(restored.step(input)).toEqual(result);
      scenario.last = result;
    }
  });

  it('hold nothing that the hash does not see: every value that is changed changes it', () => {
    const { scenario, act } = crowdedScenario('mutation');
    for (let tick = 0; tick < 14; tick += 1) act(tick);
    const snapshot: unknown = JSON.parse(scenario.world.snapshot());
    const paths = [...leaves(snapshot, [])];
    expect(paths.length).toBeGreaterThan(1_000);
    const rest = fc.sample(fc.constantFrom(...paths), { numRuns: 600, seed: 7 });
    const kinds = new Map(paths.map((path) => [path.filter((key) => typeof key === 'string').join('.'), path]));
    for (const path of [...kinds.values(), ...rest]) {
      const changed = structuredClone(snapshot);
      if (!change(changed, path)) continue;
      let hash: string;
      try {
        const state = readSnapshot(JSON.stringify(changed));
        new World(state);
        hash = hashState(state);
      } catch {
        continue; // Refused outright: nobody continues from it.
      }
      expect([path.join('.'), hash]).not.toEqual([path.join('.'), scenario.last.hash]);
    }
  }, 60_000);
});

function* leaves(value: unknown, path: (string | number)[]): Generator<(string | number)[]> {
  if (typeof value !== 'object' || value === null) return yield path;
  for (const [key, child] of Object.entries(value))
    yield* leaves(child, [...path, Array.isArray(value) ? Number(key) : key]);
}

/** Changes the value at a path a little. @returns false where the value has no other meaning */
function change(root: unknown, path: (string | number)[]): boolean {
  const parent = path
    .slice(0, -1)
    .reduce<unknown>((value, key) => (value as Record<string | number, unknown>)[key], root);
  const key = path.at(-1) ?? '';
  const holder = parent as Record<string | number, unknown>;
  const value = holder[key];
  if (typeof value === 'number') holder[key] = value + (Number.isInteger(value) ? 1 : 0.001);
  else if (typeof value === 'boolean') holder[key] = !value;
  else if (typeof value === 'string') holder[key] = SWAPS[value] ?? `${value}x`;
  else return false;
  return true;
}

/** Another valid value for texts that are not free. */
const SWAPS: Readonly<Record<string, string>> = {
  BUY: 'SELL',
  SELL: 'BUY',
  LIMIT: 'STOP',
  STOP: 'LIMIT',
  open: 'partial',
  partial: 'open',
  active: 'bankrupt',
  bankrupt: 'active',
  quant: 'ceo',
};
