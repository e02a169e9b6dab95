import { silent } from '../../fixtures/notifier-rig.js';
import type { AttemptResult } from '../deliveries/delivery.js';
import { Settlement } from './settlement.js';

const result = (attempt: number): AttemptResult => ({
  delivery: {
    endpointId: 'whe_1',
    eventId: String(attempt),
    attempts: 0,
    dueAtMs: 0,
    body: Buffer.alloc(0),
    target: undefined,
  },
  attempt,
  status: 'delivered',
  atMs: 0,
  durationMs: 0,
});
const attempts = (results: readonly AttemptResult[]): number[] => results.map(({ attempt }) => attempt);

describe('Settlement', () => {
  it('writes what ends together in one statement', async () => {
    const writes: number[][] = [];
    const written: number[] = [];
    const settlement = new Settlement(
      async (results) => void writes.push(attempts(results)),
      (results) => written.push(...attempts(results)),
      silent,
    );
    for (const n of [1, 2, 3]) settlement.add(result(n));
    await settlement.close();
    expect(writes).toEqual([[1, 2, 3]]);
    expect(written).toEqual([1, 2, 3]);
  });

  it('keeps results while the database is away, and writes them once it is back', async () => {
    let failures = 2;
    const written: number[] = [];
    await new Promise<void>((resolve) => {
      const settlement = new Settlement(
        () => (failures-- > 0 ? Promise.reject(new Error('away')) : Promise.resolve()),
        (results) => {
          written.push(...attempts(results));
          if (written.length === 2) resolve();
        },
        silent,
      );
      settlement.add(result(1));
      setTimeout(() => settlement.add(result(2)), 20); // arrives while the first waits
    });
    expect(written).toEqual([1, 2]);
  });

  it('does not hold up a stop for a database that stays away', async () => {
    let tries = 0;
    const away = (): Promise<void> => Promise.reject(new Error(`away ${++tries}`));
    const settlement = new Settlement(away, () => undefined, silent);
    settlement.add(result(1));
    await settlement.close();
    expect(tries).toBeLessThanOrEqual(3);
  });
});
