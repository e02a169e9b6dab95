import { Controller, Inject } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { marketQuote, type MarketQuote } from '@tickwire/contracts';
import { BroadcastEvents, type ReceivedEvent } from '@tickwire/event-log';
import { LatestQuotes } from './latest-quotes.js';

/** Safe to redeliver: an older step than the known one is ignored. */
@Controller()
export class QuotesConsumer {
  constructor(@Inject(LatestQuotes) private readonly quotes: LatestQuotes) {}

  @BroadcastEvents({ name: 'api.quotes', events: [marketQuote], from: 'end' })
  heard(@Payload() events: readonly ReceivedEvent<MarketQuote>[]): void {
    // Only the newest of a burst is worth reading.
    const newest = new Map(events.map(({ event }) => [event.data.source, event.data]));
    for (const quote of newest.values()) this.quotes.heard(quote);
  }
}
