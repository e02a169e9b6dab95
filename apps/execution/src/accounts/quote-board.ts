import type { MarketQuote } from '@tickwire/contracts';
import { isFreshQuote, type Quote } from '@tickwire/fills';
import { dollarShare, parsePrice } from '@tickwire/ledger';

/** All instruments of one source at one step. */
export interface SourceQuote {
  quoteId: string;
  source: string;
  step: number;
  stepMs: number;
  quotedAtMs: number;
  prices: ReadonlyMap<string, Quote>;
}

/** The latest applied quote of each source. Quotes are applied between batches, never inside one. */
export class QuoteBoard {
  private readonly latest = new Map<string, SourceQuote>();

  /** @returns whether it was newer than what stood there */
  apply(quote: SourceQuote): boolean {
    const standing = this.latest.get(quote.source);
    if (standing && standing.step >= quote.step) return false;
    this.latest.set(quote.source, quote);
    return true;
  }

  /** @returns undefined where there is none, or none fresh enough to trade on */
  fresh(source: string, nowMs: number): SourceQuote | undefined {
    const quote = this.latest.get(source);
    if (!quote) return undefined;
    const { quotedAtMs, stepMs } = quote;
    return isFreshQuote({ quotedAtMs, nowMs, stepMs, clock: stepMs === 0 ? 'held' : 'running' }) ? quote : undefined;
  }
}

/** An event's quote in price steps; instruments whose prices do not fit the venue are left out. */
export function readQuote(event: MarketQuote): SourceQuote {
  const prices = new Map<string, Quote>();
  for (const { symbol, bid, ask } of event.quotes) {
    const instrument = dollarShare(symbol);
    const bidSteps = parsePrice(bid, instrument);
    const askSteps = parsePrice(ask, instrument);
    if (typeof bidSteps === 'number' && typeof askSteps === 'number' && bidSteps > 0 && askSteps >= bidSteps) {
      prices.set(symbol, { bidSteps, askSteps });
    }
  }
  const { quoteId, source, step, stepMs, quotedAt } = event;
  return { quoteId, source, step, stepMs, quotedAtMs: Date.parse(quotedAt), prices };
}
