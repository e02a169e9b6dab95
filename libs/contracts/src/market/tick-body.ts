import type {
  ActionResult,
  AgentAlert,
  AgentMessage,
  AgentPortfolio,
  AgentTick,
  AgentOrder,
  InvestigationAlert,
  NewsArticle,
  SharedTick,
  TickWebhook,
} from './tick-webhook.js';

/** Of the whole body, UTF-8. Real agents refuse 100 kB; the difference is room for headers and growth. */
export const TICK_BODY_BUDGET_BYTES = 96_000;
const NEWS_BUDGET_BYTES = 8_000;
const MOST_ORDERS = 60;
const MOST_TRADES = 30;
/** Room kept for the one alert that tells what was cut. */
const NOTICE_BYTES = 400;

/** What an earlier callback could not hand over, oldest first. */
export type CarriedItem =
  | { list: 'actionResults'; item: ActionResult }
  | { list: 'messages'; item: AgentMessage }
  | { list: 'alerts'; item: AgentAlert }
  | { list: 'investigations'; item: InvestigationAlert };

/** The shared part, serialised once per tick. */
export interface PreparedTick {
  shared: SharedTick;
  prices: ReadonlyMap<string, number>;
  indicesJson: string;
  watchlistJson: string;
  worldJson: string;
  newsJson: string;
  /** UTF-8 length of all of them and of the body's own punctuation. */
  bytes: number;
}

export interface ComposedBody {
  /** Byte-identical to `JSON.stringify(JSON.parse(body))`. */
  body: string;
  /** How many items of each list did not fit; all zero in ordinary life. */
  cut: Record<CutList, number>;
}

type CutList = 'actionResults' | 'investigations' | 'alerts' | 'orders' | 'messages' | 'recentTrades' | 'carried';

/** Serialises what all agents of a tick share. News beyond 8 kB is left out, breaking news first in. */
export function prepareTick(shared: SharedTick): PreparedTick {
  const news: NewsArticle[] = [];
  let newsBytes = 2;
  const breakingFirst = [...shared.news].sort((a, b) => Number(b.isBreaking ?? false) - Number(a.isBreaking ?? false));
  for (const article of breakingFirst) {
    const bytes = sizeOf(article) + 1;
    if (newsBytes + bytes > NEWS_BUDGET_BYTES) continue;
    newsBytes += bytes;
    news.push(article);
  }
  const prepared = {
    shared,
    prices: new Map(shared.market.watchlist.map((quote) => [quote.symbol, quote.price])),
    indicesJson: JSON.stringify(shared.market.indices),
    watchlistJson: JSON.stringify(shared.market.watchlist),
    worldJson: JSON.stringify(shared.world),
    newsJson: JSON.stringify(news),
  };
  const frame = join(prepared, '', '', {
    portfolio: '',
    orders: '',
    trades: '',
    messages: '',
    alerts: '',
    investigations: '',
    results: '',
  });
  return { ...prepared, bytes: Buffer.byteLength(frame) };
}

/**
 * The body of one agent's callback within the budget. Lists are filled in the order of their worth: portfolio,
 * actionResults, investigations, alerts, orders, messages, recentTrades, carried items.
 * @param timestamp when it is composed, ISO 8601; the same on every attempt
 */
export function composeTickBody(
  prepared: PreparedTick,
  agent: AgentTick,
  carried: readonly CarriedItem[],
  timestamp: string,
): ComposedBody {
  const portfolio = JSON.stringify(portfolioOf(prepared.prices, agent));
  let left = TICK_BODY_BUDGET_BYTES - prepared.bytes - Buffer.byteLength(portfolio) - 60 - NOTICE_BYTES;
  const take = (items: readonly object[] | undefined): string[] => {
    const taken: string[] = [];
    for (const item of items ?? []) {
      const json = JSON.stringify(item);
      const bytes = Buffer.byteLength(json) + 1;
      if (bytes > left) break;
      left -= bytes;
      taken.push(json);
    }
    return taken;
  };
  const results = take(agent.actionResults);
  const investigations = take(agent.investigations);
  const alerts = take(agent.alerts);
  const orders = take(agent.orders?.slice(0, MOST_ORDERS).map((order) => withAgent(order, agent.agentId)));
  const messages = take(agent.messages);
  const trades = take(agent.trades?.slice(0, MOST_TRADES));

  const earlier: Record<CarriedItem['list'], string[]> = {
    actionResults: [],
    messages: [],
    alerts: [],
    investigations: [],
  };
  let carriedTaken = 0;
  for (const { list, item } of carried) {
    const [json] = take([item]);
    if (json === undefined) break;
    earlier[list].push(json);
    carriedTaken += 1;
  }

  const cut: ComposedBody['cut'] = {
    actionResults: (agent.actionResults?.length ?? 0) - results.length,
    investigations: (agent.investigations?.length ?? 0) - investigations.length,
    alerts: (agent.alerts?.length ?? 0) - alerts.length,
    orders: (agent.orders?.length ?? 0) - orders.length,
    messages: (agent.messages?.length ?? 0) - messages.length,
    recentTrades: (agent.trades?.length ?? 0) - trades.length,
    carried: carried.length - carriedTaken,
  };
  if (Object.values(cut).some((count) => count > 0))
    alerts.push(JSON.stringify(cutNotice(prepared, agent.agentId, cut)));

  const list = (before: string[], now: string[]): string => `[${[...before, ...now].join(',')}]`;
  const body = join(prepared, String(prepared.shared.tick), JSON.stringify(timestamp), {
    portfolio,
    orders: list([], orders),
    trades: list([], trades),
    messages: list(earlier.messages, messages),
    alerts: list(earlier.alerts, alerts),
    investigations: list(earlier.investigations, investigations),
    results: list(earlier.actionResults, results),
  });
  return { body, cut };
}

