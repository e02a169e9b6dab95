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
/** Room kept for the timestamp and the brackets of the lists. */
const FRAME_BYTES = 60;
/** The body's own text that stands in an agent's parts. */
const OWN_NAMES = ',"portfolio":,"orders":,"alerts":,"investigations":,"actionResults":}';

const EMPTY = '[]';

/** What an earlier callback could not hand over, oldest first. */
export type CarriedItem =
  | { list: 'actionResults'; item: ActionResult }
  | { list: 'messages'; item: AgentMessage }
  | { list: 'alerts'; item: AgentAlert }
  | { list: 'investigations'; item: InvestigationAlert };

/** A part of the body that all agents of a tick share, as text and encoded. */
interface SharedPart {
  text: string;
  utf8: Buffer;
}

/** The shared part of a tick, serialised and encoded once. */
export interface PreparedTick {
  shared: SharedTick;
  prices: ReadonlyMap<string, number>;
  /** From the body's beginning to the timestamp. */
  opening: string;
  /** From the orders to the trades: indices and watchlist. */
  market: SharedPart;
  /** From the trades to the messages: the world's facts and its news. */
  world: SharedPart;
  /** Both, around the empty list of somebody who has not traded, encoded. */
  withoutTrades: Buffer;
  /** UTF-8 length of all of them and of the body's own punctuation. */
  bytes: number;
}

/** One agent's body in its order: what is its own, around and between the parts that all share. */
export interface ComposedTick {
  prepared: PreparedTick;
  /** To the end of the orders. */
  opening: string;
  trades: string;
  /** From the messages on. */
  closing: string;
  /** UTF-8 length of the whole body. */
  bytes: number;
  cut: CutCounts;
}

export interface ComposedBody {
  /** Byte-identical to `JSON.stringify(JSON.parse(body))`. */
  body: string;
  cut: CutCounts;
}

type CutList = 'actionResults' | 'investigations' | 'alerts' | 'orders' | 'messages' | 'recentTrades' | 'carried';

/** How many items of each list did not fit; all zero in ordinary life. */
export type CutCounts = Record<CutList, number>;

/** Serialises what all agents of a tick share. News beyond 8 kB is left out, breaking news first in. */
export function prepareTick(shared: SharedTick): PreparedTick {
  const { indices, watchlist } = shared.market;
  const news: NewsArticle[] = [];
  let newsBytes = 2;
  const breakingFirst = [...shared.news].sort((a, b) => Number(b.isBreaking ?? false) - Number(a.isBreaking ?? false));
  for (const article of breakingFirst) {
    const bytes = sizeOf(article) + 1;
    if (newsBytes + bytes > NEWS_BUDGET_BYTES) continue;
    newsBytes += bytes;
    news.push(article);
  }
  const opening = `{"tick":${shared.tick},"timestamp":`;
  const market = encoded(
    `,"market":{"indices":${JSON.stringify(indices)},"watchlist":${JSON.stringify(watchlist)},"recentTrades":`,
  );
  const world = encoded(`},"world":${JSON.stringify(shared.world)},"news":${JSON.stringify(news)},"messages":`);
  return {
    shared,
    prices: new Map(watchlist.map((quote) => [quote.symbol, quote.price])),
    opening,
    market,
    world,
    withoutTrades: Buffer.concat([market.utf8, Buffer.from(EMPTY), world.utf8]),
    bytes: opening.length + market.utf8.length + world.utf8.length + OWN_NAMES.length,
  };
}

/**
 * The body of one agent's callback within the budget, yet to be rendered. Lists are filled in the order of their worth:
 * portfolio, actionResults, investigations, alerts, orders, messages, recentTrades, carried items.
 * @param timestamp when it is composed, ISO 8601; the same on every attempt
 */
