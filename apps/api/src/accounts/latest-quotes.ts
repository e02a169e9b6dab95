import type { MarketQuote } from '@tickwire/contracts';
import { parseMinor } from './amounts.js';

/** Prices in cents. */
export interface QuotedPrice {
  bid: number;
  ask: number;
}

/** The latest quote of each source that this process has heard: what positions could be closed at now. */
export class LatestQuotes {
  private readonly sources = new Map<string, { step: number; prices: ReadonlyMap<string, QuotedPrice> }>();

  /** A step at or below the known one is ignored. */
  heard({ source, step, quotes }: MarketQuote): void {
    if (step <= (this.sources.get(source)?.step ?? -1)) return;
    const prices = new Map<string, QuotedPrice>();
    for (const quote of quotes) {
      const bid = parseMinor(quote.bid);
      const ask = parseMinor(quote.ask);
      if (bid !== undefined && ask !== undefined) prices.set(quote.symbol, { bid, ask });
    }
    this.sources.set(source, { step, prices });
  }

  /** @returns undefined while no quote of the source has been heard */
  of(source: string): ReadonlyMap<string, QuotedPrice> | undefined {
    return this.sources.get(source)?.prices;
  }
}
