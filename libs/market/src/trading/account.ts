import type { Digest } from '../world/state-hash.js';

/** Shares of one company in one account, with what its open orders have promised. */
export interface Position {
  /** The company's index. */
  readonly company: number;
  /** Negative for a short position. */
  shares: number;
  /** What the shares cost in total, with the sign of `shares`; average price = costCents / shares. */
  costCents: number;
  /** Derived from the open orders: lots they may still buy or sell, and the cents held for them. */
  buyLots: number;
  buyCents: number;
  sellLots: number;
  sellCents: number;
  /** Of those lots, the ones of orders that may only close (SELL, COVER). */
  reduceLots: number;
}

/** Money and shares of one owner. Agents, the market maker, the crowd, the treasury and the fees are accounts alike. */
export interface Account {
  readonly id: string;
  /** Never negative: what is missing is a loan. */
  cashCents: number;
  /** Owed to the treasury, repaid from whatever comes in. */
  loanCents: number;
  /** By the company's index. No entry means no shares and no open orders. */
  readonly positions: Map<number, Position>;
  /** Cached hash of everything above and, for agents, of the rest of their state. Dropped by every change. */
  digest: Digest | undefined;
}

/** Accounts of the house. Agents' ids never begin with the at sign. */
export const HOUSE = { maker: '@market-maker', crowd: '@crowd', treasury: '@treasury', fees: '@fees' } as const;

export function openAccount(id: string, cashCents = 0): Account {
  return { id, cashCents, loanCents: 0, positions: new Map(), digest: undefined };
}

/** A position that holds nothing yet. */
export function emptyPosition(company: number): Position {
  return { company, shares: 0, costCents: 0, buyLots: 0, buyCents: 0, sellLots: 0, sellCents: 0, reduceLots: 0 };
}

/** The position in a company, created empty when there is none. */
export function positionIn(account: Account, company: number): Position {
  let position = account.positions.get(company);
  if (position === undefined) {
    position = emptyPosition(company);
    account.positions.set(company, position);
  }
  return position;
}

/** Forgets a position that holds nothing and has nothing open. */
export function dropIfEmpty(account: Account, company: number): void {
  const position = account.positions.get(company);
  if (position !== undefined && position.shares === 0 && position.buyLots === 0 && position.sellLots === 0) {
    account.positions.delete(company);
  }
}

/**
 * `total` x `part` / `whole`, rounded to the nearest integer, exact where the product passes 2^53.
 * @param part and @param whole non-negative, whole > 0
 */
export function proRata(total: number, part: number, whole: number): number {
  const product = total * part;
  if (Math.abs(product) <= Number.MAX_SAFE_INTEGER) return Math.round(product / whole) + 0;
  const divisor = BigInt(whole);
  const doubled = 2n * BigInt(total) * BigInt(part);
  // Half is added toward the sign, since BigInt division cuts toward zero.
  return Number((doubled + (doubled < 0n ? -divisor : divisor)) / (2n * divisor));
}

/** `cents` x `bps` / 10000, rounded up. */
export function feeOn(cents: number, bps: number): number {
  return bps === 0 ? 0 : Math.ceil((cents / 10_000) * bps);
}

/** Moves money and shares between accounts, so that the sums over all accounts never change. */
export class Ledger {
  readonly maker: Account;
  readonly crowd: Account;
  readonly treasury: Account;
  readonly fees: Account;

  constructor(accounts: { maker: Account; crowd: Account; treasury: Account; fees: Account }) {
    this.maker = accounts.maker;
    this.crowd = accounts.crowd;
    this.treasury = accounts.treasury;
    this.fees = accounts.fees;
  }

  /** Exchanges `lots` shares of a company for money. `costCents` > 0 is the price of all of them together. */
  exchange(buyer: Account, seller: Account, company: number, lots: number, costCents: number): void {
    this.pay(buyer, seller, costCents);
    addShares(buyer, company, lots, costCents);
    addShares(seller, company, -lots, costCents);
  }

  /** Pays from cash, and from a loan of the treasury where that is not enough. The receiver repays his loan first. */
  pay(payer: Account, receiver: Account, cents: number): void {
    if (cents === 0) return;
    const borrowed = payer === this.treasury ? 0 : Math.max(0, cents - payer.cashCents);
    payer.cashCents -= cents - borrowed;
    payer.loanCents += borrowed;
    const repaid = Math.min(receiver.loanCents, cents);
    receiver.loanCents -= repaid;
    receiver.cashCents += cents - repaid;
    this.treasury.cashCents += repaid - borrowed;
    payer.digest = receiver.digest = this.treasury.digest = undefined;
  }

  /** Ends a failed account: whatever it holds goes to the treasury, which writes the loan off. */
  seize(account: Account): void {
    this.treasury.cashCents += account.cashCents;
    account.cashCents = 0;
    account.loanCents = 0;
    for (const [company, position] of account.positions) {
      addShares(this.treasury, company, position.shares, 0);
    }
    account.positions.clear();
    account.digest = this.treasury.digest = undefined;
  }
}

/**
 * Adds shares at a total price, or takes them away: what closes a position takes its share of the cost along, and what
 * passes through zero opens at the new price.
 */
function addShares(account: Account, company: number, shares: number, cents: number): void {
  if (shares === 0) return;
  account.digest = undefined;
  const position = positionIn(account, company);
  const size = Math.abs(shares);
  const closing = Math.sign(position.shares) === -Math.sign(shares) ? Math.min(size, Math.abs(position.shares)) : 0;
  if (closing > 0) position.costCents -= proRata(position.costCents, closing, Math.abs(position.shares));
  const opening = size - closing;
  if (opening > 0) position.costCents += Math.sign(shares) * proRata(cents, opening, size);
  position.shares += shares;
  dropIfEmpty(account, company);
}
