import type { Agent } from '../agents/agent.js';
import { SECTORS } from '../prices/company.js';
import type { Exchange } from '../trading/exchange.js';
import type { Listing } from '../trading/listing.js';
import { leavesQuantity, type Order } from '../trading/order.js';
import { assess } from '../trading/margin.js';
import type { AgentTick, MarketIndex, OrderView, Portfolio, Quote, TickResult } from './tick-result.js';

const NOTHING: readonly never[] = Object.freeze([]);
/** All indices at tick 0. */
const INDEX_BASE = 1000;

/** Puts together what the closed tick has to say, without its hash. Changes nothing. */
export function composeTick(exchange: Exchange): Omit<TickResult, 'hash'> {
  const { tick, closedAtMs, economy, listings, agents } = exchange.state;
  const symbols = listings.map(({ company }) => company.symbol);
  return {
    tick,
    closedAtMs,
    marketOpen: exchange.open,
    regime: economy.regime,
    interestRate: toSixDigits(economy.interestRate),
    inflationRate: toSixDigits(economy.inflationRate),
    gdpGrowth: toSixDigits(economy.gdpGrowth),
    indices: composeIndices(listings),
    quotes: listings.map(composeQuote),
    news: NOTHING,
    agents: Array.from(agents.values(), (agent) => composeAgent(exchange, agent, symbols)),
  };
}

function composeQuote({ company, quoted, today }: Listing): Quote {
  const { priceCents, bidCents, askCents } = quoted;
  return {
    symbol: company.symbol,
    priceCents,
    previousCents: today.previousCents,
    bidCents,
    askCents,
    volume: today.volume,
    highCents: Math.max(today.highCents, priceCents),
    lowCents: Math.min(today.lowCents, priceCents),
    marketCapCents: priceCents * company.sharesOutstanding,
  };
}

function composeIndices(listings: readonly Listing[]): MarketIndex[] {
  const names = ['market', ...SECTORS.map(({ sector }) => sector)];
  const sums = new Map(names.map((name) => [name, { base: 0, previous: 0, now: 0 }]));
  for (const { company, quoted, today } of listings) {
    for (const name of ['market', company.sector]) {
      const sum = sums.get(name);
      if (sum === undefined) continue;
      sum.base += company.sharesOutstanding * company.basePriceCents;
      sum.previous += company.sharesOutstanding * today.previousCents;
      sum.now += company.sharesOutstanding * quoted.priceCents;
    }
  }
  const indices: MarketIndex[] = [];
  for (const [name, { base, previous, now }] of sums) {
    if (base === 0) continue;
    const value = toTwoDigits((INDEX_BASE * now) / base);
    indices.push({ name, value, change: toTwoDigits(value - toTwoDigits((INDEX_BASE * previous) / base)) });
  }
  return indices;
}

function composeAgent(exchange: Exchange, agent: Agent, symbols: readonly string[]): AgentTick {
  const { tick } = exchange.state;
  const today = agent.today?.tick === tick ? agent.today : undefined;
  return {
    agentId: agent.id,
    shard: agent.shard,
    portfolio: composePortfolio(exchange, agent, symbols),
    orders: composeOrders(agent, today?.endedOrders ?? NOTHING, symbols),
    trades: today?.trades ?? NOTHING,
    actionResults: today?.results ?? NOTHING,
    messages: today?.messages ?? NOTHING,
    alerts: today?.alerts ?? NOTHING,
    investigations: NOTHING,
  };
}

function composePortfolio(exchange: Exchange, agent: Agent, symbols: readonly string[]): Portfolio {
  const { marks } = exchange;
  const { equityCents, marginUsedCents } = agent.standing ?? assess(agent, agent.leverage, marks);
  const marginAvailableCents = Math.max(0, equityCents - marginUsedCents);
  const positions: Portfolio['positions'][number][] = [];
  for (const { company, shares, costCents } of agent.positions.values()) {
    if (shares === 0) continue;
    positions.push({ symbol: symbols[company] ?? '', shares, costCents, priceCents: marks[company] ?? 0 });
  }
  const { cashCents, loanCents } = agent;
  return { cashCents, marginUsedCents, marginAvailableCents, netWorthCents: equityCents, loanCents, positions };
}

function composeOrders(agent: Agent, ended: readonly Order[], symbols: readonly string[]): readonly OrderView[] {
  if (agent.orders.size === 0 && ended.length === 0) return NOTHING;
  const views: OrderView[] = [];
  for (const order of agent.orders.values()) views.push(viewOf(agent, order, symbols));
  for (const order of ended) views.push(viewOf(agent, order, symbols));
  return views;
}

/** The published form of an order, made once for each of its states. */
function viewOf(agent: Agent, order: Order, symbols: readonly string[]): OrderView {
  order.view ??= {
    id: order.id,
    agentId: agent.id,
    symbol: symbols[order.company] ?? '',
    side: order.side,
    type: order.type,
    quantity: order.quantity,
    ...(order.priceCents === undefined ? {} : { priceCents: order.priceCents }),
    ...(order.stopCents === undefined ? {} : { stopCents: order.stopCents }),
    status: order.status,
    filledQuantity: order.filledQuantity,
    filledCents: order.filledCents,
    tickSubmitted: order.tickSubmitted,
    ...(order.tickFilled === undefined || leavesQuantity(order) > 0 ? {} : { tickFilled: order.tickFilled }),
    createdAtMs: order.createdAtMs,
  };
  return order.view;
}

function toSixDigits(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}

function toTwoDigits(value: number): number {
  return Math.round(value * 100) / 100 + 0;
}
