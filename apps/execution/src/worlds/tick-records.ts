import {
  createEvent,
  derivedId,
  encodeEvent,
  marketQuote,
  marketTick,
  type AgentOrder,
  type AgentTick,
  type EncodedEvent,
  type MarketSnapshot,
  type WorldFacts,
} from '@tickwire/contracts';
import { partitionOfKey } from '@tickwire/event-log';
import { formatDecimal } from '@tickwire/ledger';
import type { AgentTick as ClosedAgent, Company, OrderView, Quote, TickResult } from '@tickwire/market';

/** A record stays below this; a larger shard is told in parts. */
const PART_BYTES = 480_000;

export interface TickContext {
  worldId: string;
  shards: number;
  /** Wall time between ticks, ms; 0 while the clock stands. */
  stepMs: number;
  /** In the order of every tick's quotes. */
  companies: readonly Company[];
}

/** What a closed tick puts on the log: one quote record, and at least one tick record for each shard that has agents. */
export function tickRecords(result: TickResult, context: TickContext): [quote: EncodedEvent, ...EncodedEvent[]] {
  return [quoteRecord(result, context), ...shardRecords(result, context)];
}

function quoteRecord({ tick, closedAtMs, quotes }: TickResult, { worldId, stepMs }: TickContext): EncodedEvent {
  const quoteId = `${worldId}:${tick}`;
  return encodeEvent(
    marketQuote,
    createEvent(marketQuote, {
      id: derivedId(worldId, 'quote', tick),
      source: 'execution',
      subject: worldId,
      timeMs: closedAtMs,
      data: {
        quoteId,
        source: worldId,
        step: tick,
        stepMs,
        quotedAt: new Date(closedAtMs).toISOString(),
        quotes: quotes.map(({ symbol, bidCents, askCents }) => ({
          symbol,
          bid: formatDecimal(bidCents, 2),
          ask: formatDecimal(askCents, 2),
        })),
      },
    }),
  );
}

function shardRecords(result: TickResult, context: TickContext): EncodedEvent[] {
  const { worldId, shards } = context;
  const byShard = new Map<number, AgentTick[]>();
  for (const agent of result.agents) {
    const shard = partitionOfKey(agent.agentId, shards);
    const list = byShard.get(shard);
    if (list) list.push(agentTick(agent));
    else byShard.set(shard, [agentTick(agent)]);
  }
  // A world without agents still shows its market to whoever projects it.
  if (byShard.size === 0) byShard.set(0, []);
  const market = marketSnapshot(result, context.companies);
  const world = worldFacts(result);
  const closedAt = new Date(result.closedAtMs).toISOString();
  return [...byShard].flatMap(([shard, agents]) => {
    const parts = inParts(agents);
    return parts.map((part, index) =>
      encodeEvent(
        marketTick,
        createEvent(marketTick, {
          id: derivedId(worldId, 'tick', `${result.tick}/${shard}/${index + 1}`),
          source: 'execution',
          subject: worldId,
          timeMs: result.closedAtMs,
          data: {
            worldId,
            tick: result.tick,
            shard,
            part: index + 1,
            parts: parts.length,
            closedAt,
            marketOpen: result.marketOpen,
            market,
            world,
            news: [...result.news],
            agents: part,
          },
        }),
      ),
    );
  });
}

function inParts(agents: readonly AgentTick[]): AgentTick[][] {
  const parts: AgentTick[][] = [[]];
  let bytes = 0;
  for (const agent of agents) {
    // Most agents are a few hundred bytes; only the rest is worth measuring.
    const size = isSmall(agent) ? 600 : Buffer.byteLength(JSON.stringify(agent));
    if (bytes + size > PART_BYTES && parts.at(-1)!.length > 0) {
      parts.push([]);
      bytes = 0;
    }
    bytes += size;
    parts.at(-1)!.push(agent);
  }
  return parts;
}

