import { decodeEvent, marketQuote, type EventEnvelope, type MarketQuote } from '@tickwire/contracts';
import type { LogSink, Queryable } from '@tickwire/event-log';
import { readQuote, type SourceQuote } from './quote-board.js';

/**
 * The quotes of worlds whose clocks stand or are slow. They stay fresh, while the log keeps them for an hour and has those of
 * other worlds behind them: whoever begins later finds them here.
 */
export async function loadHeldQuotes(db: Queryable, sink: LogSink): Promise<SourceQuote[]> {
  const { rows } = await db.query<{ world_id: string; held_quote: string }>(
    `SELECT "world_id", "held_quote" FROM "world_state" WHERE "held_quote" IS NOT NULL`,
  );
  return rows.flatMap(({ world_id: worldId, held_quote: text }) => {
    try {
      const { data } = decodeEvent(marketQuote.topic, Buffer.from(text)) as EventEnvelope<MarketQuote>;
      return [readQuote(data)];
    } catch (error) {
      // Without it the world's accounts wait for its next tick; the others must not.
      sink.warn({ worldId, err: error }, 'the quote of a world that stands cannot be read');
      return [];
    }
  });
}
