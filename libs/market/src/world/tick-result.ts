import type { Side } from '@tickwire/matching';
import type { Regime } from '../prices/economy.js';
import type { OrderStatus, OrderType } from '../trading/order.js';

/** Everything a closed tick has to say. Plain data; money in integer cents, rates as decimals. Read only. */
export interface TickResult {
  tick: number;
  closedAtMs: number;
  marketOpen: boolean;
  regime: Regime;
  interestRate: number;
  inflationRate: number;
  gdpGrowth: number;
  indices: readonly MarketIndex[];
  /** Every company, always in the order of `world.companies()`. */
  quotes: readonly Quote[];
  news: readonly never[];
  /** Every agent, in order of registration. */
  agents: readonly AgentTick[];
  /** Hash of the whole state after this tick, 16 hexadecimal digits. */
  hash: string;
}

export interface MarketIndex {
  /** `market`, or the sector. */
  name: string;
  /** 1000 at tick 0; weighted by market capitalisation. */
  value: number;
  /** Against the previous tick. */
  change: number;
}

/** `bidCents < askCents`, always two-sided, also while the book is closed. */
export interface Quote {
  symbol: string;
  /** The middle of the market maker's quotes: what positions are valued at. */
  priceCents: number;
  /** `priceCents` of the tick before. */
  previousCents: number;
  bidCents: number;
  askCents: number;
  /** Shares traded on the book in this tick. */
  volume: number;
  /** Highest and lowest of this tick's trades and price. */
  highCents: number;
  lowCents: number;
  marketCapCents: number;
}

export interface AgentTick {
  agentId: string;
  shard: number;
  portfolio: Portfolio;
  /** Pending, open and partly filled ones, oldest first, then those that ended in this tick. */
  orders: readonly OrderView[];
  /** This tick's trades of the agent, oldest first. */
  trades: readonly Trade[];
  actionResults: readonly ActionResult[];
  messages: readonly Message[];
  alerts: readonly Alert[];
  investigations: readonly never[];
}

export interface Portfolio {
  cashCents: number;
  /** Initial margin of positions and open orders. */
  marginUsedCents: number;
  /** Equity less `marginUsedCents`, at least 0: what new risk may still use. */
  marginAvailableCents: number;
  /** Cash and positions, less what is borrowed. Negative only on the way into bankruptcy. */
  netWorthCents: number;
  loanCents: number;
  positions: readonly PositionView[];
}

export interface PositionView {
  symbol: string;
  /** Negative when short. */
  shares: number;
  /** Total with the sign of `shares`: average cost = costCents / shares. */
  costCents: number;
  priceCents: number;
}

export interface OrderView {
  id: string;
  agentId: string;
  symbol: string;
  side: Side;
  type: OrderType;
  quantity: number;
  priceCents?: number;
  stopCents?: number;
  status: OrderStatus;
  filledQuantity: number;
  /** Sum of price x shares over the fills: average fill price = filledCents / filledQuantity. */
  filledCents: number;
  tickSubmitted: number;
  tickFilled?: number;
  createdAtMs: number;
}

export interface Trade {
  id: string;
  symbol: string;
  buyerId: string;
  sellerId: string;
  buyerOrderId: string;
  sellerOrderId: string;
  priceCents: number;
  quantity: number;
  tick: number;
  createdAtMs: number;
}

export interface ActionResult {
  /** Unique in the world. */
  id: string;
  /** The action's type as sent, upper-cased; `UNKNOWN` where there is none. */
  action: string;
  success: boolean;
  /** A sentence when it worked, a stable upper-case code when it did not. */
  message?: string;
  /** For orders `{orderId, symbol, side, quantity, type}`; for failures `{detail}` where there is more to say. */
  data?: Readonly<Record<string, unknown>>;
}

export interface Message {
  id: string;
  fromAgentId: string;
  toAgentId: string;
  content: string;
  tick: number;
  createdAtMs: number;
}

export type AlertType = 'margin_call' | 'investigation' | 'order_filled' | 'bankruptcy' | 'alliance_request';

export interface Alert {
  id: string;
  agentId: string;
  type: AlertType;
  message: string;
  severity: 'info' | 'warning' | 'critical';
  tick: number;
  createdAtMs: number;
  acknowledged: boolean;
}
