import { TransientError } from '@tickwire/errors';
import { assertClaimCall, assertPendingCall, CLAIM_LEASE_MS } from './claim-store.js';
import type { ClaimOutcome, ClaimStore, DoneClaim, PendingClaim } from './claim-store.js';

type Held<C> = { readonly claim: C; readonly expiresAtMs: number };
type HeldPending = Held<PendingClaim> & { readonly leaseUntilMs: number };

export interface InProcessClaimStoreOptions {
  /** The clock, ms since any fixed point; it must not run backwards. */
  now: () => number;
  leaseMs?: number;
  /** Keys held at most. Beyond it the oldest answers are forgotten. */
  maxKeys?: number;
}

const DEFAULT_MAX_KEYS = 200_000;
/** Oldest keys looked at for expiry with each write: more than a write adds, so that dead ones do not pile up. */
const SWEEP_KEYS = 4;

/**
 * Claims in the memory of one process: for the embedded default, where the door has no replica. Each method runs to
 * its end without waiting for anything, which makes it atomic.
 */
export class InProcessClaimStore implements ClaimStore {
  // Both in the order of writing: oldest first.
  readonly #pending = new Map<string, HeldPending>();
  readonly #done = new Map<string, Held<DoneClaim>>();
  readonly #now: () => number;
  readonly #leaseMs: number;
  readonly #maxKeys: number;

  constructor({ now, leaseMs = CLAIM_LEASE_MS, maxKeys = DEFAULT_MAX_KEYS }: InProcessClaimStoreOptions) {
    this.#now = now;
    this.#leaseMs = leaseMs;
    this.#maxKeys = maxKeys;
  }

  async claim(keys: readonly string[], pending: PendingClaim, ttlMs: number): Promise<ClaimOutcome> {
    assertPendingCall(keys, ttlMs, this.#leaseMs);
    const nowMs = this.#now();
    const standing = this.#standing(keys, nowMs);
    if (standing.some(({ claim }) => claim.bodyHash !== pending.bodyHash)) return { kind: 'other-body' };
    const done = standing.find(({ claim }) => claim.state === 'done')?.claim;
    if (done?.state === 'done') return { kind: 'done-same-body', claim: done };
    const others = standing.filter(isPending).filter(({ claim }) => claim.token !== pending.token);
    const young = others.find(({ leaseUntilMs }) => leaseUntilMs > nowMs);
    if (young) return { kind: 'pending-young', claim: young.claim, leaseLeftMs: young.leaseUntilMs - nowMs };
    if (others[0]) return { kind: 'pending-expired', claim: others[0].claim };
    this.#writePending(keys, pending, nowMs, ttlMs);
    return { kind: 'first' };
  }

  async takeOver(
    keys: readonly string[],
    expired: PendingClaim,
    token: string,
    ttlMs: number,
  ): Promise<PendingClaim | undefined> {
    assertPendingCall(keys, ttlMs, this.#leaseMs);
    const nowMs = this.#now();
    const standing = this.#standing(keys, nowMs);
    const free = standing.every(
      (held) =>
        isPending(held) &&
        held.claim.bodyHash === expired.bodyHash &&
        (held.claim.token === token || held.leaseUntilMs <= nowMs),
    );
    const held = standing.filter(isPending).some(({ claim }) => [expired.token, token].includes(claim.token));
    if (!free || !held) return undefined;
    const taken: PendingClaim = { ...expired, token };
    this.#writePending(keys, taken, nowMs, ttlMs);
    return taken;
  }

  async complete(keys: readonly string[], done: DoneClaim, ttlMs: number): Promise<void> {
    assertClaimCall(keys, ttlMs);
    const nowMs = this.#now();
    for (const key of keys) {
      const held = this.#at(key, nowMs);
      if (held !== undefined && !(isPending(held) && held.claim.bodyHash === done.bodyHash)) continue;
      if (held === undefined) this.#makeRoom(1, nowMs);
      this.#pending.delete(key);
      this.#done.set(key, { claim: done, expiresAtMs: nowMs + ttlMs });
    }
  }

  async release(keys: readonly string[], pending: PendingClaim): Promise<void> {
    for (const key of keys) {
      if (this.#pending.get(key)?.claim.token === pending.token) this.#pending.delete(key);
    }
  }

  /** Keys held now, expired ones included until they are swept. */
  get size(): number {
    return this.#pending.size + this.#done.size;
  }

  #standing(keys: readonly string[], nowMs: number): (HeldPending | Held<DoneClaim>)[] {
    return keys.map((key) => this.#at(key, nowMs)).filter((held) => held !== undefined);
  }

  #at(key: string, nowMs: number): HeldPending | Held<DoneClaim> | undefined {
    const held = this.#done.get(key) ?? this.#pending.get(key);
    if (held === undefined || held.expiresAtMs > nowMs) return held;
    this.#done.delete(key);
    this.#pending.delete(key);
    return undefined;
  }

  #writePending(keys: readonly string[], claim: PendingClaim, nowMs: number, ttlMs: number): void {
    this.#makeRoom(keys.filter((key) => !this.#pending.has(key)).length, nowMs);
    const held = { claim, leaseUntilMs: nowMs + this.#leaseMs, expiresAtMs: nowMs + ttlMs };
    for (const key of keys) {
      this.#pending.delete(key); // so that it moves to the end of the order
      this.#pending.set(key, held);
    }
  }

  /**
   * Makes room for `count` keys, or throws before anything was written. Only answers are forgotten early: that costs
   * a sender a second append under the same ids, while a forgotten pending claim would let two callers be the first.
   */
  #makeRoom(count: number, nowMs: number): void {
    sweep(this.#done, nowMs, SWEEP_KEYS);
    sweep(this.#pending, nowMs, SWEEP_KEYS);
    for (const key of this.#done.keys()) {
      if (this.size + count <= this.#maxKeys) return;
      this.#done.delete(key);
    }
    if (this.size + count <= this.#maxKeys) return;
    sweep(this.#pending, nowMs, Infinity);
    if (this.size + count > this.#maxKeys) throw new TransientError('The claim store is full of pending requests');
  }
}

function isPending(held: HeldPending | Held<DoneClaim>): held is HeldPending {
  return held.claim.state === 'pending';
}

/** Removes the expired ones among the `limit` oldest keys. */
function sweep(held: Map<string, Held<PendingClaim | DoneClaim>>, nowMs: number, limit: number): void {
  let left = limit;
  for (const [key, { expiresAtMs }] of held) {
    if (left-- === 0) return;
    if (expiresAtMs <= nowMs) held.delete(key);
  }
}
