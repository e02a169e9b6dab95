import { TransientError } from '@tickwire/errors';
import { GatheredScript } from '@tickwire/redis';
import type { Redis } from 'ioredis';
import { CLAIM_SCRIPT, COMPLETE_SCRIPT, RELEASE_SCRIPT, TAKE_OVER_SCRIPT } from './claim-store.lua.js';
import { assertClaimCall, assertPendingCall, CLAIM_LEASE_MS } from './claim-store.js';
import type { ClaimOutcome, ClaimStore, DoneClaim, PendingClaim } from './claim-store.js';

const KEY_PREFIX = 'claim:';
/** Claims in Redis, shared by every replica of the door. */
export class RedisClaimStore implements ClaimStore {
  readonly #claim: GatheredScript;
  readonly #takeOver: GatheredScript;
  readonly #complete: GatheredScript;
  readonly #release: GatheredScript;
  readonly #leaseMs: number;

  /** @param redis see `connectRedis`; closed by whoever opened it */
  constructor(redis: Redis, { leaseMs = CLAIM_LEASE_MS }: { leaseMs?: number } = {}) {
    this.#claim = new GatheredScript(redis, 'tickwireClaim', CLAIM_SCRIPT);
    this.#takeOver = new GatheredScript(redis, 'tickwireTakeOver', TAKE_OVER_SCRIPT);
    this.#complete = new GatheredScript(redis, 'tickwireComplete', COMPLETE_SCRIPT);
    this.#release = new GatheredScript(redis, 'tickwireRelease', RELEASE_SCRIPT);
    this.#leaseMs = leaseMs;
  }

  async claim(keys: readonly string[], pending: PendingClaim, ttlMs: number): Promise<ClaimOutcome> {
    assertPendingCall(keys, ttlMs, this.#leaseMs);
    const { token, bodyHash } = pending;
    const data = JSON.stringify(pending);
    const reply = await run('claim', () =>
      this.#claim.run(prefixed(keys), token, bodyHash, data, this.#leaseMs, ttlMs),
    );
    return toOutcome(reply as [ClaimOutcome['kind'], string?, number?]);
  }

  async takeOver(
    keys: readonly string[],
    expired: PendingClaim,
    token: string,
    ttlMs: number,
  ): Promise<PendingClaim | undefined> {
    assertPendingCall(keys, ttlMs, this.#leaseMs);
    const taken: PendingClaim = { ...expired, token };
    const data = JSON.stringify(taken);
    const reply = await run('take over', () =>
      this.#takeOver.run(prefixed(keys), expired.token, token, expired.bodyHash, data, this.#leaseMs, ttlMs),
    );
    return reply === 1 ? taken : undefined;
  }

  async complete(keys: readonly string[], done: DoneClaim, ttlMs: number): Promise<void> {
    assertClaimCall(keys, ttlMs);
    const data = JSON.stringify(done);
    await run('complete', () => this.#complete.run(prefixed(keys), done.bodyHash, data, ttlMs));
  }

  async release(keys: readonly string[], pending: PendingClaim): Promise<void> {
    await run('release', () => this.#release.run(prefixed(keys), pending.token));
  }
}

function prefixed(keys: readonly string[]): string[] {
  return keys.map((key) => KEY_PREFIX + key);
}

/** Whatever Redis failed with, the outcome is unknown and the same call may succeed later. */
async function run(what: string, command: () => Promise<unknown>): Promise<unknown> {
  try {
    return await command();
  } catch (cause) {
    throw new TransientError(`The claim store did not ${what}: ${(cause as Error).message}`, { cause });
  }
}

function toOutcome([kind, data = '', leaseLeftMs = 0]: [ClaimOutcome['kind'], string?, number?]): ClaimOutcome {
  switch (kind) {
    case 'first':
    case 'other-body':
      return { kind };
    case 'pending-young':
      return { kind, claim: JSON.parse(data) as PendingClaim, leaseLeftMs };
    case 'pending-expired':
      return { kind, claim: JSON.parse(data) as PendingClaim };
    case 'done-same-body':
      return { kind, claim: JSON.parse(data) as DoneClaim };
  }
}
