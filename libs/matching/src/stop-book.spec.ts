import fc from 'fast-check';
import { StopBook, type StopOrder } from './stop-book.js';

describe('StopBook', () => {
  it('triggers at a touch and not before', () => {
    const book = new StopBook();
    book.add({ id: 'buy', side: 'BUY', stopSteps: 110, sequence: 1 });
    book.add({ id: 'sell', side: 'SELL', stopSteps: 90, sequence: 2 });
    expect(book.trigger(91, 109)).toEqual([]);
    expect(book.trigger(109, 110).map((stop) => stop.id)).toEqual(['buy']);
    expect(book.trigger(90, 91).map((stop) => stop.id)).toEqual(['sell']);
    expect(book.size).toBe(0);
  });

  it('orders what one move triggers by distance, then by acceptance', () => {
    const book = new StopBook();
    book.add({ id: 'near', side: 'SELL', stopSteps: 81, sequence: 1 });
    book.add({ id: 'far-young', side: 'SELL', stopSteps: 95, sequence: 3 });
    book.add({ id: 'far-old', side: 'SELL', stopSteps: 95, sequence: 2 });
    expect(book.trigger(80, 82).map((stop) => stop.id)).toEqual(['far-old', 'far-young', 'near']);
  });

  it('triggers exactly the stops a plain search finds, cancelled ones never', () => {
    const stops = fc.array(
      fc.record({ buy: fc.boolean(), stopSteps: fc.integer({ min: 90, max: 110 }), cancel: fc.boolean() }),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(stops, fc.array(fc.integer({ min: 88, max: 112 }), { maxLength: 10 }), (wanted, bids) => {
        const book = new StopBook();
        let waiting: StopOrder[] = wanted.map(({ buy, stopSteps }, sequence) => ({
          id: `s${sequence}`,
          side: buy ? 'BUY' : 'SELL',
          stopSteps,
          sequence,
        }));
        for (const stop of waiting) book.add(stop);
        for (const stop of waiting) if (wanted[stop.sequence]?.cancel) expect(book.cancel(stop.id)).toBe(true);
        waiting = waiting.filter((stop) => !wanted[stop.sequence]?.cancel);
        for (const bid of bids) {
          const due = waiting.filter((stop) =>
            stop.side === 'BUY' ? bid + 1 >= stop.stopSteps : bid <= stop.stopSteps,
          );
          waiting = waiting.filter((stop) => !due.includes(stop));
          expect(new Set(book.trigger(bid, bid + 1))).toEqual(new Set(due));
        }
        expect(book.size).toBe(waiting.length);
        expect(book.cancel('unknown')).toBe(false);
      }),
    );
  });
});
