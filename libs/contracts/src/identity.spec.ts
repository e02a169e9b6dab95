import fc from 'fast-check';
import { v5 } from 'uuid';
import { derivedId, malformedEventId, signalEventId } from './identity.js';

const NAMESPACE = '6f0f1c52-7f0c-4c39-9b2e-6f5f1f2f8a11';

describe('name-based ids', () => {
  it('are UUIDv5 under our namespace, as any library makes them', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), fc.nat(), (one, other, ordinal) => {
        expect(signalEventId(one, other, 's')).toBe(v5(JSON.stringify(['signal', one, other, 's']), NAMESPACE));
        expect(malformedEventId(one, other)).toBe(v5(JSON.stringify(['malformed', one, other]), NAMESPACE));
        expect(derivedId(one, other, ordinal)).toBe(v5(JSON.stringify(['derived', one, other, ordinal]), NAMESPACE));
      }),
    );
  });

  it('never change: records that were written before carry them', () => {
    expect(signalEventId('ten_1', 'acc_1', 's-1')).toBe('9e54b7d4-e400-583f-8029-f4a981321ee9');
    expect(derivedId('cause', 'fill', 2)).toBe('55582eaa-693a-5a06-8c6f-43eaac02fcfa');
  });
});
