import { ROLES, shardOf, type Agent, type Role } from '../agents/agent.js';
import { AnswerMemory } from '../agents/answer-memory.js';
import { drainAnswers, type AgentAnswer } from '../agents/drain-answers.js';
import type { Company } from '../prices/company.js';
import { moveEconomy } from '../prices/economy.js';
import { dailySigma, movePrice } from '../prices/price-process.js';
import { RandomSource } from '../random.js';
import { resolveSettings, type WorldSettings } from '../settings.js';
import { openAccount, type Account } from '../trading/account.js';
import { Exchange } from '../trading/exchange.js';
import { refillQuotes, tradeCrowd, withdrawQuotes } from '../trading/house-trading.js';
import { freshFigures } from '../trading/listing.js';
import { inventoryPressure, quoteAround } from '../trading/market-maker.js';
import { checkMargins, liquidateCalled } from '../trading/risk.js';
import { composeTick } from './compose-tick.js';
import { readSnapshot, writeSnapshot } from './snapshot.js';
import type { TickResult } from './tick-result.js';
import { createState, hashState, type WorldState } from './world-state.js';

/** A record of the world's control topic. */
export type WorldControl =
  /** A second registration of an id, or one of an id that begins with an at sign, changes nothing. */
  | { type: 'agent-registered'; agentId: string; role: Role; name: string }
  | { type: 'paused' }
  | { type: 'resumed' }
  /** Asks the caller's clock for ticks; the world itself has nothing to do. */
  | { type: 'stepped'; ticks: number }
  | { type: 'speed'; tickMs: number };

/** One tick's recorded input: all that a replay needs. */
export interface TickInput {
  /** Unix time in ms; every time inside the tick. */
  closedAtMs: number;
  /** In the order of their offsets; applied before the answers. */
  controls: readonly WorldControl[];
  /** In the order of their offsets. */
  actions: readonly AgentAnswer[];
}

/** Sums over every account of the world; neither ever changes. */
export interface WorldTotals {
  cashCents: number;
  /** By company, in the order of `companies()`; equal to the shares outstanding. */
  shares: number[];
}

/** In shares and cents, best price first. */
export type BookDepth = NonNullable<ReturnType<Exchange['orderBook']>>;

/** What the integration reads besides ticks: who is in the world, and how its clock is set. */
export interface WorldInfo {
  worldId: string;
  tick: number;
  closedAtMs: number;
  paused: boolean;
  tickMs: number;
  agents: number;
}

/**
 * A simulated market. Tick N is a function of the settings and the inputs of ticks 1 to N, proven by the hash. It reads
 * no clock, draws no randomness but its seed's, and holds everything in memory.
 *
 * Inside a tick: controls; the open or the close; forced liquidations; answers; prices move and the crowd
 * trades on the quotes of before; the market maker quotes anew, which fills what the move has reached; stops; margin
 * and bankruptcy. An agent thus trades on the prices of the tick it has seen.
 */
export class World {
  private readonly exchange: Exchange;
  private readonly random: RandomSource;

  constructor(private readonly state: WorldState) {
    this.exchange = new Exchange(state);
    this.exchange.rebuild();
    this.random = new RandomSource(state.settings.seed);
  }

  /** Closes the next tick. Never throws for anything in an answer. */
  step(input: TickInput): TickResult {
    const { state, exchange } = this;
    const wasOpen = state.tick > 0 && this.isOpen(state.tick);
    state.tick += 1;
    state.closedAtMs = input.closedAtMs;
    const open = this.isOpen(state.tick);
    exchange.beginTick(open);
    for (const listing of state.listings) listing.today = freshFigures(listing.quoted.priceCents);

    for (const control of input.controls) this.control(control);
    if (open && !wasOpen) {
      refillQuotes(exchange);
      exchange.activatePending();
    } else if (!open && wasOpen) {
      withdrawQuotes(exchange);
    }
    if (open) liquidateCalled(exchange);
    drainAnswers(exchange, input.actions);
    this.movePrices(open);
    if (open) {
      tradeCrowd(exchange, this.random);
      this.publishQuotes();
      refillQuotes(exchange);
      exchange.triggerStops();
    } else {
      this.publishQuotes();
    }
    checkMargins(exchange);
    return { ...composeTick(exchange), hash: this.hash() };
  }

