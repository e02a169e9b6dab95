import { TransientError } from '@tickwire/errors';
import type { ClaimStore, PendingClaim } from './claim-store.js';
import { FallbackClaimStore } from './fallback-claim-store.js';
import { InProcessClaimStore } from './in-process-claim-store.js';

/** Shared claims that can be away. */
class Away implements ClaimStore {
  away = false;
  calls = 0;
  private readonly inner = new InProcessClaimStore({ now: () => performance.now() });

  private reach<T>(call: () => Promise<T>): Promise<T> {
    this.calls += 1;
    return this.away ? Promise.reject(new TransientError('away')) : call();
  }

  claim = (...args: Parameters<ClaimStore['claim']>) => this.reach(() => this.inner.claim(...args));
  takeOver = (...args: Parameters<ClaimStore['takeOver']>) => this.reach(() => this.inner.takeOver(...args));
  complete = (...args: Parameters<ClaimStore['complete']>) => this.reach(() => this.inner.complete(...args));
  release = (...args: Parameters<ClaimStore['release']>) => this.reach(() => this.inner.release(...args));
}

const TTL_MS = 60_000;
const pendingOf = (token: string): PendingClaim => ({
  state: 'pending',
  token,
  bodyHash: 'b',
  ids: { webhookId: 'w', signalId: 's' },
  sinceMs: 0,
});

describe('claims while the shared store is away', () => {
  const build = () => {
    let nowMs = 0;
    const told: boolean[] = [];
    const shared = new Away();
    const own = new InProcessClaimStore({ now: () => nowMs });
    const store = new FallbackClaimStore(shared, own, {
      onFallback: (active) => void told.push(active),
      now: () => nowMs,
    });
    return { shared, own, store, told, advance: (ms: number) => (nowMs += ms) };
  };

  it('are kept here: the door answers, and a repetition is still known', async () => {
    const { shared, store } = build();
    shared.away = true;
    expect(await store.claim(['k'], pendingOf('a'), TTL_MS)).toEqual({ kind: 'first' });
    expect((await store.claim(['k'], pendingOf('b'), TTL_MS)).kind).toBe('pending-young');
    const done = { state: 'done' as const, bodyHash: 'b', ids: { webhookId: 'w', signalId: 's' }, sinceMs: 0 };
    await store.complete(['k'], done, TTL_MS);
    expect(await store.claim(['k'], pendingOf('c'), TTL_MS)).toMatchObject({
      kind: 'done-same-body',
      claim: done,
    });
  });

  it('do not cost each request a try: after three failures one in a second asks, until one is answered', async () => {
    const { shared, store, told, advance } = build();
    shared.away = true;
    for (let n = 0; n < 10; n += 1) await store.claim([`k${n}`], pendingOf('a'), TTL_MS);
    expect([shared.calls, told]).toEqual([3, [true]]);
    advance(1_000);
    await Promise.all([1, 2, 3].map((n) => store.claim([`l${n}`], pendingOf('a'), TTL_MS)));
    expect([shared.calls, told]).toEqual([4, [true]]);
    shared.away = false;
    advance(1_000);
    await store.claim(['m'], pendingOf('a'), TTL_MS);
    await store.claim(['n'], pendingOf('a'), TTL_MS);
    expect([shared.calls, told]).toEqual([6, [true, false]]);
  });

  it('are given back wherever they were made', async () => {
    const { shared, own, store } = build();
    shared.away = true;
    await store.claim(['k'], pendingOf('a'), TTL_MS);
    shared.away = false;
    await store.release(['k'], pendingOf('a'));
    expect(await own.claim(['k'], pendingOf('b'), TTL_MS)).toEqual({ kind: 'first' });
  });

  it('let a caller’s bug through', async () => {
    const { store } = build();
    await expect(store.claim([], pendingOf('a'), TTL_MS)).rejects.toThrow('a claim needs a key');
  });
});
