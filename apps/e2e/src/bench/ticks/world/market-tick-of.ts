import type { AgentOrder, AgentTick, MarketTick } from '@tickwire/contracts';
import type { AgentTick as ClosedAgent, Company, OrderView, TickResult } from '@tickwire/market';

export type SharedFacts = Omit<MarketTick, 'shard' | 'part' | 'parts' | 'agents'>;

/**
 * What a closed tick tells every agent, as execution puts it on the log.
 * @param companies in the order of the tick's quotes
 */
export function sharedFacts(result: TickResult, worldId: string, companies: readonly Company[]): SharedFacts {
  const { tick, marketOpen, regime, news } = result;
  const closedAt = instant(result.closedAtMs);
  return {
    worldId,
    tick,
    closedAt,
    marketOpen,
    market: {
      indices: result.indices.map(({ name, value, change }) => ({
        name,
        value: rounded(value, 2),
        change: rounded(change, 2),
      })),
      watchlist: result.quotes.map((quote, index) => {
        const { name, sector } = companies[index]!;
        const changeCents = quote.priceCents - quote.previousCents;
        return {
          symbol: quote.symbol,
          name,
          sector,
          price: dollars(quote.priceCents),
          change: dollars(changeCents),
          changePercent: rounded((changeCents / quote.previousCents) * 100, 4),
          volume: quote.volume,
          high: dollars(quote.highCents),
          low: dollars(quote.lowCents),
          marketCap: dollars(quote.marketCapCents),
        };
      }),
    },
    world: {
      currentTick: tick,
      marketOpen,
      interestRate: rounded(result.interestRate, 6),
      inflationRate: rounded(result.inflationRate, 6),
      gdpGrowth: rounded(result.gdpGrowth, 6),
      regime,
      lastTickAt: closedAt,
    },
    news: [...news],
  };
}

/** An agent's part of a tick, as execution puts it on the log: empty lists are left out. */
export function privatePart(agent: ClosedAgent): AgentTick {
  const { cashCents, marginUsedCents, marginAvailableCents, netWorthCents, positions } = agent.portfolio;
  return {
    agentId: agent.agentId,
    funds: [dollars(cashCents), dollars(marginUsedCents), dollars(marginAvailableCents), dollars(netWorthCents)],
    positions: filled(positions, ({ symbol, shares, costCents }) => [
      symbol,
      shares,
      rounded(costCents / shares / 100, 4),
    ]),
    orders: filled(agent.orders.toReversed(), orderOf),
    trades: filled(agent.trades, ({ priceCents, createdAtMs, ...trade }) => ({
      ...trade,
      price: dollars(priceCents),
      createdAt: instant(createdAtMs),
    })),
    messages: filled(agent.messages, ({ createdAtMs, ...message }) => ({
      ...message,
      createdAt: instant(createdAtMs),
    })),
    alerts: filled(agent.alerts, ({ createdAtMs, acknowledged, ...alert }) => ({
      ...alert,
      createdAt: instant(createdAtMs),
      acknowledged,
    })),
    actionResults: filled(agent.actionResults, ({ data, ...result }) => ({
      ...result,
      data: data as Record<string, unknown> | undefined,
    })),
  };
}

function orderOf(order: OrderView): Omit<AgentOrder, 'agentId'> {
  const { priceCents, stopCents, filledQuantity, filledCents } = order;
  return {
    id: order.id,
    symbol: order.symbol,
    side: order.side,
    type: order.type,
    quantity: order.quantity,
    price: priceCents === undefined ? undefined : dollars(priceCents),
    stopPrice: stopCents === undefined ? undefined : dollars(stopCents),
    status: order.status,
    filledQuantity,
    avgFillPrice: filledQuantity > 0 ? rounded(filledCents / filledQuantity / 100, 4) : undefined,
    tickSubmitted: order.tickSubmitted,
    tickFilled: order.tickFilled,
    createdAt: instant(order.createdAtMs),
  };
}

function filled<A, B>(list: readonly A[], map: (item: A) => B): B[] | undefined {
  return list.length > 0 ? list.map(map) : undefined;
}

function instant(ms: number): string {
  return new Date(ms).toISOString();
}

/** Never -0: JSON writes it as 0. */
function dollars(cents: number): number {
  return cents / 100 + 0;
}

function rounded(value: number, digits: number): number {
  const scale = 10 ** digits;
  return Math.round(value * scale) / scale + 0;
}
