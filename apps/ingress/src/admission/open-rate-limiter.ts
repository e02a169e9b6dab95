import { FallbackRateLimiter, InProcessRateLimiter, RedisRateLimiter, type RateLimiter } from '@tickwire/throttle';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import type { IngressMetrics } from '../metrics/ingress-metrics.js';

/**
 * The limiter that the configuration names: in Redis, shared by all replicas, or in this process. While Redis is away
 * each replica holds its share of every limit by itself: the door neither opens nor closes.
 */
export function openRateLimiter(
  redis: Redis | undefined,
  { replicas, metrics, logger }: { replicas: number; metrics: IngressMetrics; logger: Logger },
): RateLimiter {
  if (redis === undefined) return new InProcessRateLimiter();
  return new FallbackRateLimiter(new RedisRateLimiter(redis), {
    replicas,
    onFallback: (active, cause) => {
      metrics.limitsByReplica(active);
      if (active) logger.warn({ err: cause }, 'Redis does not answer; this replica holds its share of the limits');
      else logger.info({}, 'limits are shared by all replicas again');
    },
  });
}
