import type { Delivery } from '../deliveries/delivery.js';
import { HeldDeliveries } from './held-deliveries.js';

const delivery = (eventId: string): Delivery => ({
  endpointId: 'whe_1',
  eventId,
  attempts: 0,
  dueAtMs: 0,
  body: Buffer.alloc(0),
  target: undefined,
});

describe('HeldDeliveries', () => {
  const [a, b] = [delivery('a'), delivery('b')];

  it('allows an attempt only if it would end within the lease', () => {
    const held = new HeldDeliveries(30_000);
    held.add(a, 0);
    expect(held.lasts(a, 15_000, 15_000)).toBe(true);
    expect(held.lasts(a, 15_001, 15_000)).toBe(false);
    expect(held.lasts(b, 0, 1)).toBe(false);
  });

  it('names what needs renewing early enough, and believes the database about what is still ours', () => {
    const held = new HeldDeliveries(30_000);
    held.add(a, 0);
    held.add(b, 0);
    expect(held.aging(4_000)).toEqual([]);
    expect(held.aging(5_001)).toEqual([a, b]);
    held.renewed([a, b], new Set(['whe_1 a']), 5_001);
    expect([held.lasts(a, 20_000, 15_000), held.lasts(b, 5_001, 1)]).toEqual([true, false]);
  });
});
