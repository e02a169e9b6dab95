import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError } from '@tickwire/config';
import type { Logger } from 'pino';
import type { ClaimStore } from './claim-store.js';
import { InProcessClaimStore } from './in-process-claim-store.js';
import { connectClaimRedis, RedisClaimStore } from './redis-claim-store.js';

export interface ClaimStoreSettings {
  CLAIM_STORE: string;
  REDIS_URL?: string;
  REDIS_TIMEOUT_MS: number;
  CLAIM_LEASE_MS: number;
}

export interface OpenClaimStore {
  store: ClaimStore;
  /** For readiness. @throws while claims cannot be made */
  check(): Promise<void>;
  close(): void;
}

/** How long the start waits for Redis; later it is the readiness that waits. */
const CONNECT_MS = 3_000;

/**
 * Opens the claim store that the configuration names. Starts without a Redis that is away; readiness tells.
 * @throws ConfigError where Redis is wanted and not said where
 */
export async function openClaimStore(settings: ClaimStoreSettings, logger: Logger): Promise<OpenClaimStore> {
  const leaseMs = settings.CLAIM_LEASE_MS;
  if (settings.CLAIM_STORE === 'memory') {
    const store = new InProcessClaimStore({ now: () => performance.now(), leaseMs });
    return { store, check: async () => undefined, close: () => undefined };
  }
  if (!settings.REDIS_URL) {
    throw new ConfigError([{ name: 'REDIS_URL', wanted: ['is required, because CLAIM_STORE is redis'] }]);
  }
  const redis = connectClaimRedis(settings.REDIS_URL, settings.REDIS_TIMEOUT_MS, (error) =>
    logger.warn({ err: error }, 'the connection to Redis was lost'),
  );
  const waited = new AbortController();
  const signal = waited.signal;
  const ready = new Promise<void>((resolve) => void redis.once('ready', () => resolve()));
  await Promise.race([ready, sleep(CONNECT_MS, undefined, { signal }).catch(() => undefined)]);
  waited.abort();
  return {
    store: new RedisClaimStore(redis, { leaseMs }),
    check: async () => void (await redis.ping()),
    close: () => redis.disconnect(),
  };
}
