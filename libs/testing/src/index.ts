export { startRedis } from './redis/start-redis.js';
export type { RedisProcess } from './redis/start-redis.js';
export { testDatabase } from './postgres/test-database.js';
export type { TestDatabase } from './postgres/test-database.js';
export { startKafka, type TestKafka, type TestKafkaOptions } from './kafka/start-kafka.js';
export { startTcpProxy, type TcpProxy } from './kafka/tcp-proxy.js';
export { eventsOn, eventually, recordsOf, testHost } from './host/test-host.js';
export type { TestHost } from './host/test-host.js';
