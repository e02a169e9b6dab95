import { breakerStep, canSend, CLOSED_BREAKER } from '@tickwire/delivery';
import type { BreakerEvent, BreakerSettings, BreakerState } from '@tickwire/delivery';
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
  readonly #settings: BreakerSettings;
  readonly #now: () => number;
  /** Open while the shared claims are left alone. */
  #breaker: BreakerState = CLOSED_BREAKER;

  constructor(
    private readonly shared: ClaimStore,
    private readonly own: ClaimStore,
    private readonly options: FallbackClaimStoreOptions,
  ) {
    const { failuresToOpen = 3, retryMs = 1_000 } = options;
    this.#settings = { failureThreshold: failuresToOpen, openMs: retryMs, successThreshold: 1 };
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
    if (!canSend(this.#breaker, this.#now(), this.#settings)) return call(this.own);
    this.#step('sent');
    try {
      const result = await call(this.shared);
      this.#step('succeeded');
      return result;
    } catch (error) {
      if (!TransientError.is(error)) {
        this.#step('abandoned');
        throw error;
      }
      this.#step('failed', error);
      return call(this.own);
    }
  }

  #step(event: BreakerEvent, cause?: unknown): void {
    const before = this.#breaker.phase;
    this.#breaker = breakerStep(this.#breaker, event, this.#now(), this.#settings);
    const after = this.#breaker.phase;
    if (before === 'closed' && after === 'open') this.options.onFallback(true, cause);
    if (before !== 'closed' && after === 'closed') this.options.onFallback(false);
  }
}
