import { CLAIM_LEASE_MS } from './claim-store.js';
import type { ClaimStore, DoneClaim, PendingClaim } from './claim-store.js';

/** What the suite needs to know of an adapter. */
export interface ClaimStoreHarness {
  /** Opens a store with nothing in it. */
  open(options: { leaseMs: number }): Promise<OpenClaimStore>;
  /** The shortest lease that a test can wait for without hurry, ms. */
  shortMs: number;
}

export interface OpenClaimStore {
  store: ClaimStore;
  /** The same claims through another replica, where the adapter allows several. */
  replica: ClaimStore;
  /** Lets at least `ms` of the store's time pass. */
  pass(ms: number): Promise<void>;
}

const KEYS = ['nonce-1', 'signal-1'];
const MINUTE_MS = 60_000;
const answer = { status: 202, headers: { location: '/s/1' }, body: '{"status":"received","note":"€ \\u0000"}' };

function pendingClaim(change: Partial<PendingClaim> = {}): PendingClaim {
  const ids = { webhookId: 'w-1', signalId: 's-1' };
  return { state: 'pending', token: 'owner', bodyHash: 'body', ids, sinceMs: 1_769_851_800_123, ...change };
}
function doneClaim({ bodyHash, ids, sinceMs }: PendingClaim, body = answer.body): DoneClaim {
  return { state: 'done', bodyHash, ids, sinceMs, answer: { ...answer, body } };
}

