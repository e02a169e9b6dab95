import { usualDailyShares, dailySigma, TICKS_A_DAY } from '../prices/price-process.js';
import type { RandomSource } from '../random.js';
import type { Exchange } from './exchange.js';
import { inventoryPressure, makerLadder } from './market-maker.js';
import { protectionPrice } from './pre-trade.js';

/** The crowd's usual order, as a share of an average tick's volume, for a shock of one sigma. */
const CROWD_SHARE = 0.2;
/** How much a full or empty inventory of the maker tilts the crowd's choice of side. */
const CROWD_TILT = 0.4;

/** Takes the market maker's quotes off all books. */
export function withdrawQuotes({ state }: Exchange): void {
  for (const listing of state.listings) {
    for (const id of listing.makerQuotes.keys()) listing.book.cancel(id);
    listing.makerQuotes.clear();
  }
}

/**
 * Replaces the market maker's quotes by fresh ones around the published prices. Where prices have moved
 * through agents' resting orders, the new quotes trade with them.
 */
export function refillQuotes(exchange: Exchange): void {
  withdrawQuotes(exchange);
  const { state, ledger } = exchange;
  // An equal part for each company: whatever fills, the maker's cash suffices.
  const budgetCents = Math.floor(ledger.maker.cashCents / state.listings.length);
  const ownerId = ledger.maker.id;
  for (const listing of state.listings) {
    const sigma = dailySigma(listing.company, listing.price, state.economy);
    for (const { side, priceCents, lots } of makerLadder(listing, ledger.maker, sigma, budgetCents)) {
      const sequence = state.sequence++;
      const id = `mmq_${sequence}`;
      const result = listing.book.submit({ id, ownerId, side, type: 'LIMIT', lots, priceSteps: priceCents });
      if (result.restingLots > 0) {
        listing.makerQuotes.set(id, { id, sequence, side, priceCents, lots: result.restingLots });
      }
      exchange.settleHouse(listing, ledger.maker, side, id, result.fills);
    }
  }
}

/**
 * The crowd's market orders, one per company and tick: larger the larger the tick's shock, to either side by chance,
 * leaning to what relieves the maker. They give the market its volume and resting agents a counterparty.
 */
export function tradeCrowd(exchange: Exchange, random: RandomSource): void {
  const { state, ledger } = exchange;
  const { crowd, maker } = ledger;
  for (const listing of state.listings) {
    const { company, index, book } = listing;
    const draws = random.draws('crowd', company.symbol, state.tick);
    const pressure = inventoryPressure(maker, company, index);
    const side = draws.unit() < 0.5 + CROWD_TILT * pressure ? 'BUY' : 'SELL';
    const usual = (CROWD_SHARE * usualDailyShares(company)) / TICKS_A_DAY;
    const lots = 1 + Math.floor(usual * Math.abs(listing.today.shock) * 2 * draws.unit());
    const priceSteps = protectionPrice(side, listing);
    const held = crowd.positions.get(index)?.shares ?? 0;
    if (side === 'BUY' ? crowd.cashCents < lots * priceSteps : held < lots) continue;
    const id = exchange.nextId('crd');
    const result = book.submit({ id, ownerId: crowd.id, side, type: 'MARKET', lots, priceSteps });
    exchange.settleHouse(listing, crowd, side, id, result.fills);
  }
}
