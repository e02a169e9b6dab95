import fc from 'fast-check';
import {
  composeTick,
  composeTickBody,
  expandTick,
  prepareTick,
  TICK_BODY_BUDGET_BYTES,
  tickParts,
  tickText,
  type CarriedItem,
} from './tick-body.js';
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

function article(id: string): NewsArticle {
  return {
    id,
    tick: 1,
    headline: 'h',
    category: 'market',
    sentiment: 0,
    agentIds: [],
    symbols: [],
    createdAt: at,
  };
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

  it('is the same in bytes as in text, with what was carried and where much is cut, and takes no longer than it is', () => {
    const news: NewsArticle[] = [{ ...article('n1'), headline: 'Überraschung: 漢字 😀' }];
    const carriedItem: fc.Arbitrary<CarriedItem> = fc.oneof(
      result.map((item): CarriedItem => ({ list: 'actionResults', item })),
      message.map((item): CarriedItem => ({ list: 'messages', item })),
    );
    let cuts = 0;
    fc.assert(
      fc.property(
        agentTick,
        fc.array(carriedItem, { maxLength: 20 }),
        fc.constantFrom(1, 600),
        (agent, carried, times) => {
          const repeated = Array.from({ length: times }, () => agent.messages!).flat();
          const composed = composeTick(
            prepareTick(sharedTick(20, news)),
            { ...agent, messages: repeated.slice(0, 3_000) },
            carried,
            at,
          );
          const bytes = Buffer.concat(tickParts(composed).map((part) => Buffer.from(part as string)));
          const text = tickText(composed);
          expect(bytes.equals(Buffer.from(text))).toBe(true);
          expect(bytes.length).toBe(composed.bytes);
          expect(bytes.length).toBeLessThanOrEqual(TICK_BODY_BUDGET_BYTES);
          expect(JSON.stringify(JSON.parse(text))).toBe(text);
          if (composed.cut.messages > 0) cuts += 1;
        },
      ),
      { numRuns: 60 },
    );
    expect(cuts).toBeGreaterThan(0);
  });

  it('takes an item that fills its budget to the last byte, and cuts one that is a byte longer', () => {
    const shared = sharedTick(1);
    const agent: AgentTick = { agentId: 'agt_1', funds: [1, 0, 1, 1] };
    const withMessage = (length: number) =>
      composeTick(
        prepareTick(shared),
        {
          ...agent,
          messages: [
            { id: 'm', fromAgentId: 'a', toAgentId: 'b', content: 'x'.repeat(length), tick: 1, createdAt: at },
          ],
        },
        [],
        at,
      );
    let [fits, cut] = [0, TICK_BODY_BUDGET_BYTES];
    while (cut - fits > 1) {
      const length = Math.floor((fits + cut) / 2);
      if (withMessage(length).cut.messages === 0) fits = length;
      else cut = length;
    }
    // Room is kept for the notice of a cut: what fits leaves it free.
    expect(withMessage(fits).bytes).toBeGreaterThan(TICK_BODY_BUDGET_BYTES - 500);
    expect(withMessage(fits).bytes).toBeLessThanOrEqual(TICK_BODY_BUDGET_BYTES - 400);
    expect(withMessage(fits + 1).cut.messages).toBe(1);
    expect(withMessage(fits + 1).bytes).toBeLessThan(withMessage(fits).bytes);
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
    const news = Array.from({ length: 50 }, (_, i) => ({
      ...article(`n${i}`),
      headline: long,
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
