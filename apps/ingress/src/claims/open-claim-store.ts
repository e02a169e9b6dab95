import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError } from '@tickwire/config';
import { connectRedis } from '@tickwire/redis';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import type { ClaimStore } from './claim-store.js';
import { FallbackClaimStore } from './fallback-claim-store.js';
import { InProcessClaimStore } from './in-process-claim-store.js';
import { RedisClaimStore } from './redis-claim-store.js';

export interface ClaimStoreSettings {
  CLAIM_STORE: string;
  REDIS_URL?: string;
  REDIS_TIMEOUT_MS: number;
  CLAIM_LEASE_MS: number;
}

export interface OpenClaimStore {
  store: ClaimStore;
  /** The connection, where claims are kept in Redis. */
  redis?: Redis;
  close(): void;
}

/** How long the start waits for Redis. */
const CONNECT_MS = 3_000;

/**
 * Opens the claim store that the configuration names. Starts without a Redis that is away, with claims of its own.
 * @throws ConfigError where Redis is wanted and not said where
 */
export async function openClaimStore(
  settings: ClaimStoreSettings,
  logger: Logger,
  onFallback: (active: boolean) => void = () => undefined,
): Promise<OpenClaimStore> {
  const leaseMs = settings.CLAIM_LEASE_MS;
  if (settings.CLAIM_STORE === 'memory') {
    const store = new InProcessClaimStore({ now: () => performance.now(), leaseMs });
    return { store, close: () => undefined };
  }
  if (!settings.REDIS_URL) {
    throw new ConfigError([{ name: 'REDIS_URL', wanted: ['is required, because CLAIM_STORE is redis'] }]);
  }
  const redis = connectRedis(settings.REDIS_URL, settings.REDIS_TIMEOUT_MS, (error) =>
    logger.warn({ err: error }, 'the connection to Redis was lost'),
  );
  const waited = new AbortController();
  const signal = waited.signal;
  const ready = new Promise<void>((resolve) => void redis.once('ready', () => resolve()));
  await Promise.race([ready, sleep(CONNECT_MS, undefined, { signal }).catch(() => undefined)]);
  waited.abort();
  return {
    store: new FallbackClaimStore(
      new RedisClaimStore(redis, { leaseMs }),
      new InProcessClaimStore({ now: () => performance.now(), leaseMs }),
      {
        onFallback: (active, cause) => {
          onFallback(active);
          if (active) logger.warn({ err: cause }, 'Redis does not answer; this replica keeps claims by itself');
          else logger.info({}, 'claims are shared by all replicas again');
        },
      },
    ),
    redis,
    close: () => redis.disconnect(),
  };
}
