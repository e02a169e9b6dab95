import { TransientError } from '@tickwire/errors';
import type { ClaimOutcome, ClaimStore, DoneClaim, PendingClaim } from './claim-store.js';

export interface FallbackClaimStoreOptions {
  /** Failures in a row after which the shared claims are left alone. */
  failuresToOpen?: number;
  /** How long they are left alone before one call tries them again, ms. */
  retryMs?: number;
  /** Told when this replica begins (with the failure) and ends to keep claims by itself. */
  onFallback(active: boolean, cause?: unknown): void;
  /** Monotonic, ms. */
  now?: () => number;
}

/**
 * Shared claims, and this replica's own while those are out of reach: the door does not stop. What is claimed here is
 * not known to other replicas, nor to this one later: a repetition may be appended again, under the same ids, and is
 * executed once all the same (the verdict and the signal's primary key stand behind the claims).
 */
export class FallbackClaimStore implements ClaimStore {
  readonly #failuresToOpen: number;
  readonly #retryMs: number;
  readonly #now: () => number;
  #failures = 0;
  /** While the shared claims are left alone: since when. */
  #awaySinceMs: number | undefined;

  constructor(
    private readonly shared: ClaimStore,
    private readonly own: ClaimStore,
    private readonly options: FallbackClaimStoreOptions,
  ) {
    this.#failuresToOpen = options.failuresToOpen ?? 3;
    this.#retryMs = options.retryMs ?? 1_000;
    this.#now = options.now ?? (() => performance.now());
  }

  claim(keys: readonly string[], pending: PendingClaim, ttlMs: number): Promise<ClaimOutcome> {
    return this.#try((store) => store.claim(keys, pending, ttlMs));
  }

  takeOver(
    keys: readonly string[],
    expired: PendingClaim,
    token: string,
    ttlMs: number,
  ): Promise<PendingClaim | undefined> {
    return this.#try((store) => store.takeOver(keys, expired, token, ttlMs));
  }

  complete(keys: readonly string[], done: DoneClaim, ttlMs: number): Promise<void> {
    return this.#try((store) => store.complete(keys, done, ttlMs));
  }

  async release(keys: readonly string[], pending: PendingClaim): Promise<void> {
    await this.#try((store) => store.release(keys, pending));
    // It may have been made here while the shared ones were away.
    await this.own.release(keys, pending);
  }

  async #try<T>(call: (store: ClaimStore) => Promise<T>): Promise<T> {
    const probe = this.#awaySinceMs !== undefined;
    if (probe && this.#now() - this.#awaySinceMs! < this.#retryMs) return call(this.own);
    // Others go on by themselves while this one tries.
    if (probe) this.#awaySinceMs = this.#now();
    try {
      const result = await call(this.shared);
      this.#failures = 0;
      if (this.#awaySinceMs !== undefined) {
        this.#awaySinceMs = undefined;
        this.options.onFallback(false);
      }
      return result;
    } catch (error) {
      if (!TransientError.is(error)) throw error;
      this.#failures += 1;
      if (this.#awaySinceMs === undefined && this.#failures >= this.#failuresToOpen) {
        this.#awaySinceMs = this.#now();
        this.options.onFallback(true, error);
      }
      return call(this.own);
    }
  }
}