export function composeTick(
  prepared: PreparedTick,
  agent: AgentTick,
  carried: readonly CarriedItem[],
  timestamp: string,
): ComposedTick {
  const { agentId } = agent;
  const timestampJson = JSON.stringify(timestamp);
  const portfolio = JSON.stringify(portfolioOf(prepared.prices, agent));
  const portfolioBytes = Buffer.byteLength(portfolio);
  const room = { bytes: TICK_BODY_BUDGET_BYTES - prepared.bytes - portfolioBytes - FRAME_BYTES - NOTICE_BYTES };

  const results = new JsonList(room).fill(agent.actionResults);
  const investigations = new JsonList(room).fill(agent.investigations);
  const alerts = new JsonList(room).fill(agent.alerts);
  const orders = new JsonList(room).fill(agent.orders, MOST_ORDERS, (order) => withAgent(order, agentId));
  const messages = new JsonList(room).fill(agent.messages);
  const trades = new JsonList(room).fill(agent.trades, MOST_TRADES);

  const cut: CutCounts = {
    actionResults: (agent.actionResults?.length ?? 0) - results.count,
    investigations: (agent.investigations?.length ?? 0) - investigations.count,
    alerts: (agent.alerts?.length ?? 0) - alerts.count,
    orders: (agent.orders?.length ?? 0) - orders.count,
    messages: (agent.messages?.length ?? 0) - messages.count,
    recentTrades: (agent.trades?.length ?? 0) - trades.count,
    carried: carried.length,
  };
  const lists = { actionResults: results, investigations, alerts, messages };
  for (const { list, item } of carried) {
    if (!lists[list].takeEarlier(JSON.stringify(item))) break;
    cut.carried -= 1;
  }
  if (hasCut(cut)) alerts.push(JSON.stringify(cutNotice(prepared, agentId, cut)));

  const ownBytes =
    Buffer.byteLength(timestampJson) +
    portfolioBytes +
    orders.bytes +
    trades.bytes +
    messages.bytes +
    alerts.bytes +
    investigations.bytes +
    results.bytes;
  return {
    prepared,
    opening: `${prepared.opening}${timestampJson},"portfolio":${portfolio},"orders":${orders.json}`,
    trades: trades.json,
    closing: `${messages.json},"alerts":${alerts.json},"investigations":${investigations.json},"actionResults":${results.json}}`,
    bytes: prepared.bytes + ownBytes,
    cut,
  };
}

/**
 * The body as it goes over a socket, in parts: what is an agent's own as text, what all share as the bytes that were encoded
 * once. Put together in memory of their own, 20 kB for each callback, they cost 8 us more, half of it in collecting them again,
 * and a callback that waits for its retry would keep them.
 */
export function tickParts({ prepared, opening, trades, closing }: ComposedTick): readonly (string | Buffer)[] {
  return trades === EMPTY
    ? [opening, prepared.withoutTrades, closing]
    : [opening, prepared.market.utf8, trades, prepared.world.utf8, closing];
}

/** The same body as text. */
export function tickText({ prepared: { market, world }, opening, trades, closing }: ComposedTick): string {
  return `${opening}${market.text}${trades}${world.text}${closing}`;
}

/** `composeTick` rendered as text. */
export function composeTickBody(
  prepared: PreparedTick,
  agent: AgentTick,
  carried: readonly CarriedItem[],
  timestamp: string,
): ComposedBody {
  const composed = composeTick(prepared, agent, carried, timestamp);
  return { body: tickText(composed), cut: composed.cut };
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

function cutNotice(prepared: PreparedTick, agentId: string, cut: CutCounts): AgentAlert {
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

/** A list of the body that grows while there is room for its items. */
class JsonList {
  /** Of this tick. */
  private now = '';
  /** Of earlier ones; they stand before. */
  private earlier = '';
  /** Items of this tick that are in. */
  count = 0;
  /** UTF-8 length of `json`. */
  bytes = EMPTY.length;

  /** @param room what is left of the budget, for all lists of the body together */
  constructor(private readonly room: { bytes: number }) {}

  get json(): string {
    return this.earlier === '' || this.now === '' ? `[${this.earlier}${this.now}]` : `[${this.earlier},${this.now}]`;
  }

  /** Takes items from the beginning, up to `most` and to the first for which there is no room. */
  fill<T extends object>(items: readonly T[] | undefined, most = Infinity, form?: (item: T) => object): this {
    if (items === undefined) return this;
    for (const item of items) {
      if (this.count === most || !this.take(JSON.stringify(form ? form(item) : item))) break;
    }
    return this;
  }

  /** @returns false where there is no room */
  take(json: string): boolean {
    const bytes = this.reserve(json);
    if (bytes === undefined) return false;
    this.push(json, bytes);
    return true;
  }

  /** An item of an earlier tick, behind the earlier ones that are in. @returns as `take` */
  takeEarlier(json: string): boolean {
    const bytes = this.reserve(json);
    if (bytes === undefined) return false;
    this.earlier = this.earlier === '' ? json : `${this.earlier},${json}`;
    this.grow(bytes);
    return true;
  }

  /** Takes an item for which room was kept. */
  push(json: string, bytes = Buffer.byteLength(json)): void {
    this.now = this.now === '' ? json : `${this.now},${json}`;
    this.count += 1;
    this.grow(bytes);
  }

  /** @returns its UTF-8 length, or undefined where there is no room for it and a comma */
  private reserve(json: string): number | undefined {
    const bytes = Buffer.byteLength(json);
    if (bytes + 1 > this.room.bytes) return undefined;
    this.room.bytes -= bytes + 1;
    return bytes;
  }

  private grow(itemBytes: number): void {
    this.bytes += this.bytes === EMPTY.length ? itemBytes : itemBytes + 1;
  }
}

function hasCut(cut: CutCounts): boolean {
  for (const list in cut) if (cut[list as CutList] > 0) return true;
  return false;
}

function encoded(text: string): SharedPart {
  return { text, utf8: Buffer.from(text) };
}

function sizeOf(value: object): number {
  return Buffer.byteLength(JSON.stringify(value));
}
