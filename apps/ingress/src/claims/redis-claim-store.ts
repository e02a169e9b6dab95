import { TransientError } from '@tickwire/errors';
import { Redis } from 'ioredis';
import { CLAIM_SCRIPT, COMPLETE_SCRIPT, RELEASE_SCRIPT, TAKE_OVER_SCRIPT } from './claim-store.lua.js';
import { assertClaimCall, assertPendingCall, CLAIM_LEASE_MS } from './claim-store.js';
import type { ClaimOutcome, ClaimStore, DoneClaim, PendingClaim } from './claim-store.js';

type Script = (keyCount: number, ...keysAndArguments: (string | number)[]) => Promise<unknown>;
/** The client with our scripts as commands: sent by hash, and in full where the server does not know them. */
interface ClaimCommands {
  tickwireClaim: Script;
  tickwireTakeOver: Script;
  tickwireComplete: Script;
  tickwireRelease: Script;
}

const KEY_PREFIX = 'claim:';
/** After the time of so many unanswered commands the connection is replaced. */
const SILENT_COMMANDS = 4;
/** How long a disconnect waits for the server's side; the client holds the process open meanwhile. */
const DISCONNECT_MS = 200;
const RECONNECT_STEP_MS = 50;
const MAX_RECONNECT_MS = 1_000;

/**
 * Connects to Redis for work that a sender waits for: a command fails at once without a connection, and after
 * `commandTimeoutMs` without an answer; nothing is queued or sent twice behind the caller's back. It reconnects by
 * itself, for ever.
 * @param onError told of every lost connection, for the log; without a listener the client would print it
 */
export function connectClaimRedis(url: string, commandTimeoutMs: number, onError: (error: Error) => void): Redis {
  const redis = new Redis(url, {
    enableOfflineQueue: false,
    // What one turn of the event loop asks goes out in one write: a third less CPU for each call.
    enableAutoPipelining: true,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: commandTimeoutMs,
    // A connection whose other end has vanished would let every command run into its timeout until TCP gives up.
    socketTimeout: commandTimeoutMs * SILENT_COMMANDS,
    connectTimeout: Math.max(commandTimeoutMs, 1_000),
    disconnectTimeout: DISCONNECT_MS,
    retryStrategy: (attempt) => Math.min(attempt * RECONNECT_STEP_MS, MAX_RECONNECT_MS),
  });
  redis.on('error', onError);
  return redis;
}

/** Claims in Redis, shared by every replica of the door. */
export class RedisClaimStore implements ClaimStore {
  readonly #commands: ClaimCommands;
  readonly #leaseMs: number;

  /** @param redis see `connectClaimRedis`; closed by whoever opened it */
  constructor(redis: Redis, { leaseMs = CLAIM_LEASE_MS }: { leaseMs?: number } = {}) {
    redis.defineCommand('tickwireClaim', { lua: CLAIM_SCRIPT });
    redis.defineCommand('tickwireTakeOver', { lua: TAKE_OVER_SCRIPT });
    redis.defineCommand('tickwireComplete', { lua: COMPLETE_SCRIPT });
    redis.defineCommand('tickwireRelease', { lua: RELEASE_SCRIPT });
    this.#commands = redis as unknown as ClaimCommands;
    this.#leaseMs = leaseMs;
  }

  async claim(keys: readonly string[], pending: PendingClaim, ttlMs: number): Promise<ClaimOutcome> {
    assertPendingCall(keys, ttlMs, this.#leaseMs);
    const { token, bodyHash } = pending;
    const data = JSON.stringify(pending);
    const reply = await run('claim', () =>
      this.#commands.tickwireClaim(...keyed(keys), token, bodyHash, data, this.#leaseMs, ttlMs),
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
      this.#commands.tickwireTakeOver(
        ...keyed(keys),
        expired.token,
        token,
        expired.bodyHash,
        data,
        this.#leaseMs,
        ttlMs,
      ),
    );
    return reply === 1 ? taken : undefined;
  }

  async complete(keys: readonly string[], done: DoneClaim, ttlMs: number): Promise<void> {
    assertClaimCall(keys, ttlMs);
    const data = JSON.stringify(done);
    await run('complete', () => this.#commands.tickwireComplete(...keyed(keys), done.bodyHash, data, ttlMs));
  }

  async release(keys: readonly string[], pending: PendingClaim): Promise<void> {
    await run('release', () => this.#commands.tickwireRelease(...keyed(keys), pending.token));
  }
}

function keyed(keys: readonly string[]): [number, ...string[]] {
  return [keys.length, ...keys.map((key) => KEY_PREFIX + key)];
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
