import fc from 'fast-check';
import { composeTickBody, expandTick, prepareTick, TICK_BODY_BUDGET_BYTES, type CarriedItem } from './tick-body.js';
import type { AgentTick, NewsArticle, SharedTick } from './tick-webhook.js';
import { marketTick } from './market-tick.event.js';

const at = '2026-11-22T08:00:00.000Z';

function sharedTick(companies = 100, news: NewsArticle[] = []): SharedTick {
  const { market, world, tick, closedAt } = marketTick.sample;
  const watchlist = Array.from({ length: companies }, (_, i) => ({
    ...market.watchlist[0]!,
    symbol: `S${i}`,
    price: 100 + i / 100,
  }));
  return { tick, closedAt, market: { indices: market.indices, watchlist }, world, news };
}

const text = fc.string({ unit: fc.constantFrom('a', 'é', '漢', '😀', '"', '\\', '\u0000', '\u2028'), maxLength: 500 });
const result = fc.record({ id: fc.string(), action: text, success: fc.boolean(), message: text });
const message = fc.record({
  id: fc.string(),
  fromAgentId: fc.string(),
  toAgentId: fc.string(),
  content: text,
  tick: fc.nat(),
  createdAt: fc.constant(at),
});
const price = fc.integer({ min: 1, max: 100_000_000 }).map((cents) => cents / 100);
const agentTick: fc.Arbitrary<AgentTick> = fc.record({
  agentId: fc.string({ minLength: 1 }),
  funds: fc.tuple(price, price, price, price),
  positions: fc.array(
    fc.tuple(
      fc.nat(99).map((n) => `S${n}`),
      fc.integer({ min: -1e6, max: 1e6 }),
      price,
    ),
    { maxLength: 100 },
  ),
  messages: fc.array(message, { maxLength: 100 }),
  actionResults: fc.array(result, { maxLength: 100 }),
});

describe('the tick body', () => {
  it('is what JSON.stringify makes of its own parse, and is the expanded tick when nothing is cut', () => {
    fc.assert(
      fc.property(agentTick, (agent) => {
        const shared = sharedTick(20);
        const { body, cut } = composeTickBody(prepareTick(shared), agent, [], at);
        expect(JSON.stringify(JSON.parse(body))).toBe(body);
        if (Object.values(cut).every((count) => count === 0)) {
          expect(body).toBe(JSON.stringify(expandTick(shared, agent, at)));
        }
      }),
      { numRuns: 60 },
    );
  });

  it('stays below its budget with every list at its maximum, and says what it left out', () => {
    const long = '漢'.repeat(500);
    const order = marketTick.sample.agents[0]!.orders![0]!;
    const agent: AgentTick = {
      agentId: 'agt_1',
      funds: [1, 2, 3, 4],
      positions: Array.from({ length: 100 }, (_, i) => [`S${i}`, -1_000_000, 123.45]),
      orders: Array.from({ length: 200 }, (_, i) => ({ ...order, id: `ord_${i}` })),
      messages: Array.from({ length: 100 }, (_, i) => ({
        id: `m${i}`,
        fromAgentId: 'a',
        toAgentId: 'b',
        content: long,
        tick: 1,
        createdAt: at,
      })),
      actionResults: Array.from({ length: 100 }, (_, i) => ({
        id: `r${i}`,
        action: 'BUY',
        success: false,
        message: 'LIMIT_EXCEEDED',
      })),
    };
    const news: NewsArticle[] = Array.from({ length: 50 }, (_, i) => ({
      id: `n${i}`,
      tick: 1,
      headline: long,
      category: 'market',
      sentiment: 0,
      agentIds: [],
      symbols: [],
      createdAt: at,
      isBreaking: i === 49,
    }));
    const carried: CarriedItem[] = agent.messages!.map((item) => ({ list: 'messages', item }));
    const { body, cut } = composeTickBody(prepareTick(sharedTick(100, news)), agent, carried, at);
    expect(Buffer.byteLength(body)).toBeLessThanOrEqual(TICK_BODY_BUDGET_BYTES);
    const parsed = JSON.parse(body) as ReturnType<typeof expandTick>;
    expect(parsed.actionResults).toHaveLength(100);
    expect(parsed.orders).toHaveLength(60);
    expect(parsed.news[0]!.id).toBe('n49');
    expect(cut.messages + cut.carried).toBeGreaterThan(0);
    expect(parsed.alerts.at(-1)).toMatchObject({ type: 'payload_cut', severity: 'info' });
  });

  it('puts carried items before those of this tick', () => {
    const agent: AgentTick = {
      agentId: 'agt_1',
      funds: [1, 0, 1, 1],
      actionResults: [{ id: 'new', action: 'BUY', success: true }],
    };
    const carried: CarriedItem[] = [{ list: 'actionResults', item: { id: 'old', action: 'SELL', success: true } }];
    const { body } = composeTickBody(prepareTick(sharedTick(1)), agent, carried, at);
    expect((JSON.parse(body) as { actionResults: { id: string }[] }).actionResults.map(({ id }) => id)).toEqual([
      'old',
      'new',
    ]);
  });
});
