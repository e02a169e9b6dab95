import type { BreakerState, CallbackClient, OriginLimiter } from '@tickwire/delivery';
import type { Logger } from 'pino';
import type { TickSecrets } from '../callbacks/tick-secrets.js';
import type { DeliveryLog } from '../deliveries/delivery-log.js';
import type { NewestTicks } from '../controls/newest-ticks.js';
import type { DispatchMetrics } from '../deliveries/dispatch-metrics.js';
import type { Settlements } from '../settlement/settlements.js';

/** What all lanes share. */
export interface LaneServices {
  client: CallbackClient;
  limiter: OriginLimiter;
  secrets: TickSecrets;
  deliveries: DeliveryLog;
  settlements: Settlements;
  metrics: DispatchMetrics;
  newestTicks: NewestTicks;
  logger: Logger;
  freshBreaker: BreakerState;
  /** Of one attempt. */
  timeoutMs: number;
  /** ms since the epoch */
  now(): number;
  /** From 0 (inclusive) to 1 (exclusive). */
  random(): number;
}
