import { ENGINE_VERSION, type ResolvedSettings } from '../settings.js';
import { orderDigest, type Agent } from '../agents/agent.js';
import { generateCompanies } from '../prices/company.js';
import { initialEconomy, type Economy } from '../prices/economy.js';
import { dailySigma, initialPrice } from '../prices/price-process.js';
import { RandomSource } from '../random.js';
import { HOUSE, openAccount, positionIn, type Account } from '../trading/account.js';
import { openListing, type Listing } from '../trading/listing.js';
import { makerShares, quoteAround } from '../trading/market-maker.js';
import { StateHash, type Digest } from './state-hash.js';

/**
 * The whole state of a world. What is not in the hash and the snapshot here is either derived from what is (books,
 * stops, held money) or belongs to the running tick alone.
 */
export interface WorldState {
  readonly settings: ResolvedSettings;
  tick: number;
  /** Of the last tick; 0 before the first. */
  closedAtMs: number;
  /** Remembered for the caller's clock: a world that is asked to step steps. */
  paused: boolean;
  tickMs: number;
  /** Next number for an order or a quote. */
  sequence: number;
  readonly economy: Economy;
  /** By index, in the order of the companies. */
  readonly listings: readonly Listing[];
  readonly house: HouseAccounts;
  /** By id, in order of registration. */
  readonly agents: Map<string, Agent>;
}

export interface HouseAccounts {
  maker: Account;
  crowd: Account;
  treasury: Account;
  fees: Account;
}

/** A trillion dollars each for the maker and the crowd: enough to buy each other out of the ordinary company. */
const HOUSE_CASH_CENTS = 100_000_000_000_000;
/** Pays every agent's starting capital (a hundred thousand hedge funds) and lends; all sums stay below 2^53. */
const TREASURY_CASH_CENTS = 2_000_000_000_000_000;

/** The world before its first tick. */
export function createState(settings: ResolvedSettings): WorldState {
  const economy = initialEconomy();
  const house = {
    maker: openAccount(HOUSE.maker, HOUSE_CASH_CENTS),
    crowd: openAccount(HOUSE.crowd, HOUSE_CASH_CENTS),
    treasury: openAccount(HOUSE.treasury, TREASURY_CASH_CENTS),
    fees: openAccount(HOUSE.fees),
  };
  const companies = generateCompanies(settings.companies, new RandomSource(settings.seed));
  const listings = companies.map((company, index) => {
    const makerHolding = makerShares(company);
    // The first shares are valued at their first price.
    for (const [account, shares] of [
      [house.maker, makerHolding],
      [house.crowd, company.sharesOutstanding - makerHolding],
    ] as const) {
      const position = positionIn(account, index);
      position.shares = shares;
      position.costCents = shares * company.basePriceCents;
    }
    const price = initialPrice(company);
    const quoted = quoteAround(company.basePriceCents, dailySigma(company, price, economy), 0);
    return openListing(index, company, price, quoted);
  });
  const { tickMs } = settings;
  return {
    settings,
    tick: 0,
    closedAtMs: 0,
    paused: false,
    tickMs,
    sequence: 1,
    economy,
    listings,
    house,
    agents: new Map(),
  };
}

const settingsDigests = new WeakMap<ResolvedSettings, Digest>();

/** 16 hexadecimal digits over everything that decides the future, the engine's version included. */
export function hashState(state: WorldState): string {
  const hash = new StateHash().digest(digestOfSettings(state.settings));
  hash
    .number(state.tick)
    .number(state.closedAtMs)
    .word(state.paused ? 1 : 0);
  hash.number(state.tickMs).number(state.sequence);
  const { economy, house } = state;
  hash.text(economy.regime).number(economy.logVolatility);
  hash.number(economy.interestRate).number(economy.inflationRate).number(economy.gdpGrowth);
  for (const listing of state.listings) mixListing(hash, listing);
  for (const account of [house.maker, house.crowd, house.treasury, house.fees]) hash.digest(accountDigest(account));
  hash.number(state.agents.size);
  for (const agent of state.agents.values()) hash.digest(agentDigest(agent));
  return hash.hex();
}

function digestOfSettings(settings: ResolvedSettings): Digest {
  let digest = settingsDigests.get(settings);
  if (digest === undefined) {
    const { worldId, seed, companies, tickMs, shards, openTicks, closedTicks, feeBps, maintenanceMargin } = settings;
    const hash = new StateHash().number(ENGINE_VERSION).text(worldId).text(seed);
    for (const value of [companies, tickMs, shards, openTicks, closedTicks, feeBps, maintenanceMargin]) {
      hash.number(value);
    }
    digest = hash.finish();
    settingsDigests.set(settings, digest);
  }
  return digest;
}

function mixListing(hash: StateHash, { price, quoted, flowShares, makerQuotes }: Listing): void {
  hash.number(price.logFundamental).number(price.logReference).number(price.logVolatility);
  hash.number(quoted.middle).number(quoted.priceCents).number(quoted.bidCents).number(quoted.askCents);
  hash.number(flowShares).word(makerQuotes.size);
  for (const quote of makerQuotes.values()) {
    hash.number(quote.sequence).word(quote.side === 'BUY' ? 1 : 0);
    hash.number(quote.priceCents).number(quote.lots);
  }
}

function mixAccount(hash: StateHash, account: Account): void {
  hash.text(account.id).number(account.cashCents).number(account.loanCents).number(account.positions.size);
  for (const { company, shares, costCents } of account.positions.values()) {
    hash.word(company).number(shares).number(costCents);
  }
}

function accountDigest(account: Account): Digest {
  if (account.digest === undefined) {
    const hash = new StateHash();
    mixAccount(hash, account);
    account.digest = hash.finish();
  }
  return account.digest;
}

function agentDigest(agent: Agent): Digest {
  if (agent.digest === undefined) {
    const hash = new StateHash();
    mixAccount(hash, agent);
    hash
      .text(agent.name)
      .text(agent.role)
      .text(agent.status)
      .word(agent.marginCalled ? 1 : 0);
    agent.answers.mixInto(hash);
    hash.number(agent.orders.size);
    for (const order of agent.orders.values()) hash.digest(orderDigest(order));
    agent.digest = hash.finish();
  }
  return agent.digest;
}
