export * from './port.js';
export { partitionOfKey } from './partitioner.js';
export { Backoff, sleep } from './backoff.js';
export { KafkaEventLog, type KafkaEventLogOptions } from './kafka/index.js';
export { PostgresEventLog, type PostgresLogOptions } from './postgres/postgres-event-log.js';
export { AssumedNew } from './fence/assumed-new.js';
export type { Statements } from './fence/burst.js';
export { Fence, type Cause, type FencedWork } from './fence/fence.js';
export * from './dead-letters/dead-letter.js';
export {
  BroadcastEvents,
  EVENT_LOG_TRANSPORT,
  OwnedBatches,
  PartitionsAssigned,
  PartitionsRevoked,
} from './transport/decorators.js';
export * from './transport/event-batch.js';
export { watchConsumers } from './metrics/consumer-metrics.js';
export { EventLogServer } from './transport/event-log-server.js';
