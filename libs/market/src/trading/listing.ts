import { OrderBook, StopBook, type Side } from '@tickwire/matching';
import type { Company } from '../prices/company.js';
import type { PriceState } from '../prices/price-process.js';

/** One of the market maker's orders on the book. Its id is `mmq_<sequence>`. */
export interface MakerQuote {
  id: string;
  sequence: number;
  side: Side;
  priceCents: number;
  lots: number;
}

/** A company on the market: its price, its book, and what this tick has seen of it. */
export interface Listing {
  readonly index: number;
  readonly company: Company;
  readonly price: PriceState;
  /** The last published quote; `middle` is not rounded. */
  quoted: { middle: number; priceCents: number; bidCents: number; askCents: number };
  /** Shares agents bought less those they sold to the house since the price last moved. */
  flowShares: number;
  /** The maker's live quotes, by id. */
  readonly makerQuotes: Map<string, MakerQuote>;
  /** Derived: every order on it is also an agent's order or a maker's quote. */
  book: OrderBook;
  /** Derived from the agents' open STOP orders. */
  stops: StopBook;
  /** This tick's own figures; not part of the state. */
  today: { previousCents: number; volume: number; highCents: number; lowCents: number; shock: number };
}

export function openListing(index: number, company: Company, price: PriceState, quoted: Listing['quoted']): Listing {
  return {
    index,
    company,
    price,
    quoted,
    flowShares: 0,
    makerQuotes: new Map(),
    book: new OrderBook(),
    stops: new StopBook(),
    today: freshFigures(quoted.priceCents),
  };
}

/** A tick's figures before anything has happened in it. */
export function freshFigures(priceCents: number): Listing['today'] {
  return { previousCents: priceCents, volume: 0, highCents: 0, lowCents: Infinity, shock: 0 };
}