function isSmall({ positions, orders, trades, messages, actionResults, alerts }: AgentTick): boolean {
  return (positions?.length ?? 0) <= 5 && !orders && !trades && !messages && !actionResults && !alerts;
}

function marketSnapshot({ indices, quotes }: TickResult, companies: readonly Company[]): MarketSnapshot {
  return {
    indices: indices.map(({ name, value, change }) => ({ name, value: rounded(value, 2), change: rounded(change, 2) })),
    watchlist: quotes.map((quote, index) => stockQuote(quote, companies[index]!)),
  };
}

function stockQuote(quote: Quote, { name, sector }: Company): MarketSnapshot['watchlist'][number] {
  const change = quote.priceCents - quote.previousCents;
  return {
    symbol: quote.symbol,
    name,
    sector,
    price: dollars(quote.priceCents),
    change: dollars(change),
    changePercent: rounded((change / quote.previousCents) * 100, 4),
    volume: quote.volume,
    high: dollars(quote.highCents),
    low: dollars(quote.lowCents),
    marketCap: dollars(quote.marketCapCents),
  };
}

function worldFacts(result: TickResult): WorldFacts {
  const { tick, marketOpen, interestRate, inflationRate, gdpGrowth, regime, closedAtMs } = result;
  return {
    currentTick: tick,
    marketOpen,
    interestRate: rounded(interestRate, 6),
    inflationRate: rounded(inflationRate, 6),
    gdpGrowth: rounded(gdpGrowth, 6),
    regime,
    lastTickAt: new Date(closedAtMs).toISOString(),
  };
}

/** An agent's part on the wire; empty lists are left out. */
function agentTick(agent: ClosedAgent): AgentTick {
  const { cashCents, marginUsedCents, marginAvailableCents, netWorthCents, positions } = agent.portfolio;
  return {
    agentId: agent.agentId,
    funds: [dollars(cashCents), dollars(marginUsedCents), dollars(marginAvailableCents), dollars(netWorthCents)],
    positions: filled(positions, ({ symbol, shares, costCents }) => [
      symbol,
      shares,
      rounded(costCents / shares / 100, 4),
    ]),
    orders: filled([...agent.orders].reverse(), wireOrder),
    trades: filled(agent.trades, ({ priceCents, createdAtMs, ...trade }) => ({
      ...trade,
      price: dollars(priceCents),
      createdAt: new Date(createdAtMs).toISOString(),
    })),
    messages: filled(agent.messages, ({ createdAtMs, ...message }) => ({
      ...message,
      createdAt: new Date(createdAtMs).toISOString(),
    })),
    alerts: filled(agent.alerts, ({ createdAtMs, acknowledged, ...alert }) => ({
      ...alert,
      createdAt: new Date(createdAtMs).toISOString(),
      acknowledged,
    })),
    actionResults: filled(agent.actionResults, ({ data, ...result }) => ({
      ...result,
      data: data as Record<string, unknown> | undefined,
    })),
  };
}

function wireOrder(order: OrderView): Omit<AgentOrder, 'agentId'> {
  const { id, symbol, side, type, quantity, priceCents, stopCents, status, filledQuantity, filledCents } = order;
  return {
    id,
    symbol,
    side,
    type,
    quantity,
    price: priceCents === undefined ? undefined : dollars(priceCents),
    stopPrice: stopCents === undefined ? undefined : dollars(stopCents),
    status,
    filledQuantity,
    avgFillPrice: filledQuantity > 0 ? rounded(filledCents / filledQuantity / 100, 4) : undefined,
    tickSubmitted: order.tickSubmitted,
    tickFilled: order.tickFilled,
    createdAt: new Date(order.createdAtMs).toISOString(),
  };
}

function filled<A, B>(list: readonly A[], map: (item: A) => B): B[] | undefined {
  return list.length > 0 ? list.map(map) : undefined;
}

function dollars(cents: number): number {
  return cents / 100 + 0;
}

function rounded(value: number, digits: number): number {
  const scale = 10 ** digits;
  return Math.round(value * scale) / scale + 0;
}
