import type { Side } from '@tickwire/matching';
import type { Company } from '../prices/company.js';
import { HOUSE, positionIn, type Account } from './account.js';
import type { Listing } from './listing.js';

export const LEVELS = 5;
/** Level 0 is quoted .1 % to either side of the middle in calm times, more by ten times the daily sigma. */
const BASE_SPREAD = 0.002;
const SPREAD_GROWTH = 1.5;
const BASE_LOTS = 1000;
const SIZE_GROWTH = 1.2;
/** Middle's shift at a full inventory, in daily variances: Avellaneda and Stoikov's gamma x inventory. */
const SKEW = 5;
/** Inventory off its target that counts as full: twenty times one side's quotes. */
const FULL_INVENTORY = 150_000;

/** One price the market maker shows. */
export interface QuoteLevel {
  side: Side;
  priceCents: number;
  lots: number;
}

/** How far the maker's inventory is off its target, -1 (short of shares) to 1 (full of them). */
export function inventoryPressure(maker: Account, company: Company, index: number): number {
  const target = makerShares(company);
  const held = maker.positions.get(index)?.shares ?? 0;
  return Math.max(-1, Math.min(1, (held - target) / Math.min(FULL_INVENTORY, target / 2)));
}

/** Shares the maker starts with and aims at: half of all. The crowd has the other half. */
export function makerShares(company: Company): number {
  return company.sharesOutstanding / 2;
}

/**
 * The middle and the best prices the maker quotes around a fair value.
 * @param fairCents the process's value, not rounded
 * @param sigma present standard deviation of a day's return
 * @returns integers, `1 <= bidCents < askCents` and the middle between them
 */
export function quoteAround(
  fairCents: number,
  sigma: number,
  pressure: number,
): { middle: number; priceCents: number; bidCents: number; askCents: number } {
  const middle = fairCents * (1 - Math.max(-0.1, Math.min(0.1, SKEW * sigma * sigma * pressure)));
  const half = (middle * BASE_SPREAD * (1 + 10 * sigma)) / 2;
  const bidCents = Math.max(1, Math.floor(middle - half));
  const askCents = Math.max(bidCents + 1, Math.ceil(middle + half));
  const priceCents = Math.max(bidCents, Math.min(askCents, Math.round(middle)));
  return { middle, priceCents, bidCents, askCents };
}

/**
 * The maker's whole ladder for one company: 5 levels a side, each wider and larger than the one before. It
 * never offers shares that it does not hold, nor bids with money that it does not have.
 * @param budgetCents what it may spend on this company's bids
 */
export function makerLadder(listing: Listing, maker: Account, sigma: number, budgetCents: number): QuoteLevel[] {
  const { middle, bidCents, askCents } = listing.quoted;
  const half = (middle * BASE_SPREAD * (1 + 10 * sigma)) / 2;
  const levels: QuoteLevel[] = [];
  let shares = positionIn(maker, listing.index).shares;
  let budget = budgetCents;
  for (let level = 0; level < LEVELS; level += 1) {
    const width = half * SPREAD_GROWTH ** level;
    const size = Math.round(BASE_LOTS * SIZE_GROWTH ** level);
    const bid = level === 0 ? bidCents : Math.floor(middle - width);
    const bidLots = bid >= 1 ? Math.min(size, Math.floor(budget / bid)) : 0;
    if (bidLots > 0) levels.push({ side: 'BUY', priceCents: bid, lots: bidLots });
    budget -= bidLots * bid;
    const ask = level === 0 ? askCents : Math.max(askCents, Math.ceil(middle + width));
    const askLots = Math.min(size, shares);
    if (askLots > 0) levels.push({ side: 'SELL', priceCents: ask, lots: askLots });
    shares -= askLots;
  }
  return levels;
}

/** Whether an owner on the book is the house, whose trades are the market's own. */
export function isHouse(ownerId: string): boolean {
  return ownerId === HOUSE.maker || ownerId === HOUSE.crowd;
}