  /** Static facts, in the order of every tick's quotes. */
  companies(): readonly Company[] {
    return this.state.listings.map(({ company }) => company);
  }

  info(): WorldInfo {
    const { settings, tick, closedAtMs, paused, tickMs, agents } = this.state;
    return { worldId: settings.worldId, tick, closedAtMs, paused, tickMs, agents: agents.size };
  }

  /** The best prices of a company's book, at most `levels` a side. @returns undefined for an unknown symbol */
  orderBook(symbol: string, levels: number): BookDepth | undefined {
    return this.exchange.orderBook(symbol, levels);
  }

  /** Hash of the state, as in the last tick's result: 16 hexadecimal digits. */
  hash(): string {
    return hashState(this.state);
  }

  snapshot(): string {
    return writeSnapshot(this.state);
  }

  totals(): WorldTotals {
    const { house, agents, listings } = this.state;
    const accounts: Account[] = [house.maker, house.crowd, house.treasury, house.fees, ...agents.values()];
    const totals: WorldTotals = { cashCents: 0, shares: listings.map(() => 0) };
    for (const account of accounts) {
      totals.cashCents += account.cashCents;
      for (const [company, { shares }] of account.positions)
        totals.shares[company] = (totals.shares[company] ?? 0) + shares;
    }
    return totals;
  }

  private isOpen(tick: number): boolean {
    const { openTicks, closedTicks } = this.state.settings;
    return tick % (openTicks + closedTicks) < openTicks;
  }

  private control(control: WorldControl): void {
    const { state } = this;
    switch (control.type) {
      case 'agent-registered':
        return this.register(control);
      case 'paused':
        state.paused = true;
        return;
      case 'resumed':
        state.paused = false;
        return;
      case 'speed':
        if (Number.isInteger(control.tickMs) && control.tickMs >= 10) state.tickMs = control.tickMs;
        return;
      case 'stepped':
        return;
    }
  }

  private register({ agentId, role, name }: Extract<WorldControl, { type: 'agent-registered' }>): void {
    const { state } = this;
    // A role that this engine does not know trades as the smallest of them.
    const known: Role = Object.hasOwn(ROLES, role) ? role : 'retail_trader';
    if (typeof agentId !== 'string' || agentId.startsWith('@') || state.agents.has(agentId)) return;
    const { capitalCents, leverage } = ROLES[known];
    const agent: Agent = {
      ...openAccount(agentId),
      name: String(name),
      role: known,
      leverage,
      shard: shardOf(agentId, state.settings.shards),
      status: 'active',
      marginCalled: false,
      orders: new Map(),
      answers: new AnswerMemory(),
      standing: undefined,
      today: undefined,
    };
    state.agents.set(agentId, agent);
    this.exchange.ledger.pay(state.house.treasury, agent, capitalCents);
  }

  private movePrices(open: boolean): void {
    const { economy, listings, tick } = this.state;
    const factors = moveEconomy(economy, tick, open, this.random);
    const sectorFactors = new Map<string, number>();
    for (const listing of listings) {
      const { company, price, flowShares } = listing;
      let sectorFactor = sectorFactors.get(company.sector);
      if (sectorFactor === undefined) {
        sectorFactor = factors.sector(company.sector);
        sectorFactors.set(company.sector, sectorFactor);
      }
      const draws = this.random.draws('price', company.symbol, tick);
      listing.flowShares = 0;
      listing.today.shock = movePrice(company, price, {
        economy,
        marketFactor: factors.market,
        sectorFactor,
        open,
        flowShares,
        draws,
      });
    }
  }

  private publishQuotes(): void {
    const { economy, listings, house } = this.state;
    for (const listing of listings) {
      const { company, price, index } = listing;
      const sigma = dailySigma(company, price, economy);
      const pressure = inventoryPressure(house.maker, company, index);
      listing.quoted = quoteAround(Math.exp(price.logReference), sigma, pressure);
    }
    this.exchange.publishMarks();
  }
}

/** @throws RangeError for settings out of range */
export function createWorld(settings: WorldSettings): World {
  return new World(createState(resolveSettings(settings)));
}

/**
 * The world of a snapshot: same hash, same future.
 * @throws Error when another version of the engine wrote it
 */
export function restoreWorld(snapshot: string): World {
  return new World(readSnapshot(snapshot));
}
