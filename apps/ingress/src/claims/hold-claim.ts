import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ProblemError } from '@tickwire/problem-details';
import type { ClaimAnswer, ClaimedIds, ClaimStore, DoneClaim, PendingClaim } from './claim-store.js';

/** How long a request waits for another one of the same content that is on its way, ms. */
const WAIT_MS = 2_000;
const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 100;

/** What a request is claimed with. Its token names this attempt. */
export function newClaim(bodyHash: string, ids: ClaimedIds, sinceMs: number): PendingClaim {
  return { state: 'pending', token: randomUUID(), bodyHash, ids, sinceMs };
}

/** What an answered claim becomes. @param answer where ids and time do not give it again */
export function doneClaim({ bodyHash, ids, sinceMs }: PendingClaim, answer?: ClaimAnswer): DoneClaim {
  return { state: 'done', bodyHash, ids, sinceMs, ...(answer && { answer }) };
}

/**
 * Claims a request, and waits for whoever has claimed it before: his answer is the answer to both. A claim that its
 * owner left behind is taken over under its ids.
 * @param pending what to claim with, see `newClaim`
 * @returns the caller's own pending claim, perhaps taken over with other ids and an earlier time than `pending`, or the
 *   answered one of somebody else
 * @throws ProblemError IDEMPOTENCY_CONFLICT where another body stands on a key; IN_FLIGHT with `Retry-After` where the
 *   other request is not answered in time
 * @throws TransientError while the store is away
 */
export async function holdClaim(
  store: ClaimStore,
  keys: readonly string[],
  pending: PendingClaim,
  ttlMs: number,
): Promise<PendingClaim | DoneClaim> {
  const deadlineMs = performance.now() + WAIT_MS;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    const outcome = await store.claim(keys, pending, ttlMs);
    switch (outcome.kind) {
      case 'first':
        return pending;
      case 'done-same-body':
        return outcome.claim;
      case 'other-body':
        throw new ProblemError('IDEMPOTENCY_CONFLICT', 'This nonce or signalId was used with another body.');
      case 'pending-expired': {
        const taken = await store.takeOver(keys, outcome.claim, pending.token, ttlMs);
        if (taken !== undefined) return taken;
        break; // somebody else was faster: look again
      }
      case 'pending-young':
        if (performance.now() + pauseMs > deadlineMs) {
          throw new ProblemError('IN_FLIGHT', 'The same request is being handled; send it again later.', {
            retryAfterMs: outcome.leaseLeftMs,
          });
        }
    }
    await sleep(pauseMs);
  }
}
