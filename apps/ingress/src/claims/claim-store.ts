import { strict as assert } from 'node:assert';

/**
 * What a request was given on its first claim. Whoever takes the claim over writes the same records under these ids,
 * so that the log and the stages behind it recognise the second writing.
 */
export interface ClaimedIds {
  /** Event id of `webhook.received`. */
  readonly webhookId: string;
  /** The sender's, or the one that was derived or drawn for him. */
  readonly signalId: string;
  /** Further ids by role, such as those of a batch's items. */
  readonly [role: string]: string;
}

/** The answer that was given, as it went out: a replay has the same bytes. */
export interface ClaimAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A request that is on its way into the log: its record may be there or not. */
export interface PendingClaim {
  readonly state: 'pending';
  /** Names the owner of this attempt; unique per attempt, drawn by the caller. */
  readonly token: string;
  /** Hash of the raw body: the same nonce with another body is another request. */
  readonly bodyHash: string;
  readonly ids: ClaimedIds;
  /** When the request was received, by the first caller's clock, ms since the epoch. A takeover keeps it. */
  readonly sinceMs: number;
}

/** A request whose record the log has acknowledged. */
export interface DoneClaim {
  readonly state: 'done';
  readonly bodyHash: string;
  readonly ids: ClaimedIds;
  /** As in the pending claim: ids and time give a signal's answer again, byte for byte. */
  readonly sinceMs: number;
  /** What cannot be made again from them: what became of each signal of a batch. */
  readonly answer?: ClaimAnswer;
}

/** What stood on the keys when a request claimed them. */
export type ClaimOutcome =
  /** Nothing: the caller owns the request now. */
  | { readonly kind: 'first' }
  /** The same request, in somebody's hands. `leaseLeftMs`, above 0, is after how long it may be taken over. */
  | { readonly kind: 'pending-young'; readonly claim: PendingClaim; readonly leaseLeftMs: number }
  /** The same request, left by somebody who did not finish it within his lease: take it over. */
  | { readonly kind: 'pending-expired'; readonly claim: PendingClaim }
  /** The same request, answered: replay the answer. */
  | { readonly kind: 'done-same-body'; readonly claim: DoneClaim }
  /** Another body under at least one of the keys. */
  | { readonly kind: 'other-body' };

/**
 * Remembers what has been taken in, so that a request sent again is answered again, not executed again.
 *
 * A request has up to two keys (`claimKeys`): by its nonce, and by its signal. Every call takes all keys of the
 * request and treats them as one. A claim lives until its `ttlMs` is over; a pending one may be taken over once its
 * lease is. Losing the store costs a second append of the same ids, never a second execution.
 *
 * Every method rejects with TransientError when the store cannot be reached in time. What it was asked for may have
 * happened all the same; each call may be repeated with the same arguments.
 */
export interface ClaimStore {
  /**
   * Claims all `keys` or none. Where claims of the same body stand, an answered one is told before a young pending
   * one, and that before an expired one. Repeated with the same token it is `first` again.
   * @param ttlMs how long the pending claim is remembered; longer than the lease
   */
  claim(keys: readonly string[], pending: PendingClaim, ttlMs: number): Promise<ClaimOutcome>;

  /**
   * Takes an expired pending claim over, under its ids and time of receipt, with a new lease. Of callers that saw the
   * same expired claim, one succeeds. Keys of this request that nobody holds are claimed with it.
   * @param token of the new owner
   * @returns the claim that the caller owns now; undefined when somebody else was faster: claim again
   */
  takeOver(
    keys: readonly string[],
    expired: PendingClaim,
    token: string,
    ttlMs: number,
  ): Promise<PendingClaim | undefined>;

  /**
   * Keeps the answer, once the log has acknowledged the record. The first answer stays; another owner of the same
   * request may have given it after a takeover. Keys under which another body stands are left alone; a key that was
   * lost meanwhile is written again.
   */
  complete(keys: readonly string[], done: DoneClaim, ttlMs: number): Promise<void>;

  /**
   * Lets the sender fix the request and send it again: removes the claim where it is still pending and still the
   * caller's own. A release that comes late, after a takeover or an answer, removes nothing.
   */
  release(keys: readonly string[], pending: PendingClaim): Promise<void>;
}

/** How long an owner may hold a pending claim before somebody else may take it over, ms. */
export const CLAIM_LEASE_MS = 10_000;

/** Refuses what only a caller's bug can ask of a store. @throws AssertionError */
export function assertClaimCall(keys: readonly string[], ttlMs: number): void {
  assert(keys.length > 0, 'a claim needs a key');
  assert(Number.isSafeInteger(ttlMs) && ttlMs > 0, 'ttlMs must be a positive integer');
}

/** As `assertClaimCall`, for a pending claim. @throws AssertionError */
export function assertPendingCall(keys: readonly string[], ttlMs: number, leaseMs: number): void {
  assertClaimCall(keys, ttlMs);
  assert(ttlMs > leaseMs, 'a pending claim must outlive its lease, or nobody could take it over');
}
