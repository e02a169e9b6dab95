import { Type } from 'class-transformer';
import { IsArray, IsInt, IsString, Length, Matches, Min, ValidateNested } from 'class-validator';
import { defineEvent } from '../define-event.js';
import { INSTANT, SYMBOL, UNSIGNED_DECIMAL } from '../formats.js';
import sample from './market-quote.sample.json' with { type: 'json' };

/** Best bid and ask of one instrument. */
export class InstrumentQuote {
  @Matches(SYMBOL) symbol!: string;
  @Matches(UNSIGNED_DECIMAL) bid!: string;
  @Matches(UNSIGNED_DECIMAL) ask!: string;
}

/** `market.quote`: all instruments of one source at one step. Fresh for at most max(3 steps, 3 s). */
export class MarketQuote {
  /** `<source>:<step>`. */
  @IsString() @Length(1, 128) quoteId!: string;
  @IsString() @Length(1, 64) source!: string;
  @IsInt() @Min(0) step!: number;
  /** Wall time between steps, ms; 0 for a source that is stepped by hand or paused: its last quote stays fresh. */
  @IsInt() @Min(0) stepMs!: number;
  @Matches(INSTANT) quotedAt!: string;
  @IsArray() @ValidateNested({ each: true }) @Type(() => InstrumentQuote) quotes!: InstrumentQuote[];
}

export const marketQuote = defineEvent<MarketQuote>({
  type: 'market.quote',
  version: 1,
  summary: 'Bid and ask of all instruments of a source at one step.',
  payload: MarketQuote,
  key: (data) => data.source,
  keyedBy: 'source',
  producers: ['execution'],
  consumers: ['execution', 'api'],
  sample: sample as MarketQuote,
});
