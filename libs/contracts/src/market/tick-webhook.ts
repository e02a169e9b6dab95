/**
 * The body of a tick callback, as real agents know it. Numbers are JSON numbers, times ISO 8601.
 * Arrays are never absent. Field order here is the order on the wire.
 */
export interface TickWebhook {
  tick: number;
  /** When the body was composed; the same on every attempt. */
  timestamp: string;
  portfolio: AgentPortfolio;
  /** Active orders (pending, open, partial) and those that ended this tick; newest first, at most 60. */
  orders: AgentOrder[];
  market: MarketSnapshot & { recentTrades: AgentTrade[] };
  world: WorldFacts;
  news: NewsArticle[];
  messages: AgentMessage[];
  alerts: AgentAlert[];
  investigations: InvestigationAlert[];
  actionResults: ActionResult[];
}

export interface AgentPortfolio {
  agentId: string;
  cash: number;
  marginUsed: number;
  marginAvailable: number;
  netWorth: number;
  positions: AgentPosition[];
}

export interface AgentPosition {
  symbol: string;
  /** Negative when short. */
  shares: number;
  averageCost: number;
  currentPrice: number;
  marketValue: number;
  unrealizedPnL: number;
  unrealizedPnLPercent: number;
}

export interface AgentOrder {
  id: string;
  agentId: string;
  symbol: string;
  side: 'BUY' | 'SELL';
  type: 'MARKET' | 'LIMIT' | 'STOP';
  quantity: number;
  price?: number;
  stopPrice?: number;
  status: 'pending' | 'open' | 'filled' | 'partial' | 'cancelled' | 'rejected';
  filledQuantity: number;
  avgFillPrice?: number;
  tickSubmitted: number;
  tickFilled?: number;
  createdAt: string;
}

export interface AgentTrade {
  id: string;
  symbol: string;
  buyerId: string;
  sellerId: string;
  buyerOrderId: string;
  sellerOrderId: string;
  price: number;
  quantity: number;
  tick: number;
  createdAt: string;
}

export interface MarketSnapshot {
  indices: { name: string; value: number; change: number }[];
  watchlist: StockQuote[];
}

export interface StockQuote {
  symbol: string;
  name: string;
  sector: string;
  price: number;
  change: number;
  changePercent: number;
  volume: number;
  high: number;
  low: number;
  marketCap: number;
}

export interface WorldFacts {
  currentTick: number;
  marketOpen: boolean;
  interestRate: number;
  inflationRate: number;
  gdpGrowth: number;
  regime: 'bull' | 'bear' | 'crash' | 'bubble' | 'normal';
  lastTickAt: string;
}

export interface NewsArticle {
  id: string;
  tick: number;
  headline: string;
  content?: string;
  category:
    | 'earnings'
    | 'merger'
    | 'scandal'
    | 'regulatory'
    | 'market'
    | 'product'
    | 'analysis'
    | 'crime'
    | 'rumor'
    | 'company';
  sentiment: number;
  agentIds: string[];
  symbols: string[];
  createdAt: string;
  isBreaking?: boolean;
}

export interface AgentMessage {
  id: string;
  fromAgentId: string;
  toAgentId: string;
  content: string;
  tick: number;
  createdAt: string;
}

export interface AgentAlert {
  id: string;
  agentId: string;
  type: string;
  message: string;
  severity: 'info' | 'warning' | 'critical';
  tick: number;
  createdAt: string;
  acknowledged: boolean;
}

export interface InvestigationAlert {
  investigationId: string;
  agentId: string;
  status: 'opened' | 'activated' | 'charged' | 'trial' | 'convicted' | 'acquitted' | 'settled';
  crimeType: string;
  message: string;
  tick: number;
  fineAmount?: number;
  sentenceYears?: number;
}

export interface ActionResult {
  /** The same when the result is carried into a later callback. */
  id: string;
  /** As the agent wrote it; `UNKNOWN` where no type could be read. */
  action: string;
  success: boolean;
  message?: string;
  data?: Record<string, unknown>;
}

/** What an agent answers. Each element is judged on its own. */
export interface TickAnswer {
  actions: unknown[];
}

/** The part of a tick that is the same for every agent. */
export interface SharedTick {
  tick: number;
  closedAt: string;
  market: MarketSnapshot;
  world: WorldFacts;
  news: NewsArticle[];
}

/** One agent's part of a tick, compact: absent lists are empty, prices of positions are in the shared part. */
export interface AgentTick {
  agentId: string;
  /** cash, marginUsed, marginAvailable, netWorth */
  funds: [cash: number, marginUsed: number, marginAvailable: number, netWorth: number];
  positions?: [symbol: string, shares: number, averageCost: number][];
  orders?: Omit<AgentOrder, 'agentId'>[];
  trades?: AgentTrade[];
  messages?: AgentMessage[];
  alerts?: AgentAlert[];
  investigations?: InvestigationAlert[];
  actionResults?: ActionResult[];
}