/** The whole tick of one agent as an object, nothing cut: what the budget is measured against, and the API's view. */
export function expandTick(shared: SharedTick, agent: AgentTick, timestamp: string): TickWebhook {
  const prices = new Map(shared.market.watchlist.map((quote) => [quote.symbol, quote.price]));
  return {
    tick: shared.tick,
    timestamp,
    portfolio: portfolioOf(prices, agent),
    orders: (agent.orders ?? []).map((order) => withAgent(order, agent.agentId)),
    market: { indices: shared.market.indices, watchlist: shared.market.watchlist, recentTrades: agent.trades ?? [] },
    world: shared.world,
    news: shared.news,
    messages: agent.messages ?? [],
    alerts: agent.alerts ?? [],
    investigations: agent.investigations ?? [],
    actionResults: agent.actionResults ?? [],
  };
}

function portfolioOf(prices: ReadonlyMap<string, number>, agent: AgentTick): AgentPortfolio {
  const [cash, marginUsed, marginAvailable, netWorth] = agent.funds;
  return {
    agentId: agent.agentId,
    cash,
    marginUsed,
    marginAvailable,
    netWorth,
    positions: (agent.positions ?? []).map(([symbol, shares, averageCost]) => {
      const currentPrice = prices.get(symbol) ?? averageCost;
      const basis = averageCost * Math.abs(shares);
      const profit = (currentPrice - averageCost) * shares;
      return {
        symbol,
        shares,
        averageCost,
        currentPrice,
        marketValue: rounded(shares * currentPrice, 2),
        unrealizedPnL: rounded(profit, 2),
        unrealizedPnLPercent: basis === 0 ? 0 : rounded((profit / basis) * 100, 2),
      };
    }),
  };
}

/** Never -0: JSON writes it as 0, and a reader that compares would differ. */
function rounded(value: number, digits: number): number {
  const scale = 10 ** digits;
  return Math.round(value * scale) / scale + 0;
}

function withAgent(order: Omit<AgentOrder, 'agentId'>, agentId: string): AgentOrder {
  const { id, ...rest } = order;
  return { id, agentId, ...rest };
}

function cutNotice(prepared: PreparedTick, agentId: string, cut: ComposedBody['cut']): AgentAlert {
  const counts = Object.entries(cut)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${count} ${name}`);
  return {
    id: `cut_${prepared.shared.tick}_${agentId}`,
    agentId,
    type: 'payload_cut',
    message: `Left out of this callback: ${counts.join(', ')}. Read them at GET /api/v1/agents/{id}/inbox`,
    severity: 'info',
    tick: prepared.shared.tick,
    createdAt: prepared.shared.closedAt,
    acknowledged: false,
  };
}

interface PrivateJson {
  portfolio: string;
  orders: string;
  trades: string;
  messages: string;
  alerts: string;
  investigations: string;
  results: string;
}

function join(
  shared: Pick<PreparedTick, 'indicesJson' | 'watchlistJson' | 'worldJson' | 'newsJson'>,
  tick: string,
  timestamp: string,
  own: PrivateJson,
): string {
  return (
    `{"tick":${tick},"timestamp":${timestamp},"portfolio":${own.portfolio},"orders":${own.orders},` +
    `"market":{"indices":${shared.indicesJson},"watchlist":${shared.watchlistJson},"recentTrades":${own.trades}},` +
    `"world":${shared.worldJson},"news":${shared.newsJson},"messages":${own.messages},"alerts":${own.alerts},` +
    `"investigations":${own.investigations},"actionResults":${own.results}}`
  );
}

function sizeOf(value: object): number {
  return Buffer.byteLength(JSON.stringify(value));
}
