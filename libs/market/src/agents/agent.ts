import type { Order } from '../trading/order.js';
import type { Account } from '../trading/account.js';
import type { Standing } from '../trading/margin.js';
import { StateHash } from '../world/state-hash.js';
import type { ActionResult, Alert, Message, Trade } from '../world/tick-result.js';
import type { AnswerMemory } from './answer-memory.js';

export type Role =
  | 'hedge_fund_manager'
  | 'quant'
  | 'ceo'
  | 'investment_banker'
  | 'influencer'
  | 'sec_investigator'
  | 'financial_journalist'
  | 'whistleblower'
  | 'retail_trader';

/** Starting capital and leverage by role. */
export const ROLES: Readonly<Record<Role, { capitalCents: number; leverage: number }>> = {
  hedge_fund_manager: { capitalCents: 10_000_000_000, leverage: 10 },
  quant: { capitalCents: 5_000_000_000, leverage: 5 },
  ceo: { capitalCents: 1_000_000_000, leverage: 1 },
  investment_banker: { capitalCents: 100_000_000, leverage: 3 },
  influencer: { capitalCents: 10_000_000, leverage: 2 },
  sec_investigator: { capitalCents: 10_000_000, leverage: 1 },
  financial_journalist: { capitalCents: 5_000_000, leverage: 1 },
  whistleblower: { capitalCents: 2_500_000, leverage: 1 },
  retail_trader: { capitalCents: 1_000_000, leverage: 2 },
};

/** A bankrupt agent may only send messages. */
export type AgentStatus = 'active' | 'bankrupt';

/** An agent: an account with a role, open orders, and a memory of what it has answered. */
export interface Agent extends Account {
  readonly name: string;
  readonly role: Role;
  readonly leverage: number;
  readonly shard: number;
  status: AgentStatus;
  /** The margin call stands: unless it is met, the next open tick closes positions by force. */
  marginCalled: boolean;
  /** Pending, open and partly filled orders, oldest first. */
  readonly orders: Map<string, Order>;
  readonly answers: AnswerMemory;
  /** The account as valued at the end of the last tick; not part of the state. */
  standing: Standing | undefined;
  /** What this tick brings the agent; not part of the state, gone with the next tick. */
  today: AgentToday | undefined;
}

export interface AgentToday {
  /** The tick these things belong to. */
  tick: number;
  /** Actions drained so far, over all answers of the tick. */
  actions: number;
  endedOrders: Order[];
  trades: Trade[];
  results: ActionResult[];
  messages: Message[];
  alerts: Alert[];
}

/** What the tick has brought the agent so far, begun anew with each tick. */
export function todayOf(agent: Agent, tick: number): AgentToday {
  if (agent.today?.tick !== tick) {
    agent.today = { tick, actions: 0, endedOrders: [], trades: [], results: [], messages: [], alerts: [] };
  }
  return agent.today;
}

/** The agent's group, for ever the same: FNV-1a over the id's UTF-16 units, stirred, modulo `shards`. */
export function shardOf(agentId: string, shards: number): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < agentId.length; index += 1) {
    hash = Math.imul(hash ^ agentId.charCodeAt(index), 0x01000193);
  }
  // FNV alone leaves the low bits of similar ids too much alike.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) % shards;
}

/** One bit for each word an order's state is told in: cheaper to hash than the words. */
const CODES = {
  BUY: 1,
  SELL: 2,
  MARKET: 4,
  LIMIT: 8,
  STOP: 16,
  pending: 32,
  open: 64,
  partial: 128,
  filled: 256,
  cancelled: 512,
  rejected: 1024,
  reduceOnly: 2048,
} as const;

/** Hash of an order's whole state, cached until it changes. */
export function orderDigest(order: Order): NonNullable<Order['digest']> {
  order.digest ??= new StateHash()
    .number(order.sequence)
    .number(order.company)
    .word(CODES[order.side] | CODES[order.type] | CODES[order.status] | (order.reduceOnly ? CODES.reduceOnly : 0))
    .number(order.quantity)
    .optional(order.priceCents)
    .optional(order.stopCents)
    .number(order.holdCents)
    .number(order.filledQuantity)
    .number(order.filledCents)
    .number(order.tickSubmitted)
    .number(order.createdAtMs)
    .finish();
  return order.digest;
}