/** What every claim store promises, whatever it is made of. */
export function describeClaimStore(name: string, harness: ClaimStoreHarness): void {
  describe(`${name} as a claim store`, () => {
    const owner = pendingClaim();
    const retry = pendingClaim({ token: 'retry' });
    const stranger = pendingClaim({ token: 'stranger', bodyHash: 'other body' });
    /** A store in which `owner` has left its claim behind, its lease over. */
    async function openAbandoned(): Promise<OpenClaimStore> {
      const opened = await harness.open({ leaseMs: harness.shortMs });
      await opened.store.claim(KEYS, owner, MINUTE_MS);
      await opened.pass(harness.shortMs);
      return opened;
    }
    const openFresh = () => harness.open({ leaseMs: CLAIM_LEASE_MS });

    it('lets exactly one of fifty concurrent callers be the first, over all replicas', async () => {
      const { store, replica } = await openFresh();
      const callers = Array.from({ length: 50 }, (_, index) => pendingClaim({ token: `caller ${index}` }));
      const outcomes = await Promise.all(
        callers.map((caller, index) => (index % 2 ? replica : store).claim(KEYS, caller, MINUTE_MS)),
      );
      const kinds = outcomes.map(({ kind }) => kind).sort();
      expect(kinds).toEqual(['first', ...Array<string>(49).fill('pending-young')]);
    });

    it('shows a young pending claim as it was made, and how long its lease still runs', async () => {
      const { store, replica } = await openFresh();
      expect(await store.claim(KEYS, owner, MINUTE_MS)).toEqual({ kind: 'first' });
      const outcome = await replica.claim(KEYS, retry, MINUTE_MS);
      expect(outcome).toEqual({ kind: 'pending-young', claim: owner, leaseLeftMs: expect.any(Number) });
      const { leaseLeftMs } = outcome as { leaseLeftMs: number };
      expect(leaseLeftMs).toBeGreaterThan(0);
      expect(leaseLeftMs).toBeLessThanOrEqual(CLAIM_LEASE_MS);
    });

    it('answers a claim that is repeated with the same token as the first one', async () => {
      const { store } = await openFresh();
      await store.claim(KEYS, owner, MINUTE_MS);
      expect(await store.claim(KEYS, owner, MINUTE_MS)).toEqual({ kind: 'first' });
    });

    it('claims all keys or none', async () => {
      const { store } = await openFresh();
      await store.claim(['signal-1'], owner, MINUTE_MS);
      expect((await store.claim(['nonce-2', 'signal-1'], retry, MINUTE_MS)).kind).toBe('pending-young');
      expect((await store.claim(['nonce-3', 'signal-1'], stranger, MINUTE_MS)).kind).toBe('other-body');
      expect(await store.claim(['nonce-2', 'nonce-3'], stranger, MINUTE_MS)).toEqual({ kind: 'first' });
    });

    it('tells another body under any of the keys, pending or done', async () => {
      const { store } = await openFresh();
      await store.claim(KEYS, owner, MINUTE_MS);
      for (const keys of [KEYS, ['nonce-1', 'x'], ['x', 'signal-1']]) {
        expect(await store.claim(keys, stranger, MINUTE_MS)).toEqual({ kind: 'other-body' });
      }
      await store.complete(KEYS, doneClaim(owner), MINUTE_MS);
      expect(await store.claim(['x', 'signal-1'], stranger, MINUTE_MS)).toEqual({ kind: 'other-body' });
    });

    it('replays the answer byte for byte once it is done, under a new nonce too', async () => {
      const { store, replica } = await openFresh();
      await store.claim(KEYS, owner, MINUTE_MS);
      await store.complete(KEYS, doneClaim(owner), MINUTE_MS);
      for (const keys of [KEYS, ['nonce-2', 'signal-1'], ['nonce-1']]) {
        const outcome = await replica.claim(keys, retry, MINUTE_MS);
        expect(outcome).toEqual({ kind: 'done-same-body', claim: doneClaim(owner) });
      }
    });

    it('keeps the first answer when it is completed again', async () => {
      const { store } = await openFresh();
      await store.claim(KEYS, owner, MINUTE_MS);
      await store.complete(KEYS, doneClaim(owner), MINUTE_MS);
      await store.complete(KEYS, doneClaim(owner, 'a later answer'), MINUTE_MS);
      expect(await store.claim(KEYS, retry, MINUTE_MS)).toEqual({ kind: 'done-same-body', claim: doneClaim(owner) });
    });

    it('keeps an answer whose claim was lost, and leaves another body alone', async () => {
      const { store } = await openFresh();
      await store.claim(['signal-1'], stranger, MINUTE_MS);
      await store.complete(KEYS, doneClaim(owner), MINUTE_MS);
      expect((await store.claim(['nonce-1'], retry, MINUTE_MS)).kind).toBe('done-same-body');
      expect((await store.claim(['signal-1'], retry, MINUTE_MS)).kind).toBe('other-body');
    });

    it('frees every key when its owner releases', async () => {
      const { store } = await openFresh();
      await store.claim(KEYS, owner, MINUTE_MS);
      await store.release(KEYS, owner);
      for (const key of KEYS) expect((await store.claim([key], stranger, MINUTE_MS)).kind).toBe('first');
    });

    it('ignores a release by anybody but the owner, and after the answer', async () => {
      const { store } = await openFresh();
      await store.claim(KEYS, owner, MINUTE_MS);
      await store.release(KEYS, retry);
      expect((await store.claim(KEYS, retry, MINUTE_MS)).kind).toBe('pending-young');
      await store.complete(KEYS, doneClaim(owner), MINUTE_MS);
      await store.release(KEYS, owner);
      expect((await store.claim(KEYS, retry, MINUTE_MS)).kind).toBe('done-same-body');
    });

    it('refuses to take over what is young, done, released, or of another body', async () => {
      const { store } = await openFresh();
      expect(await store.takeOver(KEYS, owner, 'retry', MINUTE_MS)).toBeUndefined();
      await store.claim(KEYS, owner, MINUTE_MS);
      expect(await store.takeOver(KEYS, owner, 'retry', MINUTE_MS)).toBeUndefined();
      expect(await store.takeOver(KEYS, stranger, 'retry', MINUTE_MS)).toBeUndefined();
      await store.complete(KEYS, doneClaim(owner), MINUTE_MS);
      expect(await store.takeOver(KEYS, owner, 'retry', MINUTE_MS)).toBeUndefined();
      expect((await store.claim(KEYS, retry, MINUTE_MS)).kind).toBe('done-same-body');
    });

    it('offers a pending claim for takeover once its lease is over, and still tells another body', async () => {
      const { store } = await openAbandoned();
      expect(await store.claim(KEYS, retry, MINUTE_MS)).toEqual({ kind: 'pending-expired', claim: owner });
      expect(await store.claim(KEYS, stranger, MINUTE_MS)).toEqual({ kind: 'other-body' });
    });

    it('lets exactly one of fifty callers take over, under the same ids and time of receipt', async () => {
      // A lease that is over for the abandoned claim, and long for the one who takes it over.
      const { store, replica, pass } = await harness.open({ leaseMs: harness.shortMs * 20 });
      await store.claim(KEYS, owner, MINUTE_MS);
      await pass(harness.shortMs * 20);
      const takeovers = await Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          (index % 2 ? replica : store).takeOver(KEYS, owner, `caller ${index}`, MINUTE_MS),
        ),
      );
      const [taken, ...others] = takeovers.filter((claim) => claim !== undefined);
      expect(others).toEqual([]);
      expect(taken).toEqual({ ...owner, token: expect.stringMatching(/^caller \d+$/) });
      const outcome = await store.claim(KEYS, retry, MINUTE_MS);
      expect(outcome).toMatchObject({ kind: 'pending-young', claim: taken });
    });

    it('answers a takeover that is repeated with the same token as the first one', async () => {
      const { store } = await openAbandoned();
      const taken = await store.takeOver(KEYS, owner, 'retry', MINUTE_MS);
      expect(taken).toEqual(retry);
      expect(await store.takeOver(KEYS, owner, 'retry', MINUTE_MS)).toEqual(taken);
    });

    it('claims the keys that nobody holds with a takeover, such as a new nonce', async () => {
      const { store } = await openAbandoned();
      const keys = ['nonce-2', 'signal-1'];
      expect(await store.takeOver(keys, owner, 'retry', MINUTE_MS)).toEqual(retry);
      await store.complete(keys, doneClaim(retry), MINUTE_MS);
      // The first nonce still carries the abandoned claim; the answer under the signal is what counts.
      for (const nonce of ['nonce-1', 'nonce-2']) {
        expect((await store.claim([nonce, 'signal-1'], stranger, MINUTE_MS)).kind).toBe('other-body');
        const outcome = await store.claim([nonce, 'signal-1'], pendingClaim({ token: 'later' }), MINUTE_MS);
        expect(outcome).toEqual({ kind: 'done-same-body', claim: doneClaim(owner) });
      }
    });

    it('takes over again what was taken over and abandoned, through either nonce', async () => {
      const { store, pass } = await openAbandoned();
      await store.takeOver(['nonce-2', 'signal-1'], owner, 'retry', MINUTE_MS);
      await pass(harness.shortMs);
      const outcome = await store.claim(KEYS, pendingClaim({ token: 'third' }), MINUTE_MS);
      expect(outcome.kind).toBe('pending-expired');
      const { claim } = outcome as { claim: PendingClaim };
      expect(await store.takeOver(KEYS, claim, 'third', MINUTE_MS)).toMatchObject({ token: 'third' });
      await store.complete(KEYS, doneClaim(owner), MINUTE_MS);
      expect((await store.claim(['nonce-2', 'signal-1'], retry, MINUTE_MS)).kind).toBe('done-same-body');
    });

    it('does not let the late release of the first owner delete the claim of the next', async () => {
      const { store } = await openAbandoned();
      await store.takeOver(KEYS, owner, 'retry', MINUTE_MS);
      await store.release(KEYS, owner);
      expect((await store.claim(KEYS, stranger, MINUTE_MS)).kind).toBe('other-body');
      await store.release(KEYS, retry);
      expect((await store.claim(KEYS, stranger, MINUTE_MS)).kind).toBe('first');
    });

    it('accepts the answer of the first owner after a takeover: the ids are the same', async () => {
      const { store } = await openAbandoned();
      const taken = (await store.takeOver(KEYS, owner, 'retry', MINUTE_MS))!;
      await store.complete(KEYS, doneClaim(owner), MINUTE_MS);
      await store.complete(KEYS, doneClaim(taken, 'the answer of the second'), MINUTE_MS);
      const outcome = await store.claim(KEYS, pendingClaim({ token: 'later' }), MINUTE_MS);
      expect(outcome).toEqual({ kind: 'done-same-body', claim: doneClaim(owner) });
    });

    it('forgets a pending claim and an answer after their own time', async () => {
      const { store, pass } = await harness.open({ leaseMs: harness.shortMs });
      await store.claim(['a'], owner, harness.shortMs * 2);
      await store.claim(['b'], owner, MINUTE_MS);
      await store.complete(['b'], doneClaim(owner), harness.shortMs * 2);
      await store.claim(['c'], owner, harness.shortMs * 2);
      await store.complete(['c'], doneClaim(owner), MINUTE_MS);
      await pass(harness.shortMs * 2);
      expect((await store.claim(['a'], stranger, MINUTE_MS)).kind).toBe('first');
      expect((await store.claim(['b'], stranger, MINUTE_MS)).kind).toBe('first');
      expect((await store.claim(['c'], retry, MINUTE_MS)).kind).toBe('done-same-body');
    });

    it('refuses calls that only a bug can make', async () => {
      const { store } = await openFresh();
      await expect(store.claim([], owner, MINUTE_MS)).rejects.toThrow('needs a key');
      await expect(store.claim(KEYS, owner, CLAIM_LEASE_MS)).rejects.toThrow('outlive its lease');
      await expect(store.takeOver(KEYS, owner, 't', 1)).rejects.toThrow('outlive its lease');
      await expect(store.complete(KEYS, doneClaim(owner), 1.5)).rejects.toThrow('positive integer');
    });
  });
}
