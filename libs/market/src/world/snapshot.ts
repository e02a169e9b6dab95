import { ENGINE_VERSION, type ResolvedSettings } from '../settings.js';
import type { Agent, AgentStatus, Role } from '../agents/agent.js';
import { ROLES, shardOf } from '../agents/agent.js';
import { AnswerMemory, type AnswerMemorySnapshot } from '../agents/answer-memory.js';
import type { Economy } from '../prices/economy.js';
import type { PriceState } from '../prices/price-process.js';
import { openAccount, positionIn, type Account } from '../trading/account.js';
import type { Listing, MakerQuote } from '../trading/listing.js';
import { freshFigures } from '../trading/listing.js';
import type { Order } from '../trading/order.js';
import { createState, type WorldState } from './world-state.js';

interface AccountSnapshot {
  id: string;
  cashCents: number;
  loanCents: number;
  /** Company, shares, cost: in the account's own order. */
  positions: [number, number, number][];
}

interface AgentSnapshot extends AccountSnapshot {
  name: string;
  role: Role;
  status: AgentStatus;
  marginCalled: boolean;
  answers: AnswerMemorySnapshot;
  orders: Omit<Order, 'id' | 'digest' | 'view' | 'tickFilled'>[];
}

interface WorldSnapshot {
  engineVersion: number;
  settings: ResolvedSettings;
  tick: number;
  closedAtMs: number;
  paused: boolean;
  tickMs: number;
  sequence: number;
  economy: Economy;
  listings: {
    price: PriceState;
    quoted: Listing['quoted'];
    flowShares: number;
    makerQuotes: Omit<MakerQuote, 'id'>[];
  }[];
  house: Record<keyof WorldState['house'], AccountSnapshot>;
  agents: AgentSnapshot[];
}

/** The whole state as JSON text. Doubles survive JSON exactly, so the world continues bit for bit. */
export function writeSnapshot(state: WorldState): string {
  const { settings, tick, closedAtMs, paused, tickMs, sequence, economy, listings, house, agents } = state;
  const snapshot: WorldSnapshot = {
    engineVersion: ENGINE_VERSION,
    settings,
    tick,
    closedAtMs,
    paused,
    tickMs,
    sequence,
    economy,
    listings: listings.map(({ price, quoted, flowShares, makerQuotes }) => ({
      price,
      quoted,
      flowShares,
      makerQuotes: Array.from(makerQuotes.values(), ({ id: _id, ...quote }) => quote),
    })),
    house: {
      maker: writeAccount(house.maker),
      crowd: writeAccount(house.crowd),
      treasury: writeAccount(house.treasury),
      fees: writeAccount(house.fees),
    },
    agents: Array.from(agents.values(), writeAgent),
  };
  return JSON.stringify(snapshot);
}

/**
 * The state that `writeSnapshot` described, except for what is derived from it.
 * @throws Error when another version of the engine wrote it: its future would be another one
 */
export function readSnapshot(text: string): WorldState {
  const snapshot = JSON.parse(text) as WorldSnapshot;
  if (snapshot.engineVersion !== ENGINE_VERSION) {
    throw new Error(`the snapshot is of engine version ${snapshot.engineVersion}, this is ${ENGINE_VERSION}`);
  }
  // Companies are a function of the settings; everything that moves is laid over them.
  const state = createState(snapshot.settings);
  const { tick, closedAtMs, paused, tickMs, sequence } = snapshot;
  Object.assign(state, { tick, closedAtMs, paused, tickMs, sequence });
  Object.assign(state.economy, snapshot.economy);
  state.listings.forEach((listing, index) => {
    const saved = snapshot.listings[index];
    if (saved === undefined) throw new Error(`the snapshot has no company ${index}`);
    Object.assign(listing.price, saved.price);
    listing.quoted = saved.quoted;
    listing.flowShares = saved.flowShares;
    listing.today = freshFigures(saved.quoted.priceCents);
    for (const quote of saved.makerQuotes) {
      const id = `mmq_${quote.sequence}`;
      listing.makerQuotes.set(id, { id, ...quote });
    }
  });
  for (const name of ['maker', 'crowd', 'treasury', 'fees'] as const) {
    state.house[name] = readAccount(snapshot.house[name]);
  }
  for (const saved of snapshot.agents) state.agents.set(saved.id, readAgent(saved, snapshot.settings.shards));
  return state;
}

function writeAccount({ id, cashCents, loanCents, positions }: Account): AccountSnapshot {
  const list = Array.from(positions, ([company, { shares, costCents }]): [number, number, number] => [
    company,
    shares,
    costCents,
  ]);
  return { id, cashCents, loanCents, positions: list };
}

function readAccount(saved: AccountSnapshot): Account {
  const account = openAccount(saved.id, saved.cashCents);
  account.loanCents = saved.loanCents;
  for (const [company, shares, costCents] of saved.positions) {
    if (account.positions.has(company)) throw new Error(`${saved.id} has company ${company} twice`);
    Object.assign(positionIn(account, company), { shares, costCents });
  }
  return account;
}

function writeAgent(agent: Agent): AgentSnapshot {
  const { name, role, status, marginCalled, answers, orders } = agent;
  return {
    ...writeAccount(agent),
    name,
    role,
    status,
    marginCalled,
    answers: answers.snapshot(),
    orders: Array.from(
      orders.values(),
      ({ id: _id, digest: _digest, view: _view, tickFilled: _filled, ...order }) => order,
    ),
  };
}

function readAgent(saved: AgentSnapshot, shards: number): Agent {
  const { name, role, status, marginCalled } = saved;
  const orders = saved.orders.map((order): [string, Order] => {
    const id = `ord_${order.tickSubmitted}_${order.sequence}`;
    // An open order is never filled, and JSON leaves absent prices out.
    const { priceCents, stopCents } = order;
    return [id, { ...order, id, priceCents, stopCents, tickFilled: undefined, digest: undefined, view: undefined }];
  });
  return {
    ...readAccount(saved),
    name,
    role,
    leverage: ROLES[role].leverage,
    shard: shardOf(saved.id, shards),
    status,
    marginCalled,
    orders: new Map(orders),
    answers: AnswerMemory.restore(saved.answers),
    standing: undefined,
    today: undefined,
  };
}
